"""Size against speed: the action at each optimisation level. Started by tools/bench/levels."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from bench import alternatives, build, document, exchange, profile, sandbox
from bench.figures import median_and_range, ratios, rounded, size, table, with_range
from bench.sizes import Files

LEVELS = ("z", "s", 3)


def measure(programs, sandbox_program, timed, rounds):
    """For each program its instructions in one run, and what it took in each round."""
    with tempfile.TemporaryDirectory() as name, sandbox.running(sandbox_program, Path(name) / "sandbox") as port:
        environment = alternatives.environment(port.inputs(exchange.HOST) | {"verify": "false"}, name)
        counted = {level: profile.instructions(program, environment, name).total for level, program in programs.items()}
        found = {level: exchange.Measured(alternatives.Program(str(level), [program]), [], [], []) for level, program in programs.items()}
        chance = random.Random(1)  # noqa: S311 - the same order each time
        for _ in range(rounds):
            for each in chance.sample(list(found.values()), len(found)):
                each.add(exchange.run_once(timed, each.program, environment, name))
    return counted, found


def show(programs, counted, found):
    """The table."""
    first = next(iter(found.values()))
    rows = []
    for level, program in programs.items():
        files, each = Files([program]), found[level]
        wall = "1" if each is first else with_range(ratios(each.wall, first.wall))
        peak = f"{rounded(median_and_range(each.peak)[0] / 2**20)} MiB"
        rows.append([f"`{level}`", size(files.unpacked()), size(files.packed()), f"{counted[level]:,}", wall, peak])
    return table(["opt-level", "binary", "compressed", "instructions", f"wall time to `{next(iter(found))}`'s", "peak memory"], rows)


def main():
    """Builds and measures each level."""
    parser = argparse.ArgumentParser(prog="tools/bench/levels", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the figures into tools/bench/RESULTS.md")
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    if reason := profile.missing():
        sys.exit(f"tools/bench/levels can't count instructions here: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        programs = {}
        for level in LEVELS:
            programs[level] = Path(folder) / f"port-mcp-auth-{level}"
            shutil.copy(build.action_at(level), programs[level])
        text = show(programs, *measure(programs, build.sandbox(), build.native()["timed"], options.rounds))
    print(text)
    if options.write:
        document.write({"levels": text})


if __name__ == "__main__":
    main()
