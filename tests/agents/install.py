"""Installs the pinned packages, each into a folder of its own, once. A changed pin makes a new folder."""

import os
import subprocess
from pathlib import Path

import installed

from agents.client import PINS

LONGEST = 600  # seconds that an installation may take


def cache():
    """The folder that all of them lie in."""
    return Path(os.environ.get("CONFORMANCE_CACHE") or installed.cache("conformance")).resolve()


def install(name, scripts=False):
    """The `node_modules` of a pin. Without install scripts, unless the client can't do without."""

    def fill(folder):
        words = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        words += [] if scripts else ["--ignore-scripts"]
        done = subprocess.run(words, cwd=folder, env=environment(name), check=False, timeout=LONGEST)
        if done.returncode:
            raise RuntimeError(f"npm ci of {name} ended with {done.returncode}")

    files = [PINS / name / file for file in ("package.json", "package-lock.json")]
    return installed.once(cache(), name, files, fill) / "node_modules"


def environment(name):
    """npm as it is on this machine; for all but Node itself, on the pinned Node."""
    if name == "node":
        return None
    return {**os.environ, "PATH": f"{install('node') / '.bin'}:{os.environ['PATH']}"}
