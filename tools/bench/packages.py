"""What the compared programs are made of, pinned: Node, its packages, and a Python with its packages."""

import shutil
import subprocess
import sys
from pathlib import Path

import installed
from agents import install
from harness import ROOT

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


def python():
    """A Python that has the pinned packages."""
    return python_packages("bench-python", PYTHON / "requirements.txt") / "python"
