"""Writes the lock file of a pin after a change of its package.json or requirements.in.

    tests/agents/pin NAME…

For Python, the hashes are those of the files that x64 Linux takes: the wheels of an agent can hold its program for every platform.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from agents.client import PINS
from agents.install import environment, interpreter

NPM = ["npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved", "--no-audit", "--no-fund", "--loglevel=error"]


def lock_python(name):
    """Resolves requirements.in and writes requirements.txt."""
    folder = PINS / name
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([interpreter(name), "-m", "venv", work], check=True)
        words = ["install", "--quiet", "--disable-pip-version-check", "--dry-run", "--ignore-installed", "--only-binary=:all:"]
        report = Path(work) / "report.json"
        subprocess.run([Path(work) / "bin/pip", *words, "--report", report, "-r", folder / "requirements.in"], check=True)
        found = json.loads(report.read_text())["install"]
    lines = sorted(
        f"{item['metadata']['name'].lower()}=={item['metadata']['version']} \\\n"
        f"    --hash=sha256:{item['download_info']['archive_info']['hashes']['sha256']}\n"
        for item in found
    )
    (folder / "requirements.txt").write_text(f"# Written by tests/agents/pin {name}, for x64 Linux.\n{''.join(lines)}")


def main():
    for name in sys.argv[1:]:
        if (PINS / name / "package.json").exists():
            subprocess.run(NPM, cwd=PINS / name, env=environment(name), check=True)
        else:
            lock_python(name)


if __name__ == "__main__":
    main()
