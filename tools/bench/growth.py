"""How cost grows with the tools that a server lists, with callers, and with jobs behind one address."""

import asyncio
import collections
import concurrent.futures
import contextlib
import http.client
import json
import random
import re
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness import read_file_command, wait_until

from bench import alternatives, endurance, gateway, growth_model, peers, sandbox
from bench.figures import median_and_range, rounded, table, with_range
from bench.growth_model import FIRST_PAUSE, MAX_ATTEMPTS, Limit, seconds

HOST = "127.0.0.1"
TOOLS = (0, 100, 1_000, 5_000)  # in all; with 0, only those that the sandbox has anyway
CALLERS = (1, 10, 50, 200)
SMALL = gateway.path("1 KB")
JOBS = (1, 4, 16, 64, 256)
ROUTES = {"access_token", "oauth_token"}  # of the requests that Port's limits count
API, OAUTH = "100+10/5m", "50/15m"  # Port's limits
# The same limits, and a window that a measurement can wait for.
SHORT_API, SHORT_OAUTH = "100+10/10s", "50/10s"
# Lists that are larger than what is read: more tools, more pages, more bytes in one answer.
TOO_LARGE = {
    "more than 10,000 tools, 1,000 on a page": ["--large-tools", "10001", "--page-size", "1000"],
    "more than 100 pages": ["--large-tools", "150", "--page-size", "1"],
    "more than 8 MiB in one answer": ["--large-tools", "8000"],
}


@dataclass
class Ended:
    """A step that has ended."""

    took: float
    peak: int  # bytes; 0 if it was not measured
    outputs: dict
    log: str

    @property
    def tools(self):
        return len(json.loads(self.outputs.get("tools") or "[]"))

    def messages(self, kind):
        """The texts of its annotations of a kind."""
        return [text for text in self.log.splitlines() if text.startswith(f"::{kind} ")]


