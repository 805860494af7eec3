"""The gateway beside other ways to put a proxy in front of an MCP server."""

import contextlib
import functools
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness import ROOT, wait_until

from bench import endurance, gateway, packages, sandbox
from bench.figures import median_and_range, rounded, size, table, with_range
from bench.gateway import CALLERS, Load
from bench.sizes import Files

PEERS = ROOT / "tools/bench/proxies"
ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
DIRECT, OURS = "direct", "this gateway"
NAMES = ("supergateway (npm), twice", "mcp-remote (npm) behind supergateway", "mcp-proxy (PyPI), twice", "FastMCP's proxy (PyPI)")

# Each call has an id of its own, since all callers share a session.
SCRIPT = """
wrk.method = "POST"
{headers}
local id = 100
request = function()
  id = id + 1
  return wrk.format(nil, nil, nil, '{{"jsonrpc":"2.0","id":' .. id .. ',"method":"tools/call","params":{params}}}')
end
"""
# How the simulated Port answers, with the options that make it do so, and what is called there, with the bytes of the answer.
SERVERS = {"plain": ["--stateless"], "events": []}
ANSWERS = {"1 KB": ("plain", 1000), "1 MB": ("plain", 1_000_000), "streamed": ("events", 1000)}


def params(answer):
    """What is called for an answer."""
    return {"name": "list_entities", "arguments": {"blueprint": "service", "identifiers": [answer]}}


def commands(url, token, port):
    """How each peer is started: its name, and its words."""
    node, folder = packages.node(), packages.node_packages("bench-peers-node", PEERS) / "node_modules/.bin"
    bearer = f"Authorization: Bearer {token}"
    inner = f"{node} {folder}/supergateway --logLevel none --streamableHttp {url} --oauth2Bearer {token}"
    outer = ["--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none", "--port", str(port)]
    remote = f"{node} {folder}/mcp-remote {url} --allow-http --transport http-only --header '{bearer}'"
    # Two that can't be in one Python.
    proxy, fastmcp = (
        packages.python_packages(f"bench-peers-{name}", PEERS / f"{name}.txt") / program
        for name, program in (("mcp-proxy", "mcp-proxy"), ("fastmcp", "python"))
    )
    stdio = [str(proxy), "--transport", "streamablehttp", "--headers", "Authorization", f"Bearer {token}", url]
    words = [
        [node, folder / "supergateway", "--stdio", inner, *outer],
        [node, folder / "supergateway", "--stdio", remote, *outer],
        [proxy, "--port", str(port), "--", *stdio],
        [fastmcp, PEERS / "fastmcp_proxy.py", url, token, str(port)],
    ]
    return dict(zip(NAMES, words, strict=True))


def downloads():
    """The bytes that have to be pulled for each peer, beside Node or Python."""
    npm = packages.node_packages("bench-peers-node", PEERS)
    python = {name: packages.python_packages(f"bench-peers-{name}", PEERS / f"{name}.txt").parent for name in ("mcp-proxy", "fastmcp")}
    both = packages.files_of(npm, "supergateway", "mcp-remote")
    found = [packages.files_of(npm, "supergateway"), both, *(packages.files_of_python(folder) for folder in python.values())]
    return {name: files.packed() for name, files in zip(NAMES, found, strict=True)}


