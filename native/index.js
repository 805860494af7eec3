// Runs port-mcp-auth without Docker: gets the release's program for this machine once, and hands this step over to it.
"use strict";

const { spawn, spawnSync } = require("node:child_process");
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const RELEASES = "https://github.com/org/port-mcp-auth/releases/download";
const HELP = "https://github.com/org/port-mcp-auth/blob/v1/docs/troubleshooting.md";
const PROGRAM = "port-mcp-auth";
const NATIVE = "port-mcp-auth-native"; // called by this name, the program knows that it runs without Docker

// The runner's names for architectures (RUNNER_ARCH), and Node's.
const TARGETS = {
  ARM64: "aarch64-unknown-linux-gnu",
  X64: "x86_64-unknown-linux-gnu",
  arm64: "aarch64-unknown-linux-gnu",
  x64: "x86_64-unknown-linux-gnu",
};

const ATTEMPTS = 4;
const FIRST_PAUSE = 1000; // in milliseconds; each pause is twice the one before
const ATTEMPT_TIMEOUT = 60_000; // in milliseconds

class Failure extends Error {
  constructor(code, title, what, why, fix) {
    super(what);
    Object.assign(this, { code, title, why, fix });
  }
}

function target() {
  const name = TARGETS[process.env.RUNNER_ARCH] ?? TARGETS[process.arch];
  if (process.platform === "linux" && name) {
    return name;
  }
  const machine = `${process.env.RUNNER_OS ?? process.platform} on ${process.env.RUNNER_ARCH ?? process.arch}`;
  throw new Failure(
    "runner",
    "There is no program for this runner",
    `This runner is ${machine}, and port-mcp-auth is built for Linux on X64 and ARM64.`,
    "Each release has one program for each of these two.",
    "Get the token in a job on a Linux runner, and run the agent in the same job.",
  );
}

function release() {
  const file = path.join(__dirname, "binaries.json");
  const { version, sha256 } = JSON.parse(fs.readFileSync(file, "utf8"));
  const name = target();
  if (version && sha256[name]) {
    return { version, target: name, sha256: sha256[name] };
  }
  throw new Failure(
    "internal",
    "This commit has no program",
    `\`${file}\` names no release.`,
    "The action was taken from a commit that is not part of a release, such as the one at the end of the branch `main`.",
    "Use a release: `uses: org/port-mcp-auth/native@v1`, or the commit that the release's notes name.",
  );
}