def run_step(program, environment, timed=None):
    """One step, from its start to its end."""
    alternatives.empty(environment)
    result = Path(environment["HOME"]) / "timed.json"
    words = [timed, result, program] if timed else [program]
    began = time.monotonic()
    done = subprocess.run(words, env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    took = {"wall": time.monotonic() - began, "peak": 0} | (json.loads(result.read_text()) if timed else {})
    return Ended(took["wall"], took["peak"], read_file_command(Path(environment["GITHUB_OUTPUT"]).read_text()), done.stdout)


def start(program, folder, *words):
    """A sandbox with a folder of its own."""
    return sandbox.running(program, tempfile.mkdtemp(dir=folder), *words)


def asked(port, count):
    """All requests so far, of which there must be this many at least."""
    return wait_until(f"{count} requests are in the log", lambda: len(found := port.requests()) >= count and found)


# --- The tools that the server lists ---


class Asker:
    """An agent that asks for the tools again and again in one session."""

    def __init__(self, url, token):
        self.url, address = url, urlsplit(url)
        self.headers = peers.ACCEPT | peers.open_session(url, {"Authorization": f"Bearer {token}"})
        self.connection = http.client.HTTPConnection(address.hostname, address.port)

    def ask(self):
        """The seconds of one list, its bytes, and the message."""
        body = json.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/list"})
        began = time.monotonic()
        self.connection.request("POST", urlsplit(self.url).path, body, self.headers)
        answer = self.connection.getresponse().read()
        took = time.monotonic() - began
        [message] = [line for line in answer.decode().splitlines() if line.startswith("data: {")]
        message = json.loads(message.removeprefix("data: "))
        return took, len(answer), message


def gateway_settings(port, names):
    """The settings of a gateway that lets agents call all of these tools."""
    tools = [{"name": name, "kind": "read"} for name in names]
    return endurance.settings(port) | {"rules": {"tools": tools, "actions": None, "read_only": True}}


def list_through_gateway(program, port, names, rounds, folder):
    """What one `tools/list` takes directly and through the gateway, the size of the answer, and the gateway's memory before and after."""
    own = gateway.Gateway(program, gateway_settings(port, names), folder / "record.jsonl")
    try:
        direct, through = Asker(port.ready["mcp_url"], peers.ask_for_token(port)), Asker(own.url, gateway.KEY)
        # Without it, the server lists more.
        direct.headers |= {"x-read-only-mode": "1"}
        idle, times = own.memory(), ([], [])
        for _ in range(rounds):
            for found, asker in zip(times, (direct, through), strict=True):
                took, size, message = asker.ask()
                found.append(took)
                listed = len(message["result"]["tools"])
                if listed != len(names):
                    raise RuntimeError(f"{asker.url} lists {listed} tools of {len(names)}")
        return *times, size, idle, own.memory("VmHWM")
    finally:
        own.stop()


def measure_list(program, sandbox_program, timed, wanted, rounds, folder):
    """A row: this many tools."""
    extra = 0
    if wanted:
        with start(sandbox_program, folder) as port:
            extra = wanted - run_step(program, alternatives.environment(port.inputs(HOST), folder)).tools
    with start(sandbox_program, folder, "--large-tools", str(extra)) as port:
        environment = alternatives.environment(port.inputs(HOST), folder)
        steps = []
        for _ in range(rounds):
            steps.append(run_step(program, environment, timed))
            if wanted not in (0, steps[-1].tools):
                raise RuntimeError(f"the step lists {steps[-1].tools} tools of {wanted}:\n{steps[-1].log}")
        requests = len(asked(port, 5 * rounds)) / rounds
        names = json.loads(steps[-1].outputs["tools"])
        direct, through, size, idle, peak = list_through_gateway(program, port, names, rounds, folder)
    return [
        f"{len(names):,}",
        f"{size / 1e3:,.0f} kB",
        f"{with_range([each.took for each in steps], 1e3)} ms",
        f"{rounded(median_and_range([each.peak for each in steps])[0] / 2**20)} MiB",
        f"{requests:g}",
        f"{1e3 * (statistics.median(through) - statistics.median(direct)):.1f} ms ({1e3 * statistics.median(direct):.1f} ms)",
        f"{idle / 1.048576:.1f} to {peak / 1.048576:.1f} MiB",
    ]


def measure_too_large(program, sandbox_program, folder):
    """Rows: lists that are larger than what is read."""
    rows = []
    for label, words in TOO_LARGE.items():
        with start(sandbox_program, folder, *words) as port:
            step = run_step(program, alternatives.environment(port.inputs(HOST), folder))
            warnings = [text for text in step.messages("warning") if "not verified" in text]
            said = re.search(r"can't be verified: it ([^.]*)\.", warnings[0]) if warnings else None
            if not step.outputs.get("access_token") or not said or "this step reads" not in said[1]:
                raise RuntimeError(f"{label}: the step doesn't say which limit of its own was met:\n{step.log}")
            rows.append([label, f"goes on and warns that the server {said[1]}", through_gateway(program, port, folder)])
    return table(["the server lists", "the step", "the gateway, asked for the list"], rows).replace("--:", "---")


def through_gateway(program, port, folder):
    """What an agent gets of the list through the gateway."""
    own = gateway.Gateway(program, gateway_settings(port, ["list_blueprints"]), folder / "record.jsonl")
    try:
        _, _, message = Asker(own.url, gateway.KEY).ask()
        if "error" in message:
            return f"answers: {message['error']['message']}"
        return "passes each page on"
    finally:
        own.stop()


def measure_tools(program, sandbox_program, timed, rounds, folder):
    """With more and more tools."""
    rows = [measure_list(program, sandbox_program, timed, wanted, rounds, folder) for wanted in TOOLS]
    head = ["tools", "size of the list", "step, wall time", "peak memory", "requests"]
    head += ["one list: the gateway adds (direct)", "the gateway's memory, before and at the peak"]
    return "\n\n".join([table(head, rows), measure_too_large(program, sandbox_program, folder)])


# --- The callers of the gateway ---


def measure_callers(program, rounds, length, folder):
    """With more and more callers, beside a direct connection. The server is nginx, which is faster than the gateway."""
    rows = []
    with gateway.server(folder) as port:
        script = gateway.write_script(folder)
        for callers in CALLERS:
            own = gateway.Gateway(program, gateway.settings(folder, port, SMALL), folder / "record.jsonl")
            try:
                direct, through = [], []
                for _ in range(rounds):
                    direct.append(gateway.load(f"https://{HOST}:{port}/{SMALL}", script, callers, length))
                    through.append(gateway.load(own.url, script, callers, length))
                memory = own.memory("VmHWM")
            finally:
                own.stop()
            p50, p99, rate = (statistics.median(each[place] for each in through) for place in range(3))
            before = [statistics.median(each[place] for each in direct) for place in range(3)]
            calls = sum(each[3] for each in through)
            rows.append(
                [
                    callers,
                    f"{rounded(p50)} ms ({rounded(before[0])})",
                    f"{rounded(p99)} ms ({rounded(before[1])})",
                    f"{rate:,.0f} ({before[2]:,.0f})",
                    f"{memory / 1.048576:.1f} MiB",
                    # `load` ends the measurement if a call fails.
                    f"0 of {calls:,}",
                ]
            )
    return table(["callers", "p50 (direct)", "p99 (direct)", "calls a second (direct)", "peak memory", "failed calls"], rows)


# --- The jobs that start at once ---


class Tunnels:
    """A proxy that leads to the sandbox whatever it is asked for, so that the action takes it for Port's own hosts."""

    def __init__(self, port):
        self.target, self.loop = port, asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        listening = asyncio.start_server(self.serve, HOST, 0, backlog=1024)
        self.server = asyncio.run_coroutine_threadsafe(listening, self.loop).result()
        self.url = f"http://{HOST}:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            inner_reader, inner_writer = await asyncio.open_connection(HOST, self.target)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(self.pipe(reader, inner_writer), self.pipe(inner_reader, writer))

    @staticmethod
    async def pipe(reader, writer):
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    def stop(self):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def end(self):
        self.server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@dataclass(frozen=True)
class Way:
    """How jobs are configured, and what limits them."""

    endpoint: str
    timeout: str
    api: str = API
    oauth: str = OAUTH
    verify: bool = True
    refused: bool = False  # the MCP server refuses the API's tokens

    @property
    def label(self):
        words = [f"`{self.endpoint}`"]
        if self.refused:
            words.append("the MCP server refuses tokens of `api`")
        if not self.verify:
            words.append("`verify: false`")
        return ", ".join(words)

    @property
    def limits(self):
        known = {"api": self.api, "mcp": self.oauth, "auto": f"{self.api}, {self.oauth}" if self.refused else self.api}
        return known[self.endpoint].replace("/", " in ")


@dataclass
class Crowd:
    """What became of jobs that started together."""

    ended: list
    exchanges: int

    @property
    def got(self):
        return [each for each in self.ended if each.outputs.get("access_token")]

    def errors(self):
        """How many ended with each error code."""
        counts = collections.Counter(each.outputs.get("error_code") for each in self.ended if not each.outputs.get("access_token"))
        if None in counts:
            raise RuntimeError("a job has neither a token nor an error code")
        return ", ".join(f"{count} `{code}`" for code, count in sorted(counts.items())) or "none"


def run_jobs(program, sandbox_program, way, starts, folder):
    """Jobs that start at these times, in seconds from now."""
    words = ["--rate-limit", way.api, "--oauth-rate-limit", way.oauth, "--name", "api.port.io", "--name", "mcp.port.io"]
    if way.refused:
        words += ["--mcp-accepts", "oauth"]
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(start(sandbox_program, folder, *words))
        inputs = port.inputs(HOST) | {"token_endpoint": way.endpoint, "timeout": way.timeout, "verify": str(way.verify).lower()}
        environment = {}
        if way.refused:
            # Only to Port's own hosts does the action send the credentials a second time.
            tunnels = Tunnels(int(port.port))
            stack.callback(tunnels.stop)
            inputs |= {"auth_base_url": "https://api.port.io/v1", "mcp_url": "https://mcp.port.io/mcp/v1"}
            environment = {"HTTPS_PROXY": tunnels.url}

        def run(number, start):
            own = folder / "jobs" / str(number)
            own.mkdir(parents=True, exist_ok=True)
            time.sleep(max(0, began + start - time.monotonic()))
            return run_step(program, alternatives.environment(inputs, own) | environment)

        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(len(starts)) as pool:
            ended = list(pool.map(run, range(len(starts)), starts))
        log = asked(port, len(starts))
    exchanges = sum(request["route"] in ROUTES for request in log)
    return Crowd(ended, exchanges)


def row_of_jobs(program, sandbox_program, way, counts, folder):
    """A row: how many of the jobs that started together got a token."""
    cells = []
    for count in JOBS:
        if count not in counts:
            cells.append("")
            continue
        found = run_jobs(program, sandbox_program, way, [0] * count, folder)
        cells.append(str(len(found.got)))
    slowest = max(each.took for each in found.ended)
    if slowest > seconds(way.timeout) + 2:
        raise RuntimeError(f"{way}: a job took {slowest:.1f} s")
    each = f"{found.exchanges / len(found.ended):.2f}"
    return [way.label, way.limits, f"`{way.timeout}`", *cells, found.errors(), f"{slowest:.1f} s", each]


def measure_jobs(program, sandbox_program, folder):
    """With more and more jobs."""
    once = [
        Way("api", "60s"),
        Way("api", "60s", verify=False),
        Way("mcp", "60s"),
        Way("auto", "60s"),
        Way("auto", "60s", refused=True),
    ]
    waiting = [Way("api", "30s", api=SHORT_API), Way("api", "15s", api=SHORT_API), Way("mcp", "60s", oauth=SHORT_OAUTH)]
    rows = [row_of_jobs(program, sandbox_program, way, JOBS, folder) for way in once]
    rows += [row_of_jobs(program, sandbox_program, way, JOBS[-1:], folder) for way in waiting]
    head = [
        "`token_endpoint`",
        "limit",
        "`timeout`",
        *map(str, JOBS),
        "errors of 256",
        "the slowest",
        "token requests each",
    ]
    return table(head, rows)


# --- The model ---


def compare_model(program, sandbox_program, folder):
    """How near the model is to a measurement."""
    jobs, within, timeout, limit = 150, 30, "15s", "20/10s"
    chance = random.Random(4)  # noqa: S311 - the same jobs each time
    starts = sorted(chance.uniform(0, within) for _ in range(jobs))
    found = run_jobs(program, sandbox_program, Way("api", timeout, api=limit, verify=False), starts, folder)
    expected = growth_model.simulate(starts, Limit.read(limit), seconds(timeout))
    waits = [sorted(each.took for each in found.got)[len(found.got) // 2], expected.wait(0.5)]
    return (
        f"The model beside a measurement, with {jobs} jobs in {within} s, a limit of {limit.replace('/', ' in ')} and `timeout: {timeout}`: "
        f"{len(expected.waits)} of the jobs get a token in the model, {len(found.got)} did; they wait {waits[1]:.1f} s (p50), and waited {waits[0]:.1f} s; "
        f"{expected.requests} token requests, and there were {found.exchanges}."
    )


def show_model(near):
    """The model's text."""
    assumed = (
        f"{growth_model.JOBS:,} jobs an hour behind one address. As Port documents it, a request to its API's token route counts by address: "
        f"{growth_model.API.requests} in 5 minutes with the burst; to the `mcp` endpoint {growth_model.OAUTH.requests} in 15. "
        f"Assumed is that a window begins with the first request after the last one, and that refused requests don't count. "
        f"A job asks up to {MAX_ATTEMPTS} times, each time after the wait that Port asks for and up to {FIRST_PAUSE:g} s more, doubled each time."
    )
    enough = f"What is enough for {growth_model.ENOUGH:.1%} of the jobs:"
    return "\n\n".join([assumed, growth_model.show_hour(), enough, growth_model.show_needs(), near])


def measure(program, sandbox_program, timed, rounds):
    """All parts, by name."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        return {
            "growth-tools": measure_tools(program, sandbox_program, timed, rounds, folder),
            "growth-callers": measure_callers(program, min(rounds, 3), 2, folder),
            "growth-jobs": measure_jobs(program, sandbox_program, folder),
            "growth-model": show_model(compare_model(program, sandbox_program, folder)),
            "growth-fits": growth_model.show_fits(),
        }
