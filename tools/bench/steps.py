"""How long steps take, from the runner's start of each to its end, its clean-up included. Started by tools/bench/steps."""

import argparse
import contextlib
import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

from harness import ROOT, Sandbox, build_image, docker, gateway

from bench import packages
from bench.figures import table, with_range

BASE, RUNNER = "port-mcp-auth-act:test", "port-mcp-auth-bench-runner:test"
KINDS = {
    "empty": "an empty Node action",
    "cold": "without Docker, nothing in the tool cache",
    "warm": "without Docker, the program in the tool cache",
    "container": "the container action",
}
EMPTY = "name: empty\ndescription: nothing\nruns:\n  using: node24\n  main: main.js\n  post: main.js\n"
# As act writes it: `Success - Main cold-1 [1.2s]`.
LINE = re.compile(r"Success - (?:Pre|Main|Post) (\w+)-(\d+) \[([^\]]+)\]")
UNITS = {"ms": 1, "µs": 1e-3, "m": 60_000, "s": 1000}


def milliseconds(duration):
    """A duration as Go writes it."""
    return sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|µs|m|s)", duration))


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def releases(folder):
    """The address at which the folder's files are."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def build_runner(folder):
    """What act takes for `ubuntu-latest`: as in the container tests, and with Node."""
    folder.mkdir()
    shutil.copy(packages.node(), folder / "node")
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nCOPY node /usr/local/bin/node\n")
    build_image(BASE, ROOT / "tests/container", "tests/container/act.Dockerfile")
    docker("build", "--quiet", "--tag", RUNNER, str(folder))


def write_actions(folder, image, program, address, rounds):
    """The actions, as releases have them; one version for each round, so that it is cold once."""
    (folder / "empty").mkdir(parents=True)
    (folder / "empty/action.yml").write_text(EMPTY)
    (folder / "empty/main.js").write_text("")
    (folder / "container").mkdir()
    text = (ROOT / "action.yml").read_text().replace("image: Dockerfile", f"image: docker://{image}")
    (folder / "container/action.yml").write_text(text)
    sum_ = hashlib.sha256(program.read_bytes()).hexdigest()
    machine = f"{os.uname().machine}-unknown-linux-gnu"
    for number in range(rounds):
        native = folder / f"native-{number}"
        shutil.copytree(ROOT / "native", native)
        script = (native / "index.js").read_text()
        known = re.search(r'^const RELEASES = "(.*)";$', script, re.MULTILINE)[1]
        (native / "index.js").write_text(script.replace(known, address))
        (native / "binaries.json").write_text(json.dumps({"version": f"0.0.{number}", "sha256": {machine: sum_}}))


def workflow(rounds, inputs):
    """A job that runs each kind in each round."""
    steps = []
    for number in range(rounds):
        for kind in KINDS:
            folder = f"native-{number}" if kind in ("cold", "warm") else kind
            given = {} if kind == "empty" else inputs
            steps.append({"name": f"{kind}-{number}", "uses": f"./actions/{folder}", "with": given})
    return json.dumps({"on": "workflow_dispatch", "jobs": {"bench": {"runs-on": "ubuntu-latest", "steps": steps}}})


def run(folder, text, home):
    """act's log."""
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / ".github/workflows/bench.yml").write_text(text)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    tools = subprocess.run([ROOT / "tools/ci/tools/install"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    environment = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(home))
    environment["PATH"] = os.pathsep.join([*tools, os.environ["PATH"]])
    words = ["act", "workflow_dispatch", "--bind", "--pull=false", "--action-offline-mode", "--rm", "--platform", f"ubuntu-latest={RUNNER}"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(words, cwd=folder, env=environment, text=True, check=False, **quiet)
    if done.returncode:
        raise RuntimeError(done.stdout)
    return done.stdout


def measure(image, program, rounds):
    """The figures, as a table."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        scratch = Path(scratch)
        host = gateway()
        build_runner(scratch / "runner")
        sandbox = Sandbox(scratch, host)
        served = scratch / "releases"
        for number in range(rounds):
            (served / f"v0.0.{number}").mkdir(parents=True)
            shutil.copy(program, served / f"v0.0.{number}/port-mcp-auth-{os.uname().machine}-unknown-linux-gnu")
        try:
            with releases(served) as address:
                write_actions(scratch / "workspace/actions", image, program, address, rounds)
                log = run(scratch / "workspace", workflow(rounds, sandbox.inputs(host)), scratch / "home")
        finally:
            sandbox.stop()
    times = {kind: [0.0] * rounds for kind in KINDS}
    for kind, number, duration in LINE.findall(log):
        times[kind][int(number)] += milliseconds(duration)
    empty = times["empty"]
    rows = [
        [KINDS[kind], f"{with_range(found)} ms", with_range([a / b for a, b in zip(found, empty, strict=True)])]
        for kind, found in times.items()
    ]
    return table(["step", "median (95 % interval)", "times the empty one"], rows)


def main():
    """Measures, and prints the figures."""
    parser = argparse.ArgumentParser(prog="tools/bench/steps", description=__doc__)
    parser.add_argument("image", help="the action's image")
    parser.add_argument("program", type=Path, help="the released program")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    print(measure(options.image, options.program.resolve(), options.rounds))


if __name__ == "__main__":
    main()
