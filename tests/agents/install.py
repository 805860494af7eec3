"""Installs the pinned packages of npm and PyPI, each into a folder of its own, once. A changed pin makes a new folder."""

import os
import subprocess
import sys
from pathlib import Path

import installed

from agents.client import PINS

LONGEST = 600  # seconds that an installation may take


def cache():
    """The folder that all of them lie in."""
    return Path(os.environ.get("CONFORMANCE_CACHE") or installed.cache("conformance")).resolve()


def install(name, scripts=False):
    """The `node_modules` of a pin, or its `venv`. Without install scripts, unless the client can't do without."""
    if (PINS / name / "requirements.txt").exists():
        return python(name)

    def fill(folder):
        words = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        words += [] if scripts else ["--ignore-scripts"]
        done = subprocess.run(words, cwd=folder, env=environment(name), check=False, timeout=LONGEST)
        if done.returncode:
            raise RuntimeError(f"npm ci of {name} ended with {done.returncode}")

    files = [PINS / name / file for file in ("package.json", "package-lock.json")]
    return installed.once(cache(), name, files, fill) / "node_modules"


def python(name):
    """The virtual environment of a pin."""

    def fill(folder):
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        # All that is needed is in the file, so nothing is looked for.
        words = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary=:all:"]
        subprocess.run([folder / "venv/bin/pip", *words, "-r", folder / "requirements.txt"], check=True, timeout=LONGEST)

    return installed.once(cache(), name, [PINS / name / "requirements.txt"], fill) / "venv"


def environment(name):
    """npm as it is on this machine; for all but Node itself, on the pinned Node."""
    if name == "node":
        return None
    return {**os.environ, "PATH": f"{install('node') / '.bin'}:{os.environ['PATH']}"}