function digest(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

// The file's digest; undefined if it can't be read.
function digestOf(file) {
  try {
    return digest(fs.readFileSync(file));
  } catch {
    return undefined;
  }
}

// The tool cache, in the form that @actions/tool-cache uses, then the job's own directory, which is always writable.
function places({ version, target }) {
  const { RUNNER_TOOL_CACHE, RUNNER_TEMP } = process.env;
  const architecture = target.startsWith("x86_64") ? "x64" : "arm64";
  return [RUNNER_TOOL_CACHE, RUNNER_TEMP ?? os.tmpdir()]
    .filter(Boolean)
    .map((root) => path.join(root, PROGRAM, version, architecture, PROGRAM));
}

// Written under another name first: jobs that share the cache never see half of a file, and none is changed while it runs.
function store(bytes, file) {
  const directory = path.dirname(file);
  fs.mkdirSync(directory, { recursive: true });
  const own = `${file}.${process.pid}.${Date.now()}`;
  try {
    fs.writeFileSync(own, bytes, { mode: 0o755, flag: "wx" });
    fs.renameSync(own, file);
    fs.writeFileSync(`${directory}.complete`, "");
  } catch (error) {
    fs.rmSync(own, { force: true });
    throw error;
  }
}

function kept(wanted) {
  return places(wanted).find((file) => digestOf(file) === wanted.sha256);
}

function program() {
  const wanted = release();
  return kept(wanted) ?? fetched(wanted);
}

function fetched(wanted) {
  const files = places(wanted);
  const bytes = download(wanted);
  const problems = [];
  for (const file of files) {
    try {
      store(bytes, file);
      return file;
    } catch (error) {
      problems.push(error.message);
    }
  }
  throw new Failure(
    "runner",
    "The program can't be kept",
    `The program can't be written: ${problems.join("; ")}.`,
    "Neither the runner's tool cache nor its temporary directory takes the file.",
    "Check that the user of this runner may write to `RUNNER_TOOL_CACHE` or `RUNNER_TEMP`, and the free disk space.",
  );
}

// In a process of its own: Node reads the proxy variables only if it is started with NODE_USE_ENV_PROXY. It gets no inputs.
function download({ version, target, sha256 }) {
  const url = `${RELEASES}/v${version}/${PROGRAM}-${target}`;
  const inherited = Object.entries(process.env).filter(([name]) => !/^(INPUT|STATE)_/.test(name));
  const env = { ...Object.fromEntries(inherited), NODE_USE_ENV_PROXY: "1" };
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [__filename, url, sha256], {
    env,
    maxBuffer: 256 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (status === 0) {
    return stdout;
  }
  const detail = error ? error.message : stderr.toString().trim();
  throw new Failure(
    "unreachable",
    "The program can't be downloaded",
    `\`${url}\` can't be downloaded: ${detail}.`,
    "The file is part of the release, and comes from GitHub. Nothing was sent to Port.",
    "Check that this runner may open connections to `github.com` and `release-assets.githubusercontent.com`, or that `HTTPS_PROXY` names its proxy. " +
      "A runner without a way out finds the file in its tool cache: " +
      `\`${places({ version, target })[0]}\`.`,
  );
}

async function fetchOnce(url, sha256) {
  const response = await fetch(url, { signal: AbortSignal.timeout(ATTEMPT_TIMEOUT) });
  if (!response.ok) {
    await response.body?.cancel();
    const error = new Error(`the answer was ${response.status}`);
    error.permanent = response.status < 500 && response.status !== 408 && response.status !== 429;
    throw error;
  }
  const bytes = Buffer.from(await response.arrayBuffer());
  if (digest(bytes) !== sha256) {
    throw new Error(`its SHA-256 is ${digest(bytes)}, and the release says ${sha256}`);
  }
  return bytes;
}

async function downloadHere(url, sha256) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetchOnce(url, sha256);
    } catch (error) {
      if (error.permanent || attempt === ATTEMPTS) {
        const detail = error.cause ? `${error.message}: ${error.cause.message}` : error.message;
        throw new Error(`${detail}, after ${attempt} attempt${attempt === 1 ? "" : "s"}`, { cause: error });
      }
      const pause = FIRST_PAUSE * 2 ** (attempt - 1) * (1 + Math.random());
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

// Runs the program in this step's place. The name that it is called by tells it what to do.
function hand(file, name) {
  let child;
  // Before the program runs: a signal without a handler would end this process alone.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child = spawn(file, [], { argv0: name, stdio: ["ignore", "inherit", "inherit"] });
  child.on("error", (error) => {
    const { errno } = os.constants;
    const refused = [errno.EACCES, errno.EPERM].includes(-error.errno);
    report(
      new Failure(
        "runner",
        "The program can't be started",
        `The program can't be started: ${error.message}.`,
        refused ? "The directory that it is in doesn't let programs run (`noexec`)." : "The system refuses to start it.",
        "Let `RUNNER_TOOL_CACHE` name a directory from which programs may run.",
      ),
    );
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + os.constants.signals[signal];
  });
}

// As the program itself reports: the annotation, and the output for steps with `continue-on-error`.
function report(failure) {
  const { code, title, message, why, fix } =
    failure instanceof Failure
      ? failure
      : new Failure(
          "internal",
          "The step failed",
          `The step failed: ${failure.message}.`,
          "This is a fault of port-mcp-auth.",
          "Report it at https://github.com/org/port-mcp-auth/issues.",
        );
  const text = `${message}\nWhy: ${why}\nFix: ${fix}\nMore: ${HELP}#${code}`;
  const escaped = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  console.log(`::error title=${title} (${code})::${escaped}`);
  const { GITHUB_OUTPUT } = process.env;
  if (GITHUB_OUTPUT) {
    fs.appendFileSync(GITHUB_OUTPUT, `error_code=${code}${os.EOL}`);
  }
  process.exitCode = 1;
}

function reporting(run) {
  try {
    run();
  } catch (failure) {
    report(failure);
  }
}

// A step that could not get the program wrote nothing either.
function cleanUp() {
  const file = kept(release());
  if (file) {
    hand(file, "cleanup");
  }
}

if (require.main !== module) {
  module.exports = { cleanUp: () => reporting(cleanUp) };
} else if (process.argv.length === 4) {
  const [url, sha256] = process.argv.slice(2);
  downloadHere(url, sha256).then(
    (bytes) => process.stdout.write(bytes),
    (error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  );
} else {
  reporting(() => hand(program(), NATIVE));
}
