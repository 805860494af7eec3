"""How many round trips the action takes, on a network with a long way. Started by tools/bench/round-trips."""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench import build, network, sandbox
from bench.figures import table

CONNECT = """
import socket, time
way = socket.socket()
started = time.monotonic()
way.connect(("{}", {}))
print(1000 * (time.monotonic() - started))
"""
# What a step may take at most, in round trips and in milliseconds beside them.
LIMITS = {"exchange alone": (3, 20, {"verify": "false"}), "with preflight": (7, 30, {})}


@dataclass
class Trips:
    """What the steps of one kind took."""

    label: str
    times: list  # milliseconds, without what it takes to start any process
    trip: float  # milliseconds of one round trip
    limit: float  # milliseconds
    seen: list  # what the server saw in the last run

    @property
    def median(self):
        return statistics.median(self.times)

    @property
    def kept(self):
        return self.median <= self.limit


def step(program, client, directory, inputs):
    """The wall time of one run, in milliseconds."""
    output = directory / "output"
    output.write_text("")
    environment = {"GITHUB_OUTPUT": str(output)} | {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
    started = time.monotonic()
    words = [*network.within(client), program]
    done = subprocess.run(words, env=os.environ | environment, check=False, stdout=subprocess.PIPE, text=True)
    took = 1000 * (time.monotonic() - started)
    if done.returncode or "::warning" in done.stdout:
        raise RuntimeError(done.stdout)
    return took


def timed(client, *words):
    """The output of a command, and its wall time in milliseconds."""
    started = time.monotonic()
    done = subprocess.run([*network.within(client), *words], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout, 1000 * (time.monotonic() - started)


def calibrate(client, port, runs):
    """How long a round trip takes, and how long it takes to start a process that does nothing."""
    connect = [sys.executable, "-c", CONNECT.format(network.API, port)]
    trip = min(float(timed(client, *connect)[0]) for _ in range(runs))
    return trip, statistics.median(timed(client, "true")[1] for _ in range(runs))


def measure(program, sandbox_program, delay, runs):
    """How the delay is made, and what each kind of step took."""
    with network.namespaces() as (client, server), tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        way = network.connect(client, server, delay)
        options = ("--bind", "0.0.0.0", "--name", network.API, "--name", network.MCP)  # noqa: S104 - the namespace is its own
        with sandbox.running(sandbox_program, directory, *options, within=network.within(server)) as port:
            inputs = port.inputs(network.API, network.MCP)
            trip, start = calibrate(client, port.port, runs)
            found = []
            for label, (trips, beside, more) in LIMITS.items():
                times = []
                for _ in range(runs):
                    known = len(port.requests())
                    times.append(step(program, client, directory, inputs | more) - start)
                    time.sleep(2 * trip / 1000)  # the last request may still be on its way
                found.append(Trips(label, times, trip, trips * trip + beside, port.requests()[known:]))
            return way, found


def report(found):
    """The figures, and what the server saw and when: half a round trip after it was sent."""
    for each in found:
        verdict = "ok" if each.kept else "TOO SLOW"
        figures = f"{each.median:7.1f} ms (best {min(each.times):.1f})  {each.median / each.trip:5.2f} round trips"
        print(f"{each.label:16} {figures}  at most {each.limit:.0f} ms: {verdict}")
        at = [1000 * datetime.fromisoformat(request["time"]).timestamp() for request in each.seen]
        for request, when in sorted(zip(each.seen, at, strict=True), key=lambda pair: pair[1]):
            connection = request["connection"] - each.seen[0]["connection"]
            print(
                f"    {when - min(at):+7.1f} ms  connection {connection:+d}  {request['method']:6} {request['rpc_method'] or request['path']}"
            )


def show(delay, way, found):
    """The table."""
    rows = [[each.label, f"{each.median:.0f} ms", f"{each.median / each.trip:.2f}", len(each.seen)] for each in found]
    how = f"A round trip takes {found[0].trip:.1f} ms: {delay:g} ms each way, by {way}. Without what it takes to start any process."
    return f"{how}\n\n{table(['', 'median', 'round trips', 'requests'], rows)}"


def main():
    """Measures, and fails when a limit is passed."""
    parser = argparse.ArgumentParser(prog="tools/bench/round-trips", description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--delay", type=float, default=50, metavar="MS", help="each way (50)")
    options = parser.parse_args()
    if reason := network.missing():
        sys.exit(f"tools/bench/round-trips can't make a network here: {reason}")
    way, found = measure(build.action(), build.sandbox(), options.delay, options.runs)
    print(f"{options.delay:g} ms each way by {way}; {options.runs} runs each, medians; a round trip takes {found[0].trip:.1f} ms")
    report(found)
    sys.exit(0 if all(each.kept for each in found) else 1)


if __name__ == "__main__":
    main()
