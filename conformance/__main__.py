"""Runs the clients, prints a table, and writes results.json.

    ci/conformance [--check] [CLIENT…]

All clients if none is named. With --check, results that differ from the committed ones are an error.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

from conformance import client as clients
from conformance.build import build, registry
from conformance.install import install
from conformance.processes import adopt_orphans
from conformance.registry import entries
from conformance.run import Bench, execute, write_tools

RESULTS = Path(__file__).with_name("results.json")
AT_ONCE = 2


def attempt(client, variant, bench, keep, right):
    """A run's result. A run that was only too slow gets a second chance."""
    for number in (1, 2):
        folder = Path(keep) / f"{client.name}-{variant.slug}-{'right' if right else 'wrong'}-{number}"
        result = execute(client, variant, folder, bench, right)
        if result.passed:
            shutil.rmtree(folder)
        if not result.may_pass_later:
            break
    result.attempts = number
    return result


def prove(client, variants, bench, keep):
    """All runs of a client, in a process of its own: (variant, result with the right token, with a wrong one or None).

    A wrong token is tried once with each transport.
    """
    adopt_orphans()
    install(client.name, client.scripts)
    rows, transports = [], set()
    for variant in variants:
        right = attempt(client, variant, bench, keep, right=True)
        wrong = attempt(client, variant, bench, keep, right=False) if variant.transport not in transports else None
        transports.add(variant.transport)
        rows.append((variant, right, wrong))
    return rows


COLUMNS = "{:14} {:24} {:32} {:>8} {:>8} {:>10} {:>7} {:>7}"


def show(client, rows):
    """Prints a client's lines of the table."""
    for variant, right, wrong in rows:
        verdicts = ["" if run is None else "ok" if run.passed else "FAIL" for run in (right, wrong)]
        times = ["" if run is None else run.milliseconds for run in (right, wrong)]
        print(COLUMNS.format(client.name, client.version, str(variant), *verdicts, right.allow_list, *times))
        for label, run in (("right", right), ("wrong", wrong)):
            if run is None:
                continue
            notes = [*dict.fromkeys(run.faults)]
            notes += [f"missing: {', '.join(run.missing)}"] if run.missing else []
            notes += [f"left running: {line[:100]}" for line in run.leftovers]
            notes += ["ended after its time"] if run.timed_out else []
            notes += ["second attempt"] if run.attempts > 1 else []
            for note in notes:
                print(f"{'':14} {label} token: {note}")
    sys.stdout.flush()


def summary(client, rows):
    """What belongs into the results."""
    return {
        "client": client.client,
        "version": client.version,
        "calls_tools": client.calls_tools,
        "variants": {
            str(variant): {
                "right_token": right.passed,
                **({"wrong_token": wrong.passed} if wrong else {}),
                **({"allow_list": right.allow_list} if right.allow_list else {}),
            }
            for variant, right, wrong in rows
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", metavar="CLIENT")
    parser.add_argument("--check", action="store_true", help="results that differ from the committed ones are an error")
    options = parser.parse_args()
    known = clients.load()
    if unknown := set(options.clients) - set(known):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = options.clients or sorted(known, key=lambda name: -known[name].seconds)

    started = time.monotonic()
    action, sandbox = build()
    install("node")
    install("mcp-remote")
    bench = Bench(action, sandbox, write_tools(action, sandbox))
    known_to_action = entries(action, sandbox, registry())
    keep = tempfile.mkdtemp(prefix="conformance-")
    results, failed = {}, []
    print(COLUMNS.format("client", "version", "variant", "right", "wrong", "allow-list", "ms", "ms"))
    with concurrent.futures.ProcessPoolExecutor(AT_ONCE) as pool:
        jobs = {pool.submit(prove, known[name], known_to_action[known[name].client].variants, bench, keep): known[name] for name in chosen}
        for job in concurrent.futures.as_completed(jobs):
            client = jobs[job]
            try:
                rows = job.result()
            except Exception:  # a client that breaks the harness must not hide the others
                print(f"{client.name} broke the harness:")
                traceback.print_exc(file=sys.stdout)
                failed.append(client.name)
                continue
            show(client, rows)
            results[client.name] = summary(client, rows)
            if not all(right.passed and (wrong is None or wrong.passed) for _, right, wrong in rows):
                failed.append(client.name)
    print(f"{len(chosen)} clients in {time.monotonic() - started:.0f} s, {len(failed)} failed")
    if failed:
        sys.exit(f"failed: {', '.join(sorted(failed))}; what they left is in {keep}")
    os.rmdir(keep)
    save(results, options.check, complete=not options.clients)


def save(results, check, complete):
    """Writes the results, those of other clients kept unless all were run."""
    old = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    new = dict(sorted((results if complete else old | results).items()))
    if new == old:
        return
    RESULTS.write_text(json.dumps(new, indent=2) + "\n")
    if check:
        sys.exit("conformance/results.json was not up to date: commit it as it is now")


if __name__ == "__main__":
    main()
