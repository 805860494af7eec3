// Promise: the action without Docker runs the release's program and no other, downloads it once, and says what is wrong.
"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { after, before, beforeEach, test } = require("node:test");

const ACTION = path.join(__dirname, "../../native");
const PROGRAM = `#!/bin/sh
echo "the client id is $INPUT_CLIENT_ID"
case "$INPUT_DO" in
fail) exit 3 ;;
wait) trap 'echo stopping; exit 143' TERM; echo waiting; while :; do sleep 0.05; done ;;
esac
`;
const SHA256 = createHash("sha256").update(PROGRAM).digest("hex");
const FILE = "/v1.2.3/port-mcp-auth-x86_64-unknown-linux-gnu";

let root;
let server;
let answers;
let requests;

before(async () => {
  server = http.createServer((request, response) => {
    requests.push(request);
    const [status, body] = answers.shift() ?? [404, "gone"];
    response.writeHead(status).end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
});

after(() => {
  server.close();
  fs.rmSync(root, { recursive: true, force: true });
});

beforeEach(() => {
  fs.rmSync(root ?? "", { recursive: true, force: true });
  root = fs.mkdtempSync(path.join(os.tmpdir(), "native-"));
  [answers, requests] = [[], []];
  fs.cpSync(ACTION, path.join(root, "native"), { recursive: true });
  pin({ version: "1.2.3", sha256: { "x86_64-unknown-linux-gnu": SHA256, "aarch64-unknown-linux-gnu": SHA256 } });
  const script = fs.readFileSync(path.join(root, "native/index.js"), "utf8");
  const changed = script
    .replace(/^const RELEASES = .*$/m, `const RELEASES = "http://127.0.0.1:${server.address().port}";`)
    .replace(/^const FIRST_PAUSE = 1000;/m, "const FIRST_PAUSE = 1;");
  assert.notEqual(changed, script);
  fs.writeFileSync(path.join(root, "native/index.js"), changed);
});

function pin(binaries) {
  fs.writeFileSync(path.join(root, "native/binaries.json"), JSON.stringify(binaries));
}

function cached(directory = "cache", architecture = "x64") {
  return path.join(root, directory, "port-mcp-auth/1.2.3", architecture, "port-mcp-auth");
}

function seed(text) {
  fs.mkdirSync(path.dirname(cached()), { recursive: true });
  fs.writeFileSync(cached(), text, { mode: 0o755 });
}

function start(env, script = "index.js", node = process.execPath) {
  const variables = {
    PATH: process.env.PATH,
    RUNNER_OS: "Linux",
    RUNNER_ARCH: "X64",
    RUNNER_TOOL_CACHE: path.join(root, "cache"),
    RUNNER_TEMP: path.join(root, "temp"),
    GITHUB_OUTPUT: path.join(root, "output"),
    INPUT_CLIENT_ID: "id",
    INPUT_CLIENT_SECRET: "the-client-secret",
    ...env,
  };
  const child = spawn(node, [path.join(root, "native", script)], { env: variables });
  child.log = "";
  child.stdout.on("data", (data) => (child.log += data));
  child.stderr.on("data", (data) => (child.log += data));
  child.ended = new Promise((resolve) => child.on("close", (status, signal) => resolve({ status, signal, log: child.log })));
  return child;
}

function run(env, script) {
  return start(env, script).ended;
}

async function fails(env, code, ...texts) {
  const { status, log } = await run(env);
  assert.equal(status, 1, log);
  assert.match(log, new RegExp(`^::error title=[^:]* \\(${code}\\)::.*%0AWhy: .*%0AFix: .*%0AMore: https:.*#${code}$`, "m"));
  assert.equal(fs.readFileSync(path.join(root, "output"), "utf8"), `error_code=${code}\n`);
  for (const text of texts) {
    assert.ok(log.includes(text), `no ${text} in ${log}`);
  }
}

test("the program is downloaded once, and gets the inputs", async () => {
  answers = [[200, PROGRAM]];
  for (let time = 0; time < 2; time += 1) {
    const { status, log } = await run({});
    assert.deepEqual([status, log], [0, "the client id is id\n"]);
  }
  assert.deepEqual(
    requests.map((request) => request.url),
    [FILE],
  );
  assert.ok(fs.existsSync(`${path.dirname(cached())}.complete`));
});

test("a cache that has the program needs no network", async () => {
  seed(PROGRAM);
  assert.equal((await run({})).status, 0);
  assert.deepEqual(requests, []);
});

test("a file in the cache that is another one is not run", async () => {
  seed("#!/bin/sh\necho forged\n");
  answers = [[200, PROGRAM]];
  const { status, log } = await run({});
  assert.equal(status, 0, log);
  assert.ok(!log.includes("forged"));
  assert.equal(fs.readFileSync(cached(), "utf8"), PROGRAM);
});

test("a download that is another file is not kept", async () => {
  answers = Array(9).fill([200, "#!/bin/sh\necho forged\n"]);
  await fails({}, "unreachable", SHA256, "after 4 attempts");
  assert.ok(!fs.existsSync(cached()));
});

test("an error of the server is tried again, a missing file is not", async () => {
  answers = [
    [503, ""],
    [429, ""],
    [200, PROGRAM],
  ];
  assert.equal((await run({})).status, 0);
  assert.equal(requests.length, 3);
  fs.rmSync(path.join(root, "cache"), { recursive: true });
  await fails({}, "unreachable", "the answer was 404, after 1 attempt", cached());
  assert.equal(requests.length, 4);
});

test("a server that is away is named", async () => {
  const script = path.join(root, "native/index.js");
  fs.writeFileSync(script, fs.readFileSync(script, "utf8").replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1"));
  await fails({}, "unreachable", "http://127.0.0.1:1", "github.com");
});

test("neither the download nor a log gets the inputs", async () => {
  answers = Array(4).fill([500, ""]);
  const { log } = await run({});
  assert.ok(!log.includes("the-client-secret"), log);
  assert.ok(requests.every((request) => !JSON.stringify(request.rawHeaders).includes("the-client-secret")));
});

test("where the tool cache can't be written, the job's own directory is used", async () => {
  answers = [[200, PROGRAM]];
  fs.writeFileSync(path.join(root, "cache"), "a file");
  const { status, log } = await run({});
  assert.equal(status, 0, log);
  assert.ok(fs.existsSync(cached("temp")));
  assert.equal((await run({})).status, 0);
  assert.equal(requests.length, 1);
});

test("where nothing can be written, the step says so", async () => {
  answers = [[200, PROGRAM]];
  for (const directory of ["cache", "temp"]) {
    fs.writeFileSync(path.join(root, directory), "a file");
  }
  await fails({}, "runner", "RUNNER_TOOL_CACHE");
});

test("each architecture has its own program", async () => {
  answers = [[200, PROGRAM]];
  assert.equal((await run({ RUNNER_ARCH: "ARM64" })).status, 0);
  assert.equal(requests[0].url, FILE.replace("x86_64", "aarch64"));
  assert.ok(fs.existsSync(cached("cache", "arm64")));
});

test("an architecture without a program is named", async () => {
  const script = path.join(root, "native/index.js");
  fs.writeFileSync(script, fs.readFileSync(script, "utf8").replaceAll("process.arch]", '"s390x"]'));
  await fails({ RUNNER_ARCH: "X86" }, "runner", "Linux on X86");
});

test("a commit without a release says what to use", async () => {
  pin({ version: null, sha256: {} });
  await fails({}, "internal", "org/port-mcp-auth/native@v1");
});

test("the step ends as the program does", async () => {
  seed(PROGRAM);
  assert.equal((await run({ INPUT_DO: "fail" })).status, 3);
});

test("a signal reaches the program", async () => {
  seed(PROGRAM);
  const child = start({ INPUT_DO: "wait" });
  await new Promise((resolve) => child.stdout.on("data", () => child.log.includes("waiting") && resolve()));
  child.kill("SIGTERM");
  const { status, log } = await child.ended;
  assert.equal(status, 143, log);
  assert.ok(log.endsWith("stopping\n"), log);
});

test("the clean-up runs the program that is there, and downloads nothing", async () => {
  const nothing = await run({}, "cleanup.js");
  assert.deepEqual([nothing.status, nothing.log, requests.length], [0, "", 0]);
  seed(PROGRAM);
  const { status, log } = await run({}, "cleanup.js");
  assert.deepEqual([status, log], [0, "the client id is id\n"]);
});

test("a program that can't be started is no silent success", async () => {
  seed(PROGRAM);
  fs.chmodSync(cached(), 0o644);
  await fails({}, "runner", "can't be started");
});

// Node 20 does not know NODE_USE_ENV_PROXY; the action runs on Node 24.
test("the job's proxy is used", { skip: Number(process.versions.node.split(".")[0]) < 24 }, async () => {
  answers = [[200, PROGRAM]];
  const tunnels = [];
  const proxy = http.createServer((request, response) => {
    tunnels.push(request.url);
    http.get(request.url, (answer) => answer.pipe(response));
  });
  proxy.on("connect", (request, socket) => {
    tunnels.push(request.url);
    const [host, port] = request.url.split(":");
    const upstream = net.connect(port, host, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    upstream.pipe(socket).pipe(upstream);
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { status, log } = await run({ http_proxy: `http://127.0.0.1:${proxy.address().port}` });
  proxy.closeAllConnections();
  proxy.close();
  assert.equal(status, 0, log);
  assert.equal(tunnels.length, 1, log);
});
