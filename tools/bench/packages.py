"""What the compared programs are made of, pinned: Node, its packages, and a Python with its packages."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import installed
from agents import install
from harness import ROOT

from bench.sizes import Files

NODE, PYTHON = ROOT / "tools/bench/node", ROOT / "tools/bench/python"


def node_folder():
    """The folder with the pinned Node, and with the npm and npx that belong to it."""
    return install.install("node") / ".bin"


def node():
    """The pinned Node."""
    return (node_folder() / "node").resolve()


def node_packages(name, folder):
    """The packages of npm that a lock file in `folder` pins, installed once under this name."""
    locks = [folder / file for file in ("package.json", "package-lock.json")]

    def fill(place):
        words = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
        subprocess.run(words, cwd=place, env=install.environment("bench"), stdout=subprocess.DEVNULL, check=True)

    return installed.once(install.cache(), name, locks, fill)


def python_packages(name, wanted):
    """The programs of a Python that has the packages which the file `wanted` pins, installed once under this name."""

    def fill(place):
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        words = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:", "-r", wanted]
        subprocess.run([place / "bin/pip", *words], check=True)

    return installed.once(install.cache(), name, [wanted], fill) / "bin"


def bundle(name, folder):
    """A script of tools/bench/node as actions are published: one file, with the packages in it."""
    packages = node_packages("bench-node", NODE)
    target, script = Path(folder) / f"{name}.cjs", packages / f"{name}.js"
    shutil.copy(NODE / script.name, script)  # beside the packages that it imports
    words = ["--bundle", "--minify", "--platform=node", "--target=node24", "--log-level=error", f"--outfile={target}"]
    subprocess.run([packages / "node_modules/.bin/esbuild", script, *words], check=True)
    return target


def files_of(folder, *names):
    """The files of packages of npm, and of what they need, as the lock file in `folder` has them."""
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    found, waiting = set(), [f"node_modules/{name}" for name in names]
    while waiting:
        place = waiting.pop()
        if place in found or place not in locked:
            continue
        found.add(place)
        # As Node looks for a package: beside those that this one brings, then in each folder above.
        above = [place[:end] for end in (*(match.start() for match in re.finditer("/node_modules/", place)), len(place))]
        for name in locked[place].get("dependencies", {}):
            places = [f"{each}/node_modules/{name}" for each in reversed(above)]
            waiting.append(next((each for each in places if each in locked), f"node_modules/{name}"))
    files = Files()
    for place in found:
        files.add_folder(folder / place, lambda name: name == "node_modules")
    return files


def files_of_python(folder):
    """The files of the packages in a Python's own folder, without those that install packages."""
    files = Files()
    [packages] = folder.glob("lib/python*/site-packages")
    files.add_folder(packages, lambda part: part == "__pycache__" or part.startswith(("pip", "setuptools", "_distutils")))
    return files


def python():
    """A Python that has the pinned packages."""
    return python_packages("bench-python", PYTHON / "requirements.txt") / "python"
