"""Installs the pinned packages, each into a folder of its own, once. A changed pin makes a new folder."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from conformance.client import PINS

LONGEST = 600  # seconds that an installation may take


def cache():
    """The folder that all of them lie in, outside of the work tree."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("CONFORMANCE_CACHE") or Path(home) / "port-mcp-auth-conformance").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def install(name, scripts=False):
    """The `node_modules` of a pin. Without install scripts, unless the client can't do without."""
    files = [PINS / name / file for file in ("package.json", "package-lock.json")]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    folder = cache() / f"{name}-{digest}"
    with (cache() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / ".complete").exists():
            return folder / "node_modules"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        words = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        words += [] if scripts else ["--ignore-scripts"]
        done = subprocess.run(words, cwd=folder, env=environment(name), check=False, timeout=LONGEST)
        if done.returncode:
            raise RuntimeError(f"npm ci of {name} ended with {done.returncode}")
        (folder / ".complete").touch()
    return folder / "node_modules"


def environment(name):
    """npm as it is on this machine; for all but Node itself, on the pinned Node."""
    if name == "node":
        return None
    return {**os.environ, "PATH": f"{install('node') / '.bin'}:{os.environ['PATH']}"}
