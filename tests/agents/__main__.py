"""Runs the clients, prints a table, and writes results.json.

    tests/agents/conformance [--quick] [--check | --newest] [CLIENT…]

All clients if none is named. With --quick, each transport of a client has one run, and one run has a wrong token; the results
are compared with the committed ones. With --check, the same is done after all runs, instead of writing them. With --newest, the
newest release of each client runs instead of the pinned one, and newest.json says how that ended.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from agents import client as clients
from agents.build import build, registry
from agents.install import install, newest
from agents.prove import plan, prove, start_worker
from agents.registry import entries
from agents.run import Bench, write_tools

RESULTS = Path(__file__).with_name("results.json")
NEWEST = Path(__file__).with_name("newest.json")
AT_ONCE = 2
COLUMNS = "{:14} {:24} {:32} {:>8} {:>8} {:>10} {:>7} {:>7}"


def show(client, rows):
    """Prints a client's lines of the table."""
    for row in rows:
        verdicts = {token: "ok" if result.passed else "FAIL" for token, result in row.runs}
        times = {token: result.milliseconds for token, result in row.runs}
        columns = [column.get(token, "") for column in (verdicts, times) for token in ("right", "wrong")]
        print(COLUMNS.format(client.name, client.version, str(row.variant), *columns[:2], row.right.allow_list, *columns[2:]))


def summary(client, rows):
    """What belongs into the results."""
    return {
        "client": client.client,
        "version": client.version,
        "calls_tools": client.calls_tools,
        "variants": {
            str(row.variant): {
                **{f"{token}_token": result.passed for token, result in row.runs},
                **({"allow_list": row.right.allow_list} if row.right.allow_list else {}),
            }
            for row in rows
        },
    }


def run_all(chosen, plans, bench, keep):
    """The rows of each client that could be run, by its name."""
    found = {}
    pool = concurrent.futures.ProcessPoolExecutor(AT_ONCE, initializer=start_worker)
    try:
        jobs = {pool.submit(prove, client, plans[client.name], bench, keep): client for client in chosen}
        for job in concurrent.futures.as_completed(jobs):
            client = jobs[job]
            try:
                found[client.name] = job.result()
            except Exception:  # a client that breaks the harness must not hide the others
                print(f"{client.name} broke the harness:")
                traceback.print_exc(file=sys.stdout)
                sys.stdout.flush()
    except BaseException:
        # The workers end what they have started, and nothing more is begun.
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", metavar="CLIENT")
    parser.add_argument("--quick", action="store_true", help="one run for each transport, and one with a wrong token")
    parser.add_argument("--check", action="store_true", help="results that differ from the committed ones are an error")
    parser.add_argument(
        "--newest", action="store_true", help="the newest release of each client instead of the pinned one; implies --quick"
    )
    options = parser.parse_args()
    known = clients.load()
    if unknown := set(options.clients) - set(known):
        parser.error(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = sorted((known[name] for name in options.clients or known), key=lambda client: -client.seconds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    started = time.monotonic()
    step("builds the action and the sandbox")
    action, sandbox = build()
    step("installs Node and mcp-remote")
    install("node")
    install("mcp-remote")
    if options.newest:
        options.quick = True
        # The others run a program that one of these runs too.
        chosen = [client for client in chosen if client.pin == client.name]
        step("asks the registries for the newest releases")
        for client in chosen:
            _, client.newest = newest(client.pin)
    step("asks the action for its configs")
    bench = Bench(action, sandbox, write_tools(action, sandbox))
    entry = entries(action, sandbox, registry())
    ways = {client.name: [way for way in entry[client.client].variants if client.takes(way)] for client in chosen}
    plans = {name: plan(variants, options.quick) for name, variants in ways.items()}
    step(f"starts {sum(1 + wrong for planned in plans.values() for _, wrong in planned)} runs of {len(chosen)} clients")
    keep = tempfile.mkdtemp(prefix="conformance-")
    rows = run_all(chosen, plans, bench, keep)

    print()
    print(COLUMNS.format("client", "version", "variant", "right", "wrong", "allow-list", "ms", "ms"))
    for name in sorted(rows):
        show(known[name], rows[name])
    failed = sorted(client.name for client in chosen if not all(row.passed for row in rows.get(client.name, [])) or client.name not in rows)
    print(f"{len(chosen)} clients in {time.monotonic() - started:.0f} s, {len(failed)} failed")
    if options.newest:
        save_newest([client for client in chosen if client.name in rows], failed)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; what they left is in {keep}")
    shutil.rmtree(keep)
    results = {name: summary(known[name], rows[name]) for name in rows}
    if options.newest:
        return
    if options.quick or options.check:
        compare(results)
    else:
        save(results, complete=not options.clients)


def step(text):
    """Says what comes next: all of it may take a while."""
    print(f"tests/agents/conformance {text}", flush=True)


def committed():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def compare(results):
    """Ends with an error if the committed results say something else."""
    old = committed()
    for name, result in results.items():
        said = old.get(name, {"variants": {}})
        known = {key: value for key, value in said.items() if key != "variants"}
        same = known == {key: value for key, value in result.items() if key != "variants"}
        for variant, verdict in result["variants"].items():
            same = same and verdict.items() <= said["variants"].get(variant, {}).items()
        if not same:
            sys.exit(f"results.json says something else of {name}: run tests/agents/conformance {name}, and commit what it writes")


def save_newest(chosen, failed):
    """Writes which newest releases passed, those of other clients kept. One that can't be installed was not tried."""
    old = json.loads(NEWEST.read_text()) if NEWEST.exists() else {}
    day = time.strftime("%Y-%m-%d", time.gmtime())
    new = {client.name: {"version": client.version, "passed": client.name not in failed, "day": day} for client in chosen}
    NEWEST.write_text(json.dumps(dict(sorted((old | new).items())), indent=2) + "\n")


def save(results, complete):
    """Writes the results, those of other clients kept unless all were run."""
    old = committed()
    new = dict(sorted((results if complete else old | results).items()))
    if new != old:
        RESULTS.write_text(json.dumps(new, indent=2) + "\n")


if __name__ == "__main__":
    main()
