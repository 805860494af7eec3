"""Measures the action beside what could stand in its place, in one run. Started by tools/bench/compare."""

import argparse
import contextlib
import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import (
    agents,
    build,
    containers,
    document,
    endurance,
    exchange,
    gateway,
    growth,
    network,
    packages,
    peers,
    plot,
    profile,
    round_trips,
    steps,
)
from bench.figures import median_and_range, ratios, rounded, table, with_range
from bench.sizes import Files

DELAY = 50  # milliseconds each way
SECONDS = 2  # of each load on the gateway


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


@dataclass
class Targets:
    """What was promised, and what came of it."""

    rows: list = field(default_factory=list)

    def add(self, label, limit, shown, met):
        """A row."""
        self.rows.append([label, limit, shown, "yes" if met else "**no**"])

    def median(self, label, limit, values, unit="", least=False):
        """The median must be at most the limit, or at least, with `least`."""
        middle = median_and_range(values)[0]
        met = middle >= limit if least else middle <= limit
        shown = f"{limit:.3g}" if limit < 1000 else f"{limit:,}"
        self.add(label, f"at {'least' if least else 'most'} {shown}{unit}", f"{with_range(values)}{unit}", met)

    def worst(self, label, limit, values, unit):
        """No value may be larger than the limit."""
        shown = f"{rounded(statistics.median(values))}{unit}"
        if len(values) > 1:
            shown += f", at most {rounded(max(values))}{unit}"
        self.add(label, f"at most {limit:g}{unit}", shown, max(values) <= limit)

    def show(self):
        """The table."""
        return table(["target", "limit", "measured", "met"], self.rows)