def post(url, message, headers):
    """The head and the text of an answer."""
    request = urllib.request.Request(url, json.dumps({"jsonrpc": "2.0"} | message).encode(), ACCEPT | headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers, answer.read().decode()


def open_session(url, headers):
    """The headers that every further message needs."""
    info = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
    head, _ = post(url, {"id": 1, "method": "initialize", "params": info}, headers)
    session = head.get("mcp-session-id")
    headers = headers | {"MCP-Protocol-Version": "2025-06-18"} | ({"Mcp-Session-Id": session} if session else {})
    post(url, {"method": "notifications/initialized"}, headers)
    return headers


def fill(url, token):
    """Puts what is asked for later into the catalog."""
    headers = open_session(url, {"Authorization": f"Bearer {token}"})
    for answer, (_, length) in ANSWERS.items():
        entity = {"blueprint": "service", "identifier": answer, "properties": {"text": "x" * length}}
        _, said = post(url, {"id": 2, "method": "tools/call", "params": {"name": "upsert_entity", "arguments": entity}}, headers)
        assert '"isError":true' not in said, said[:500]


def load(url, headers, answer, callers, seconds, folder):
    """What so many callers find who share a session. Who gets no answer in this time has ten times as long; None if that fails."""
    headers = open_session(url, headers)
    _, said = post(url, {"id": 3, "method": "tools/call", "params": params(answer)}, headers)
    assert "x" * ANSWERS[answer][1] in said, said[:500]
    script = Path(folder) / "call.lua"
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in (ACCEPT | headers).items()]
    script.write_text(SCRIPT.format(headers="\n".join(lines), params=json.dumps(params(answer))) + gateway.DONE)
    for longer in (1, 10):
        with contextlib.suppress(gateway.Failed):
            return gateway.load(url, script, callers, longer * seconds)
    return None


def memory(process):
    """The resident memory of a process and of those that it started, in MB."""
    total, waiting = 0, [process.pid]
    while waiting:
        pid = waiting.pop()
        total += gateway.memory(pid)
        for task in Path(f"/proc/{pid}/task").iterdir():
            waiting += map(int, (task / "children").read_text().split())
    return total


