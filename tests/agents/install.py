"""Installs the pinned packages of npm and PyPI, each into a folder of its own, once. A changed pin makes a new folder."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import installed

from agents.client import PINS, pinned

LONGEST = 600  # seconds that an installation may take
NEWER = 5  # minor versions of Python to look for


def cache():
    """The folder that all of them lie in."""
    return Path(os.environ.get("CONFORMANCE_CACHE") or installed.cache("conformance")).resolve()


def newest(name):
    """The newest release of a pin's own package: the package, and its version."""
    package = next(iter(pinned(name)))
    if (PINS / name / "package.json").exists():
        words, cwd = ["npm", "view", package, "version"], PINS / name
        said = subprocess.run(words, cwd=cwd, env=environment(name), check=True, stdout=subprocess.PIPE, text=True).stdout
        return package, said.strip()
    words = [interpreter(name), "-m", "pip", "index", "versions", "--disable-pip-version-check", package]
    said = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return package, re.search(r"\((.+?)\)", said)[1]


def install_newest(name, version, scripts):
    """The same as `install`, with the newest release, and whatever that asks for."""
    package = next(iter(pinned(name)))

    def fill(folder):
        if (PINS / name / "package.json").exists():
            (folder / "package.json").write_text('{"private": true}')
            words = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", f"{package}@{version}"]
            words += [] if scripts else ["--ignore-scripts"]
            subprocess.run(words, cwd=folder, env=environment(name), check=True, timeout=LONGEST)
            return
        subprocess.run([interpreter(name), "-m", "venv", folder / "venv"], check=True)
        others = [f"{other}" for other in pinned(name) if other != package]
        words = ["install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", f"{package}=={version}", *others]
        subprocess.run([folder / "venv/bin/pip", *words], check=True, timeout=LONGEST)

    folder = installed.once(cache(), f"{name}@{version}", [], fill)
    return folder / ("node_modules" if (folder / "node_modules").exists() else "venv")


def install(name, scripts=False, version=None):
    """The `node_modules` of a pin, or its `venv`. Without install scripts, unless the client can't do without.

    With a version, that one instead of the pinned one.
    """
    if version:
        return install_newest(name, version, scripts)
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
        subprocess.run([interpreter(name), "-m", "venv", folder / "venv"], check=True)
        # All that is needed is in the file, so nothing is looked for.
        words = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary=:all:"]
        subprocess.run([folder / "venv/bin/pip", *words, "-r", folder / "requirements.txt"], check=True, timeout=LONGEST)

    return installed.once(cache(), name, [PINS / name / "requirements.txt"], fill) / "venv"


def interpreter(name):
    """This Python, or a newer one if the pin's `.python-version` asks for it."""
    file = PINS / name / ".python-version"
    least = tuple(map(int, file.read_text().strip().split("."))) if file.exists() else (3,)
    if sys.version_info >= least:
        return sys.executable
    versions = [f"3.{minor}" for minor in range(least[1], least[1] + NEWER)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    installed_here = [
        *(f"python{version}" for version in versions),
        *(path / "bin/python3" for v in versions for path in pyenv.glob(f"{v}.*")),
    ]
    for program in installed_here:
        with contextlib.suppress(OSError):
            if subprocess.run([program, "-c", ""], check=False, capture_output=True).returncode == 0:
                return program
    raise RuntimeError(f"{name} needs Python {'.'.join(map(str, least))} or newer")


def environment(name):
    """npm as it is on this machine; for all but Node itself, on the pinned Node."""
    if name == "node":
        return None
    return {**os.environ, "PATH": f"{install('node') / '.bin'}:{os.environ['PATH']}"}