@dataclass
class Run:
    """What is measured, with what, and what came of it."""

    image: str  # empty where there is no engine
    action: Path
    sandbox: str
    native: dict
    rounds: int
    parts: dict = field(default_factory=dict)
    targets: Targets = field(default_factory=Targets)
    ratios: Targets = field(default_factory=Targets)  # of earlier versions, to the bare program and the guide's
    pictures: dict = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    def say(self, name, text):
        """A part of the pages."""
        self.parts[name] = text
        print(f"\n[{time.monotonic() - self.started:.0f} s] {name}\n\n{text}", flush=True)

    def some(self, share):
        """So many rounds of what takes longer."""
        return max(3, self.rounds // share)


def measure_exchange(run):
    """The exchange alone, beside other programs."""
    with tempfile.TemporaryDirectory() as folder:
        found = exchange.measure(run.action, run.sandbox, run.native, run.rounds, folder)
        run.say("exchange", exchange.show(found))
        run.say("needs", exchange.show_needs(found))
    ours, bare, guide = found[:3]
    run.ratios.median("wall time, to the guide's step", 1 / 12, ratios(ours.wall, guide.wall))
    run.ratios.median("peak memory, to the guide's step", 1 / 4, ratios(ours.peak, guide.peak))
    run.ratios.median("wall time, to the bare `hyper` + `rustls` program", 1.15, ratios(ours.wall, bare.wall))


def measure_steps(run):
    """What needs an engine: whole steps, and containers."""
    if not run.image:
        for name in ("steps", "containers", "gateway-container"):
            run.say(name, f"Not measured: {containers.missing()}.")
        return
    found = steps.measure(run.image, run.action, run.some(8))
    run.say("steps", found.show())
    run.pictures["steps"] = {steps.KINDS[kind][0]: times for kind, times in found.times.items()}
    with_action, with_empty = containers.measure(run.image, run.sandbox, run.native["empty"], run.some(4))
    run.say("containers", containers.show(with_action, with_empty))
    run.ratios.median("container start to exit, to an empty image", 1.05, ratios(with_action, with_empty))
    times = containers.gateway_times(run.image, run.sandbox, run.some(10))
    run.say("gateway-container", times.show())
    run.targets.worst("the gateway's container: start", 500, times.start, " ms")
    run.targets.worst("its end, with the record", 300, times.stop, " ms")


def measure_gateway(run):
    """What the gateway adds."""
    found = gateway.measure(run.action, run.some(20), SECONDS)
    run.say("gateway", found.show())
    run.targets.median("added to a call of one caller: p50", 0.3, found.added("1 KB", 1, "p50"), " ms")
    run.targets.median("added to a call of one caller: p99", 1, found.added("1 KB", 1, "p99"), " ms")
    run.targets.median("calls a second, 50 callers", 2000, [each.rate for each in found.gateway["1 KB", 50]], least=True)
    run.targets.worst("memory when idle", 4, [found.idle], " MB")
    run.targets.worst("memory while ten answers of 10 MB are under way", 12, [found.peak], " MB")
    run.targets.worst("until the server knows that a caller has left", 10, found.leave, " ms")


def measure_peers(run):
    """The gateway beside other proxies."""
    found = peers.measure(run.action, run.sandbox, run.some(30), SECONDS)
    run.say("peers", found.show())
    run.say("peers-all", found.show_all())
    for figure, callers, label in (
        ("p50", 1, "ahead of each other proxy: p50 of one caller"),
        ("rate", 50, "ahead of each other proxy: calls a second, 50 callers"),
    ):
        nearest = min((found.ahead(name, callers, figure) for name in found.peers()), key=statistics.median)
        run.targets.median(label, 5, nearest, " times", least=True)
    shown = {name: way.figures("1 KB", 50, "rate") for name, way in found.ways.items()}
    run.pictures["calls"] = {name: rates for name, rates in shown.items() if rates}


def measure_endurance(run):
    """A minute of the gateway with short tokens."""
    words = ["--minutes", "1", "--token-lifetime", "10s", "--program", str(run.action), "--sandbox", run.sandbox]
    found = endurance.measure(endurance.options(words))
    run.say("endurance", found.text)
    shown = "; ".join(found.wrong) or f"none of {found.calls:,}, {found.exchanges} tokens"
    run.targets.add("calls that fail, get lost or run twice over a renewal", "none", shown, not found.wrong)


def measure_growth(run):
    """How cost grows."""
    for name, text in growth.measure(run.action, run.sandbox, run.native["timed"], run.some(14)).items():
        run.say(name, text)


def measure_sizes(run):
    """What a runner pulls."""
    files = Files([run.action])
    run.say("images", containers.sizes(files))
    run.targets.worst("image, unpacked", 4.8, [files.unpacked() / 1e6], " MB")
    run.targets.worst("image, compressed", 2.4, [files.packed() / 1e6], " MB")


def measure_round_trips(run):
    """How often a step waits for Port."""
    if reason := network.missing():
        run.say("round-trips", f"Not measured: {reason}.")
        return
    way, found = round_trips.measure(run.action, run.sandbox, DELAY, 15)
    run.say("round-trips", round_trips.show(DELAY, way, found))
    for each in found:
        trips, beside, _ = round_trips.LIMITS[each.label]
        shown = [time / each.trip for time in each.times]
        limit = f"at most {trips}, and {beside} ms for the rest"
        run.targets.add(f"round trips, {each.label}", limit, f"{with_range(shown)}, all included", each.kept)


def measure_agents(run):
    """Until an agent has its tools."""
    run.say("agents", agents.show(agents.measure(run.action, run.sandbox, run.some(10), 3)))


def measure_profile(run):
    """Where the time goes."""
    if reason := profile.missing():
        run.say("profile", f"Not measured: {reason}.")
        return
    run.say("profile", profile.measure(run.action, build.action_with_symbols(), run.sandbox).show())


PARTS = {
    "steps": measure_steps,
    "gateway": measure_gateway,
    "peers": measure_peers,
    "endurance": measure_endurance,
    "growth": measure_growth,
    "exchange": measure_exchange,
    "round-trips": measure_round_trips,
    "sizes": measure_sizes,
    "agents": measure_agents,
    "profile": measure_profile,
}


@contextlib.contextmanager
def built():
    """The image, if there is an engine, and the program that releases have."""
    if containers.missing():
        yield "", build.action()
        return
    with build.image() as (image, program):
        yield image, program


def main():
    """Measures, and prints it or writes it into the pages."""
    parser = argparse.ArgumentParser(prog="tools/bench/compare", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the figures into the pages, and draw the picture")
    parser.add_argument("--rounds", type=int, default=100, help="of the exchange (100); the others have fewer")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}; can't be written")
    options = parser.parse_args()
    if options.write and options.only is not PARTS:
        parser.error("--write needs all parts: they are compared with one another, so they are of one run")
    with built() as (image, action):
        run = Run(image, Path(action), build.sandbox(), build.native(), options.rounds)
        run.say("machine", machine())
        for name in options.only:
            PARTS[name](run)
    run.say("targets", run.targets.show())
    run.say("ratios", run.ratios.show())
    if options.write:
        document.write(run.parts)
        plot.draw(run.pictures)


if __name__ == "__main__":
    main()
