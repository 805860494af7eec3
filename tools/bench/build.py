"""The binaries that are measured: the action as its image holds it, the sandbox, and what the action is compared with."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

from harness import ROOT, build_image, docker

NATIVE = ROOT / "tools/bench/native"


def cargo(*words):
    """The executables that a cargo command built, by their names."""
    command, *rest = words
    words = ["cargo", command, "--quiet", "--message-format=json", *rest]
    lines = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {line["target"]["name"]: line["executable"] for line in map(json.loads, lines) if line.get("executable")}


def settings(profile, values):
    """Options that set a profile. JSON writes these values as TOML does."""
    return [f"--config=profile.{profile}.{key}={json.dumps(value)}" for key, value in values.items()]


def action(profile="release", **changes):
    """The action, built as in the Dockerfile; with changes, by a profile of its own that has them."""
    words = settings(profile, {"inherits": "release"} | changes) if changes else []
    return cargo("build", f"--profile={profile}", "--locked", "--package=port-mcp-auth", *words)["port-mcp-auth"]


@contextlib.contextmanager
def image():
    """The action's image, and its program as a file: the one that releases have."""
    name = build_image("port-mcp-auth:bench")
    container = docker("create", name)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "port-mcp-auth"
        try:
            docker("cp", f"{container}:/port-mcp-auth", str(program))
        finally:
            docker("rm", container)
        yield name, program


def action_with_symbols():
    """The same code, with the names of functions and lines."""
    return action("profiling", debug=1, strip=False)


def sandbox():
    """The sandbox, fast enough not to be what is measured."""
    return cargo("build", "--release", "--locked", "--package=port-sandbox", "--bins")["port-sandbox"]


def release_profile():
    """What the release profile sets."""
    return tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["release"]


def action_at(level):
    """The action at an optimisation level."""
    if level == release_profile()["opt-level"]:
        return action()
    return action(f"level-{level}", **{"opt-level": level})


def native():
    """The programs of tools/bench/native by their names: with the action's profile, and with its versions of what both link."""
    shutil.copy(ROOT / "Cargo.lock", NATIVE)
    words = [f"--manifest-path={NATIVE / 'Cargo.toml'}", f"--target-dir={ROOT / 'target/bench'}"]
    return cargo("build", "--release", *words, *settings("release", release_profile()))
