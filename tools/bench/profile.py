"""Where one run's time goes: instructions and system calls, which are the same whatever else the machine does.

Started by tools/bench/profile.
"""

import argparse
import collections
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ROOT

from bench import alternatives, build, sandbox
from bench.callgrind import Costs
from bench.exchange import HOST
from bench.figures import table

OWN = "this action"
SHOWN = 12  # rows of a table; the rest is one row
# Where a line of source belongs to: its crate, wherever that was compiled; the standard library; or this repository.
PLACES = (
    (re.compile(r"/(?:registry/src/[^/]+|rust/deps)/(?P<crate>[\w-]+?)-\d[^/]*/(?:src/)?(?P<module>.*)$"), None),
    (re.compile(r"/library/(?P<crate>core|alloc|std)/src/(?P<module>.*)$"), None),
    (re.compile(rf"^{re.escape(str(ROOT))}/src/(?P<module>.*)$"), OWN),
)
STANDARD = ("core", "alloc", "std")
# The crate in a function's name.
FIRST_NAME = re.compile(r"^[<&\[(*]*(?:dyn |mut )?(?P<crate>\w+)::")


def missing():
    """Why nothing can be counted here; empty if it can."""
    return ", ".join(f"there is no `{name}`" for name in ("valgrind", "strace") if not shutil.which(name))


def named(function):
    """The crate that a function's name begins with."""
    crate = found["crate"].replace("_", "-") if (found := FIRST_NAME.match(function)) else None
    return {"port-mcp-auth": OWN, "--rustc": "alloc"}.get(crate, crate)


def owner(file, function):
    """The crate that a line belongs to, and its file there."""
    within = named(function)
    for pattern, crate in PLACES:
        if found := pattern.search(file):
            crate = crate or found["crate"]
            # What the standard library gave to a function of another crate was done for that one.
            if crate in STANDARD and within and within not in STANDARD:
                return within, "the standard library, within"
            return crate, found["module"]
    return within or "libc", function


def instructions(program, environment, folder):
    """The instructions of one run, by line."""
    out = Path(folder) / "callgrind.out"
    alternatives.empty(environment)
    words = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}", program]
    subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    return Costs(out.read_text(errors="replace"))


def calls(program, environment, folder):
    """The system calls of one run, by name."""
    out = Path(folder) / "strace.out"
    alternatives.empty(environment)
    subprocess.run(["strace", "-f", "-c", "-o", out, program], env=environment, stdout=subprocess.DEVNULL, check=True)
    rows = [line.split() for line in out.read_text().splitlines()]
    return collections.Counter({row[-1]: int(row[3]) for row in rows if len(row) >= 5 and row[0][0].isdigit() and row[-1] != "total"})


class Profile:
    """One run, counted."""

    def __init__(self, costs, called):
        self.total = costs.total
        self.called = called
        self.crates, self.modules = collections.Counter(), collections.Counter()
        for (file, function), cost in costs.own.items():
            crate, module = owner(file, function)
            self.crates[crate] += cost
            if crate == OWN:
                self.modules[module] += cost

    def share(self, counted, what):
        """A table of the largest, with the rest in one row."""
        rows = [[name, f"{cost:,}", f"{100 * cost / self.total:.1f} %"] for name, cost in counted.most_common(SHOWN)]
        rest = sum(counted.values()) - sum(cost for _, cost in counted.most_common(SHOWN))
        if rest:
            rows.append([f"{len(counted) - SHOWN} others", f"{rest:,}", f"{100 * rest / self.total:.1f} %"])
        return table([what, "instructions", "of all"], rows)

    def show(self):
        """All tables."""
        threads = sum(self.called[name] for name in ("clone", "clone3", "fork", "vfork"))
        names = ", ".join(f"`{name}` {count}" for name, count in self.called.most_common(SHOWN))
        started = "no further thread or process is started" if not threads else f"{threads} threads or processes are started"
        return "\n\n".join(
            [
                f"{self.total:,} instructions, {self.called.total()} system calls; {started}.",
                self.share(self.crates, "by crate"),
                self.share(self.modules, "by file of this action"),
                f"System calls: {names}, and {max(0, len(self.called) - SHOWN)} other kinds.",
            ]
        )


def measure(program, with_symbols, sandbox_program, verify="false"):
    """One run's profile."""
    with tempfile.TemporaryDirectory() as folder, sandbox.running(sandbox_program, Path(folder) / "sandbox") as port:
        environment = alternatives.environment(port.inputs(HOST) | {"verify": verify}, folder)
        return Profile(instructions(with_symbols, environment, folder), calls(program, environment, folder))


def main():
    """Counts, and prints."""
    parser = argparse.ArgumentParser(prog="tools/bench/profile", description=__doc__)
    parser.add_argument("--verify", action="store_true", help="open the MCP connection too")
    options = parser.parse_args()
    if reason := missing():
        sys.exit(f"tools/bench/profile can't count here: {reason}")
    verify = "true" if options.verify else "false"
    print(measure(build.action(), build.action_with_symbols(), build.sandbox(), verify).show())


if __name__ == "__main__":
    main()
