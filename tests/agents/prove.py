"""All runs of one client, in a worker process of its own, in which what the client leaves running can be found and ended."""

import argparse
import contextlib
import fcntl
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agents import processes
from agents.build import build
from agents.install import install
from agents.run import Bench, Result, Variant, execute, write_tools

ATTEMPTS = 3
LOCK = ".turn"


@dataclass
class Row:
    """What came of a variant."""

    variant: Variant
    right: Result
    wrong: Result | None = None  # with a wrong token, if that was tried

    @property
    def runs(self):
        """(what the token was, what came of it)."""
        return [("right", self.right), *([("wrong", self.wrong)] if self.wrong else [])]

    @property
    def passed(self):
        return all(result.passed for _, result in self.runs)


def start_worker():
    """Makes this process one that leaves nothing behind, however it ends."""
    processes.adopt_orphans()
    processes.end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when it is over


def choose(document, known):
    """The clients that the command line names, by default all, and what their runs need. This process becomes their worker."""
    parser = argparse.ArgumentParser(description=document, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", metavar="CLIENT")
    chosen = parser.parse_args().clients or list(known)
    if unknown := set(chosen) - set(known):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    start_worker()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    action, sandbox = build()
    install("node")
    return [known[name] for name in chosen], Bench(action, sandbox, write_tools(action, sandbox))


def run_each(runs):
    """Executes (client, what is said of the run, the run in a folder), says how each ended, and exits if one failed."""
    keep, failed = Path(tempfile.mkdtemp(prefix="agents-")), []
    for number, (client, words, run_in) in enumerate(runs):
        result = run_in(keep / f"{client.name}-{number}")
        print(f"{client.name:20} {words}{'ok' if result.passed else 'FAIL'}", *result.notes(), sep="\n", flush=True)
        if not result.passed:
            failed.append(client.name)
    if failed:
        sys.exit(f"failed: {', '.join(dict.fromkeys(failed))}; what they left is in {keep}")
    shutil.rmtree(keep)


def plan(variants, quick):
    """(variant, whether to try a wrong token too): a wrong one is tried once with each transport.

    The quick plan has one variant of each transport, the one that the documents recommend, and one wrong token.
    """
    last = {variant.transport: variant for variant in variants}.values()
    if quick:
        return [(variant, place == 0) for place, variant in enumerate(last)]
    return [(variant, variant in last) for variant in variants]


def prove(client, planned, bench, keep):
    """The rows of a client. Says what came of each run as soon as it is known."""
    say(client, "installs")
    install(client.pin, client.scripts, client.newest)
    return [
        Row(variant, attempt(client, variant, bench, keep, True), attempt(client, variant, bench, keep, False) if wrong else None)
        for variant, wrong in planned
    ]


def attempt(client, variant, bench, keep, right):
    """A run's result. A run that was only too slow gets more chances, with the machine for itself."""
    token = "right" if right else "wrong"
    for number in range(1, ATTEMPTS + 1):
        folder = Path(keep) / f"{client.name}-{variant.slug}-{token}-{number}"
        with turn(keep, alone=number > 1):
            result = execute(client, variant, folder, bench, right)
        result.attempts = number
        verdict = "ok" if result.passed else "FAIL" if number == ATTEMPTS or not result.may_pass_later else "too slow?"
        say(client, f"{variant}, {token} token: {verdict}, {result.milliseconds / 1000:.1f} s", *result.notes())
        if result.passed:
            shutil.rmtree(folder)
        if not result.may_pass_later:
            break
    return result


@contextlib.contextmanager
def turn(keep, alone):
    """Waits until no other worker runs a client, if this one wants to be alone, or until the one that wants it is through."""
    with (Path(keep) / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def say(client, *lines):
    """One write, so that the lines of two workers don't mix."""
    sys.stdout.write("".join(f"{client.name:14} {line}\n" for line in lines))
    sys.stdout.flush()
