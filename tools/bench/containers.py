"""What an engine adds: from `docker run` to its end, and how large images are."""

import contextlib
import functools
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from harness import Step, docker, gateway

from bench import sandbox
from bench.figures import median_and_range, ratios, rounded, size, table, with_range

WARM_UP = 2
# Images that container actions are often built on. Those that the engine has are measured; none is fetched for it.
BASES = ("alpine:3.22", "node:24-slim", "python:3.13-slim")
# What a step in another language needs of Debian, as the smallest image that can be made of its packages.
DEBIAN = {
    "bash, curl, jq": "ca-certificates,curl,jq",
    "Python, requests": "ca-certificates,python3,python3-requests",
    "Node": "ca-certificates,nodejs",
}


@functools.cache
def missing():
    """Why there are no containers here; empty if there are."""
    if not shutil.which("docker"):
        return "there is no `docker` command"
    works = subprocess.run(["docker", "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
    return "" if works else "`docker` reaches no engine"


def import_image(program, tag):
    """An image that holds this program and nothing else."""
    name = f"/{Path(program).name}"
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        tar.add(program, name)
    words = ["docker", "import", "--change", f'ENTRYPOINT ["{name}"]', "-", tag]
    subprocess.run(words, input=held.getvalue(), stdout=subprocess.DEVNULL, check=True)
    return tag


def once(image, inputs):
    """The seconds from `docker run` to its end, with the words that the runner uses; and the step's outputs."""
    started = time.monotonic()
    with Step(image, inputs) as step:
        step.finish()
        took = time.monotonic() - started
    if step.code:
        raise RuntimeError(step.log)
    return took, step.outputs


@contextlib.contextmanager
def reachable(program):
    """The inputs that lead to a sandbox which containers reach."""
    host = gateway()
    options = ("--bind", "0.0.0.0", "--name", host)  # noqa: S104 - containers reach it so
    with tempfile.TemporaryDirectory() as folder, sandbox.running(program, folder, *options) as port:
        yield port.inputs(host)


def measure(action, sandbox_program, empty, rounds):
    """Both images in turns: the action with a whole exchange, and a program that does nothing."""
    images = {action: [], import_image(empty, "port-mcp-auth-empty:bench"): []}
    with reachable(sandbox_program) as inputs:
        inputs |= {"verify": "false"}
        for number in range(WARM_UP + rounds):
            for image, times in list(images.items())[:: 1 if number % 2 else -1]:
                took, outputs = once(image, inputs)
                assert bool(outputs) == (image == action), outputs
                if number >= WARM_UP:
                    times.append(took)
    return list(images.values())


@dataclass
class GatewayTimes:
    """The milliseconds until the gateway's container is ready, and until it is stopped, read and removed."""

    start: list
    stop: list

    def show(self):
        """In a sentence."""
        start, stop = (f"{rounded(median_and_range(times)[0])} ms (at most {rounded(max(times))})" for times in (self.start, self.stop))
        return f"The gateway's container is ready after {start}, and stopped, read and removed after {stop}; medians of {len(self.start)}."


def gateway_times(image, sandbox_program, rounds):
    """As the step and its clean-up say them in their debug messages."""
    found = GatewayTimes([], [])
    with reachable(sandbox_program) as inputs:
        for _ in range(rounds):
            with Step(image, inputs | {"gateway": "true"}, environment={"RUNNER_DEBUG": "1"}) as step:
                begin = step.finish().log
                end = step.end_of_job().log
            found.start.append(int(re.search(r"was started within (\d+) ms", begin)[1]))
            found.stop.append(int(re.search(r"stopped, read and removed within (\d+) ms", end)[1]))
    return found


def show(action, empty):
    """The table of times."""
    rows = [
        ["this action, with the exchange", f"{with_range(action, 1e3)} ms", with_range(ratios(action, empty))],
        ["an empty program in an empty image", f"{with_range(empty, 1e3)} ms", "1"],
    ]
    return table(["", "`docker run` to its end", "ratio"], rows)


def unpacked(tar):
    """The bytes of all files in a tar file."""
    with tarfile.open(tar) as members:
        return sum(member.size for member in members)


def packed(tar):
    """What gzip makes of a tar file, as registries store it."""
    with subprocess.Popen(["gzip", "-6", "-n", "-c", tar], stdout=subprocess.PIPE) as process:
        return sum(len(piece) for piece in iter(lambda: process.stdout.read(1 << 20), b""))


def tar_of_image(image, target):
    """The image's files in one tar. Says whether the engine has the image."""
    if missing() or subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode:
        return False
    container = docker("create", image, "-")
    try:
        docker("export", "--output", target, container)
    finally:
        docker("rm", container)
    return True


def tar_of_packages(packages, target):
    """An image's files made of Debian's packages, without manuals and translations. Says whether that can be had here."""
    if not shutil.which("mmdebstrap"):
        return False
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
    suite = "bookworm"
    words = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", *left_out, suite, target]
    return subprocess.run(words, stdin=subprocess.DEVNULL, check=False, env=os.environ | {"LC_ALL": "C"}).returncode == 0


def sizes(action):
    """The table of sizes."""
    rows = [["this action", size(action.unpacked()), size(action.packed())]]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "image.tar"
        for label, make, what in (
            *((f"Debian 12 with {label}", tar_of_packages, packages) for label, packages in DEBIAN.items()),
            *((f"`{image}`", tar_of_image, image) for image in BASES),
        ):
            target.unlink(missing_ok=True)
            there = make(what, target)
            rows.append([label, size(unpacked(target)), size(packed(target))] if there else [label, "not on this machine", ""])
    return table(["image", "unpacked", "compressed"], rows)
