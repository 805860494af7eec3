"""Measures the action beside what could stand in its place, in one run. Started by tools/bench/compare."""

import argparse
import os
import platform
import re
import subprocess
import tempfile
import time
from pathlib import Path

from bench import agents, build, containers, document, exchange, network, packages, plot, profile, round_trips
from bench.figures import median_and_range, ratios, table
from bench.sizes import Files

DELAY = 50  # milliseconds each way


def machine():
    """The kind of machine, without anything that names it."""
    model = re.search(r"^model name\s*: *(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = int(re.search(r"^MemTotal: *(\d+) kB", Path("/proc/meminfo").read_text())[1]) / 2**20
    kernel = re.match(r"\d+\.\d+(?:\.\d+)?", platform.release())[0]
    virtual = subprocess.run(["systemd-detect-virt", "--vm"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    parts = [
        f"{os.cpu_count()} cores of {model[1] if model else platform.machine()}",
        f"{memory:.0f} GiB of memory",
        f"Linux {kernel}",
        f"Rust {subprocess.run(['rustc', '--version'], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[1]}",
        f"Node {subprocess.run([str(packages.node()), '--version'], stdout=subprocess.PIPE, text=True, check=True).stdout.strip().removeprefix('v')}",
        f"Python {platform.python_version()}",
        subprocess.run(["curl", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.split(" (")[0],
    ]
    return f"{', '.join(parts)}{f' (a virtual machine: {virtual})' if virtual not in ('', 'none') else ''}."


class Targets:
    """What was promised, and what came of it."""

    def __init__(self):
        self.rows = []

    def add(self, label, limit, values, unit="of it"):
        """A ratio that must not be larger than `limit`."""
        middle, low, high = median_and_range(values)
        met = "yes" if middle <= limit else "**no**"
        self.rows.append([label, f"at most {limit:.3g}", f"{middle:.3g} ({low:.3g} to {high:.3g})", met])

    def show(self):
        return table(["ratio", "limit", "measured", "met"], self.rows)


def main():
    """Measures all, and prints it or writes it into the document."""
    parser = argparse.ArgumentParser(prog="tools/bench/compare", description=__doc__)
    parser.add_argument(
        "--write", action="store_true", help="put the figures into docs/performance.md and tools/bench/RESULTS.md, and draw the picture"
    )
    parser.add_argument("--rounds", type=int, default=100, help="of the exchange (100); the others have fewer")
    options = parser.parse_args()
    parts, targets, started = {}, Targets(), time.monotonic()

    def say(name, text):
        parts[name] = text
        print(f"\n[{time.monotonic() - started:.0f} s] {name}\n\n{text}", flush=True)

    action, sandbox_program, native = build.action(), build.sandbox(), build.native()
    say("machine", machine())
    with tempfile.TemporaryDirectory() as folder:
        found = exchange.measure(action, sandbox_program, native, options.rounds, folder)
        say("exchange", exchange.show(found))
        say("needs", exchange.show_needs(found))
    ours, bare, guide = found[:3]
    targets.add("wall time, to the guide's step", 1 / 12, ratios(ours.wall, guide.wall))
    targets.add("peak memory, to the guide's step", 1 / 4, ratios(ours.peak, guide.peak))
    targets.add("wall time, to the bare `hyper` + `rustls` program", 1.15, ratios(ours.wall, bare.wall))
    if reason := containers.missing():
        say("containers", f"Not measured: {reason}.")
    else:
        with_action, with_empty = containers.measure(action, sandbox_program, native["empty"], max(3, options.rounds // 4))
        say("containers", containers.show(with_action, with_empty))
        targets.add("container start to exit, to an empty image", 1.05, ratios(with_action, with_empty))
    say("images", containers.sizes(Files([action])))
    say("agents", agents.show(agents.measure(action, sandbox_program, max(2, options.rounds // 10), 3)))
    if reason := network.missing():
        say("round-trips", f"Not measured: {reason}.")
    else:
        say("round-trips", round_trips.show(DELAY, *round_trips.measure(action, sandbox_program, DELAY, 15)))
    if reason := profile.missing():
        say("profile", f"Not measured: {reason}.")
    else:
        say("profile", profile.measure(action, build.action_with_symbols(), sandbox_program).show())
    say("targets", targets.show())
    if options.write:
        document.write(parts)
        plot.draw(found)


if __name__ == "__main__":
    main()
