"""The gateway under steady use for a long time. Started by tools/bench/endurance."""

import argparse
import collections
import http.client
import itertools
import json
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from harness import wait_until

from bench import build, sandbox
from bench.figures import table
from bench.gateway import KEY, Gateway

HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
SAMPLES = 12  # how many rows the table has


def settings(port):
    """The gateway's settings for the sandbox."""
    return {
        "client_id": port.ready["client_id"],
        "client_secret": port.ready["client_secret"],
        "token_endpoint": {"kind": "api", "url": f"{port.ready['auth_base_url']}/auth/access_token"},
        "mcp_url": port.ready["mcp_url"],
    }


def recorded(record):
    """How many lines of each kind the record has."""
    with record.open() as lines:
        return collections.Counter((line["event"], line.get("outcome")) for line in map(json.loads, lines))


class Callers:
    """Callers that each use a connection of their own until they are told to stop."""

    def __init__(self, port, count, pause):
        self.port, self.pause, self.over = port, pause, threading.Event()
        self.ids, self.done, self.failures, self.slowest = itertools.count(1), 0, [], 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        while not self.over.is_set():
            number = next(self.ids)
            params = {"name": "list_blueprints", "arguments": {}}
            body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
            began = time.monotonic()
            connection.request("POST", "/mcp", body, HEADERS)
            answer = json.loads(connection.getresponse().read())
            took = time.monotonic() - began
            with self.lock:
                self.done, self.slowest = self.done + 1, max(self.slowest, took)
                if answer.get("id") != number or "content" not in answer.get("result", {}):
                    self.failures.append(answer)
            self.over.wait(self.pause)
        connection.close()

    def stop(self):
        """Lets each caller end its call."""
        self.over.set()
        for thread in self.threads:
            thread.join()


def watch(gateway, callers, minutes):
    """The gateway's memory and files while it is used, a row each time."""
    began, rows = time.monotonic(), []
    for number in range(SAMPLES + 1):
        time.sleep(max(0, began + 60 * minutes * number / SAMPLES - time.monotonic()))
        passed = (time.monotonic() - began) / 60
        rows.append([f"{passed:.1f}", callers.done, f"{gateway.memory():.2f}", gateway.files()])
        print("minute {}: {} calls, {} MB, {} files".format(*rows[-1]), flush=True)
    return rows


@dataclass
class Found:
    """What was measured, and what must not be so."""

    text: str
    calls: int
    exchanges: int
    wrong: list


def measure(options):
    """Runs it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["--token-lifetime", options.token_lifetime, "--stateless"]
        with sandbox.running(options.sandbox or build.sandbox(), folder / "sandbox", *words) as port:
            gateway = Gateway(options.program or build.action(), settings(port), folder / "record.jsonl")
            idle, files = gateway.memory(), gateway.files()
            callers = Callers(gateway.port, options.callers, options.pause)
            rows = watch(gateway, callers, options.minutes)
            callers.stop()
            wait_until("the callers' connections are closed", lambda: gateway.files() <= files + options.callers + 2)
            left = gateway.files()
            code, counts = gateway.stop(), recorded(gateway.record)
            asked = port.requests()
    calls = sum(request.get("rpc_method") == "tools/call" and request.get("status") == 200 for request in asked)
    exchanges = [request for request in asked if request["path"].endswith("/auth/access_token")]
    figures = table(["minute", "calls", "resident memory, MB", "open files"], [["idle", 0, f"{idle:.2f}", files], *rows])
    said = f"{callers.done} calls by {options.callers} callers, the slowest took {1e3 * callers.slowest:.0f} ms; {len(exchanges)} tokens"
    wrong = {
        f"{len(callers.failures)} calls failed: {callers.failures[:3]}": callers.failures,
        f"the server ran {calls} calls": calls != callers.done,
        f"the record has {counts['answer', 'ok']} answers": counts["answer", "ok"] != callers.done,
        f"{len(exchanges)} exchanges gave {counts['renewed', None] + 1} tokens": len(exchanges) != counts["renewed", None] + 1,
        f"{left} files are open, {files} before": left > files + options.callers + 2,
        f"the gateway ended with {code}": code,
    }
    return Found(f"{figures}\n\n{said}", callers.done, len(exchanges), [each for each, is_so in wrong.items() if is_so])


def options(words=None):
    """What a run is given."""
    parser = argparse.ArgumentParser(prog="tools/bench/endurance", description=__doc__)
    parser.add_argument("--program", type=Path, help="the built action; by default it is built")
    parser.add_argument("--sandbox", type=Path, help="the built sandbox; by default it is built")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--callers", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between two calls of a caller")
    parser.add_argument("--token-lifetime", default="60s")
    return parser.parse_args(words)


def main():
    """Measures, prints the figures, and ends with what is wrong."""
    found = measure(options())
    print(found.text)
    sys.exit("\n".join(found.wrong) or None)


if __name__ == "__main__":
    main()