def answers(port):
    """Whether somebody answers HTTP."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/")
        return bool(connection.getresponse().status)
    return False


@contextlib.contextmanager
def peer(words, port):
    """A running peer."""
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(words, env=os.environ | {"FASTMCP_LOG_LEVEL": "ERROR"}, start_new_session=True, **quiet)
    try:
        wait_until(f"{words[0]} listens", lambda: answers(port))
        yield process
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def ask_for_token(port):
    """A token of the simulated Port."""
    body = {"clientId": port.ready["client_id"], "clientSecret": port.ready["client_secret"]}
    request = urllib.request.Request(f"{port.ready['auth_base_url']}/auth/access_token", json.dumps(body).encode(), ACCEPT)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["accessToken"]


@contextlib.contextmanager
def ours(program, port, token, folder):
    """The gateway in front of the simulated Port: its address, its headers, and its process."""
    rules = {"tools": [{"name": "list_entities", "kind": "read"}], "actions": [], "read_only": True}
    settings = endurance.settings(port) | {"token": {"token": token, "seconds_left": 10000}, "rules": rules}
    own = gateway.Gateway(program, settings, folder / "record.jsonl")
    try:
        yield own.url, {"Authorization": f"Bearer {gateway.KEY}"}, own.process
    finally:
        own.stop()


@contextlib.contextmanager
def theirs(name, url, token):
    """A peer in front of the simulated Port."""
    port = gateway.free_port()
    with peer(commands(url, token, port)[name], port) as process:
        open_session(f"http://127.0.0.1:{port}/mcp", {})
        yield f"http://127.0.0.1:{port}/mcp", {}, process


@contextlib.contextmanager
def direct(url, token):
    """No proxy."""
    yield url, {"Authorization": f"Bearer {token}"}, None


@dataclass
class Way:
    """A way to the server, and what was measured of it."""

    start: Callable  # takes a sandbox, a token and a folder
    download: str = ""  # what has to be pulled for it
    loads: dict = field(default_factory=dict)  # by answer and number of callers, a load of each round, or None
    memory: list = field(default_factory=list)  # MB when idle and after calls with small answers, and how many those were

    def measure(self, server, started, seconds, folder):
        """One round with the answers of one server."""
        url, headers, process = started
        idle = memory(process) if process else 0
        for answer in (answer for answer, (needs, _) in ANSWERS.items() if needs == server):
            found = [load(url, headers, answer, callers, seconds, folder) for callers in CALLERS]
            for callers, each in zip(CALLERS, found, strict=True):
                self.loads.setdefault((answer, callers), []).append(each)
            if process and not self.memory:
                self.memory = [idle, memory(process), sum(each.calls for each in found if each)]

    def figures(self, answer, callers, name):
        """A figure of each round; empty if a call failed."""
        found = self.loads[answer, callers]
        return [getattr(each, name) for each in found] if all(found) else []

    def times(self, answer, callers):
        """The median of p50 and of p99."""
        found = [self.figures(answer, callers, name) for name in Load._fields[:2]]
        return " / ".join(rounded(median_and_range(each)[0]) for each in found) if all(found) else "calls fail"

    def rate(self, answer, callers=CALLERS[-1]):
        """The median of the calls a second."""
        found = self.figures(answer, callers, "rate")
        return f"{median_and_range(found)[0]:,.0f}" if found else "calls fail"


@dataclass
class Found:
    """All ways, by their names."""

    ways: dict

    def ahead(self, name, callers, figure):
        """How many times as many calls, or as little time, of each round, with the small answer."""
        mine, other = (self.ways[each].figures("1 KB", callers, figure) for each in (OURS, name))
        pairs = zip(mine, other, strict=True) if mine and other else []
        return [b / a if figure == "p50" else a / b for a, b in pairs]

    def peers(self):
        """The names of those that are proxies, but ours."""
        return [name for name in self.ways if name not in (DIRECT, OURS)]

    def row(self, name):
        """A row of the short table."""
        way = self.ways[name]
        rate = way.rate("1 KB")
        memory = "{:.1f}, {:.1f} after {:,}".format(*way.memory) if way.memory else ""
        ahead = self.ahead(name, CALLERS[-1], "rate")
        times = [way.times("1 KB", 1), way.times("1 KB", 50), way.times("1 MB", 1), way.times("streamed", 1)]
        return [name, *times, rate, with_range(ahead) if ahead and name != OURS else "", memory, way.download]

    def show(self):
        """The short table."""
        head = ["p50 / p99 in ms", "1 KB", "1 KB, 50 callers", "1 MB", "streamed", "calls a second"]
        head += ["this gateway's, times", "memory in MB, idle and after calls", "download"]
        return table(head, [self.row(name) for name in self.ways])

    def show_all(self):
        """Each answer with each number of callers."""
        columns = list(itertools.product(ANSWERS, CALLERS))
        names = [f"{answer}, {callers} caller{'s' * (callers > 1)}" for answer, callers in columns]
        times = [[name, *(way.times(*column) for column in columns)] for name, way in self.ways.items()]
        rates = [[name, *(way.rate(*column) for column in columns)] for name, way in self.ways.items()]
        return f"{table(['p50 / p99 in ms', *names], times)}\n\n{table(['calls a second', *names], rates)}"


def ways(program):
    """The ways that are compared."""
    found = {
        DIRECT: Way(lambda port, token, _: direct(port.ready["mcp_url"], token)),
        OURS: Way(functools.partial(ours, program), size(Files([program]).packed())),
    }
    for name, download in downloads().items():
        start = functools.partial(lambda name, port, token, _: theirs(name, port.ready["mcp_url"], token), name)
        found[name] = Way(start, size(download))
    return found


def measure(program, server, rounds, seconds):
    """All figures."""
    found = Found(ways(program))
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        ports = {each: stack.enter_context(sandbox.running(server, folder / each, *words)) for each, words in SERVERS.items()}
        tokens = {each: ask_for_token(port) for each, port in ports.items()}
        for each, port in ports.items():
            fill(port.ready["mcp_url"], tokens[each])
        for _, (name, way), (each, port) in itertools.product(range(rounds), found.ways.items(), ports.items()):
            print(f"{name}, {each} …", file=sys.stderr, flush=True)
            with way.start(port, tokens[each], folder) as started:
                way.measure(each, started, seconds, folder)
    return found
