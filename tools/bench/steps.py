"""How long steps take, from the runner's start of each to its end, its clean-up included."""

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
from dataclasses import dataclass
from pathlib import Path

from harness import ROOT, Sandbox, build_image, docker, gateway

from bench import alternatives, packages
from bench.figures import ratios, size, table, with_range
from bench.sizes import Files

BASE, RUNNER = "port-mcp-auth-act:test", "port-mcp-auth-bench-runner:test"
GATEWAY = {"gateway": "true"}
# What a step is, where its action is in the workspace, and its inputs besides the credentials and addresses.
KINDS = {
    "container": ("this action", "container", {}),
    "containergateway": ("this action, with the gateway", "container", GATEWAY),
    "warm": ("this action without Docker, its program in the tool cache", "native", {}),
    "warmgateway": ("the same, with the gateway", "native", GATEWAY),
    "cold": ("this action without Docker, nothing in the tool cache", "cold", {}),
    "guide": ("the guide's `bash`, `curl`, `jq`", "", {}),
    "node": ("a Node action with `@actions/core`", "node", {}),
    "empty": ("an empty Node action", "empty", {}),
}
BASELINE = "guide"
NODE_ACTION = "name: {name}\ndescription: a JavaScript action\nruns:\n  using: node24\n  main: main.cjs\n"
# As act writes it: `Success - Main cold-1 [1.2s]`.
LINE = re.compile(r"Success - (?:Pre|Main|Post) (\w+)-(\d+) \[([^\]]+)\]")
TARGET = f"{os.uname().machine}-unknown-linux-gnu"
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
    """What act takes for `ubuntu-latest`: as in the container tests, and with Node and curl."""
    folder.mkdir()
    shutil.copy(packages.node(), folder / "node")
    install = "apt-get update && apt-get install --yes --no-install-recommends curl ca-certificates"
    (folder / "Dockerfile").write_text(f"FROM {BASE}\nRUN {install}\nCOPY node /usr/local/bin/node\n")
    build_image(BASE, ROOT / "tests/container", "tests/container/act.Dockerfile")
    docker("build", "--quiet", "--tag", RUNNER, str(folder))


def write_native(folder, address, version, program):
    """The action without Docker as a release has it, whose program is at another address."""
    shutil.copytree(ROOT / "native", folder)
    script = (folder / "index.js").read_text()
    known = re.search(r'^const RELEASES = "(.*)";$', script, re.MULTILINE)[1]
    (folder / "index.js").write_text(script.replace(known, address))
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    (folder / "binaries.json").write_text(json.dumps({"version": version, "sha256": {TARGET: digest}}))


def write_node(folder, script, post=""):
    """An action in JavaScript."""
    folder.mkdir()
    (folder / "action.yml").write_text(NODE_ACTION.format(name=folder.name) + post)
    (folder / "main.cjs").write_text(script)


def write_actions(folder, image, program, address, rounds):
    """The actions; the one whose program is not in the cache has a version for each round."""
    folder.mkdir(parents=True)
    write_node(folder / "empty", "", post="  post: main.cjs\n")
    write_node(folder / "node", packages.bundle("exchange", folder).read_text())
    (folder / "container").mkdir()
    text = (ROOT / "action.yml").read_text().replace("image: Dockerfile", f"image: docker://{image}")
    (folder / "container/action.yml").write_text(text)
    write_native(folder / "native", address, "0.0.0", program)
    for number in range(1, rounds + 1):
        write_native(folder / f"cold-{number}", address, f"0.0.{number}", program)


def serve_program(folder, program, rounds):
    """Puts the program where each version's release has it."""
    for number in range(rounds + 1):
        (folder / f"v0.0.{number}").mkdir(parents=True)
        shutil.copy(program, folder / f"v0.0.{number}/port-mcp-auth-{TARGET}")


def step(kind, number, inputs, guide, authority):
    """One step of the job."""
    name = f"{kind}-{number}"
    _, place, more = KINDS[kind]
    if kind == "guide":
        return {"name": name, "run": guide, "shell": "bash", "env": {"CURL_CA_BUNDLE": authority}}
    if kind == "empty":
        return {"name": name, "uses": "./actions/empty"}
    folder = f"cold-{number}" if kind == "cold" else place
    environment = {"env": {"NODE_EXTRA_CA_CERTS": authority}} if kind == "node" else {}
    return {"name": name, "uses": f"./actions/{folder}", "with": inputs | more} | environment


def workflow(rounds, inputs, guide, authority):
    """A job that runs each kind in each round. The first round fills the caches, and doesn't count."""
    steps = [step(kind, number, inputs, guide, authority) for number in range(1, rounds + 1) for kind in KINDS]
    steps.insert(0, step("warm", 0, inputs, guide, authority))
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


@dataclass
class Found:
    """What was measured."""

    times: dict  # milliseconds by kind, of each round
    downloads: dict  # by kind, what has to be pulled for it

    def row(self, kind):
        """A row of the table."""
        times = self.times[kind]
        ratio = "1" if kind == BASELINE else with_range(ratios(times, self.times[BASELINE]))
        return [KINDS[kind][0], f"{with_range(times)} ms", ratio, self.downloads[kind]]

    def show(self):
        """The table."""
        return table(["step", "median (95 % interval)", "times the guide's", "download"], [self.row(kind) for kind in self.times])


def downloads(program, workspace):
    """What a runner pulls that has what GitHub's hosted runners have."""
    image, script = Files([program]), Files([workspace / "actions/node/main.cjs"])
    pulled = {"container": image.packed(), "containergateway": image.packed(), "cold": program.stat().st_size, "node": script.packed()}
    return {kind: size(pulled[kind]) if kind in pulled else "none" for kind in KINDS}


def measure(image, program, rounds):
    """The milliseconds of each kind of step."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        scratch = Path(scratch)
        host = gateway()
        build_runner(scratch / "runner")
        sandbox = Sandbox(scratch, host)
        workspace, authority = scratch / "workspace", scratch / "workspace/ca.pem"
        serve_program(scratch / "releases", program, rounds)
        try:
            with releases(scratch / "releases") as address:
                write_actions(workspace / "actions", image, program, address, rounds)
                shutil.copy(sandbox.ca_file, authority)
                inputs = sandbox.inputs(host)
                guide = alternatives.guide_step(inputs, scratch).read_text()
                log = run(workspace, workflow(rounds, inputs, guide, str(authority)), scratch / "home")
            pulled = downloads(program, workspace)
        finally:
            sandbox.stop()
    times = {kind: [0.0] * rounds for kind in KINDS}
    for kind, number, duration in LINE.findall(log):
        if int(number):
            times[kind][int(number) - 1] += milliseconds(duration)
    return Found(times, pulled)
