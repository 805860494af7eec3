"""Packages that tests and benchmarks need, each set in a folder of its own in the user's cache, installed once."""

import fcntl
import hashlib
import os
import shutil
from pathlib import Path


def cache(name):
    """A folder outside of the work tree that keeps what was installed."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / f"port-mcp-auth-{name}"


def once(home, name, files, install):
    """A folder in `home` with those files and what `install` made of them. What changes in a file makes a new folder."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    folder = home / f"{name}-{digest}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for file in files:
                shutil.copy(file, folder)
            install(folder)
            (folder / ".complete").touch()
    return folder
