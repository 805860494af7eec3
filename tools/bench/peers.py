"""The gateway beside other ways to put a proxy in front of an MCP server. Started by tools/bench/peers."""

import argparse
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from harness import ROOT, wait_until

from bench import build, endurance, gateway, packages, sandbox
from bench.figures import median_and_range, rounded, table, with_range

PEERS = ROOT / "tools/bench/proxies"
ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}

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
PARAMS = {"name": "list_blueprints", "arguments": {"identifiers": ["service"]}}


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
    return {
        "supergateway (npm), twice": [node, folder / "supergateway", "--stdio", inner, *outer],
        "mcp-remote (npm) behind supergateway": [node, folder / "supergateway", "--stdio", remote, *outer],
        "mcp-proxy (PyPI), twice": [proxy, "--port", str(port), "--", *stdio],
        "FastMCP's proxy (PyPI)": [fastmcp, PEERS / "fastmcp_proxy.py", url, token, str(port)],
    }


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
    _, said = post(url, {"id": 2, "method": "tools/call", "params": PARAMS}, headers)
    if '"content"' not in said:
        raise RuntimeError(f"{url}: {said}")
    return headers


def load(url, headers, callers, seconds, folder):
    """p50 and p99 in ms, and calls a second."""
    script = Path(folder) / "call.lua"
    lines = [f'wrk.headers["{name}"] = "{value}"' for name, value in (ACCEPT | headers).items()]
    script.write_text(SCRIPT.format(headers="\n".join(lines), params=json.dumps(PARAMS)) + gateway.DONE)
    return gateway.load(url, script, callers, seconds)[:3]


def memory(process):
    """The resident memory of a process and of those that it started, in MB."""
    total, waiting = 0, [process.pid]
    while waiting:
        pid = waiting.pop()
        status = Path(f"/proc/{pid}/status").read_text()
        total += int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1e3
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


def ours(program, port, folder):
    """The gateway in front of the sandbox."""
    body = {"clientId": port.ready["client_id"], "clientSecret": port.ready["client_secret"]}
    request = urllib.request.Request(f"{port.ready['auth_base_url']}/auth/access_token", json.dumps(body).encode(), ACCEPT)
    with urllib.request.urlopen(request) as answer:
        token = json.load(answer)["accessToken"]
    settings = endurance.settings(port) | {"token": {"token": token, "seconds_left": 10000}}
    return token, gateway.Gateway(program, settings, folder / "record.jsonl")


class Way:
    """A way to the server, and what was measured of it."""

    def __init__(self, url, headers):
        self.url, self.headers, self.alone, self.many, self.memory = url, headers, [], [], ""

    def measure(self, seconds, folder):
        """One round."""
        for callers, found in ((1, self.alone), (50, self.many)):
            found.append(load(self.url, open_session(self.url, self.headers), callers, seconds, folder))

    def row(self, name, ours):
        """A row of the table; a factor says how many times ours is ahead."""
        columns = [[each[place] for each in group] for group in (self.alone, self.many) for place in (0, 1)]
        columns.append([each[2] for each in self.many])
        shown = [f"{rounded(median_and_range(each)[0])} ({rounded(min(each))} to {rounded(max(each))})" for each in columns]
        ahead = [own[2] / theirs[2] for own, theirs in zip(ours.many, self.many, strict=True)]
        return [name, *shown, self.memory, with_range(ahead)]


def measure_round(ways, peers, port, seconds, folder):
    """Each way once."""
    for name in ("direct", "this gateway"):
        ways[name].measure(seconds, folder)
    for name, words in peers.items():
        print(f"{name} …", file=sys.stderr)
        way = ways.setdefault(name, Way(f"http://127.0.0.1:{port}/mcp", {}))
        with peer(words, port) as process:
            open_session(way.url, {})
            way.memory = f"{memory(process):.0f}"
            way.measure(seconds, folder)


def measure(program, server, rounds, seconds):
    """All figures, as a table."""
    with tempfile.TemporaryDirectory() as name, sandbox.running(server, Path(name) / "sandbox", "--stateless") as port:
        folder, url = Path(name), port.ready["mcp_url"]
        token, own = ours(program, port, folder)
        bearer = {"Authorization": f"Bearer {token}"}
        ways = {"direct": Way(url, bearer), "this gateway": Way(own.url, {"Authorization": f"Bearer {gateway.KEY}"})}
        ways["this gateway"].memory = f"{own.memory():.1f}"
        listening = gateway.free_port()
        try:
            for _ in range(rounds):
                measure_round(ways, commands(url, token, listening), listening, seconds, folder)
        finally:
            own.stop()
    head = ["", "alone, p50 ms", "p99", "50 callers, p50 ms", "p99", "calls a second", "memory, MB", "this gateway's calls a second, times"]
    return table(head, [way.row(name, ways["this gateway"]) for name, way in ways.items()])


def main():
    """Measures, and prints the figures."""
    parser = argparse.ArgumentParser(prog="tools/bench/peers", description=__doc__)
    parser.add_argument("--program", type=Path, help="the built action; by default it is built")
    parser.add_argument("--sandbox", type=Path, help="the built sandbox; by default it is built")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="how long each measurement takes")
    options = parser.parse_args()
    program = options.program.resolve() if options.program else build.action()
    print(measure(program, options.sandbox or build.sandbox(), options.rounds, options.seconds))


if __name__ == "__main__":
    main()
