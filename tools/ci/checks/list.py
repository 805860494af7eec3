#!/usr/bin/env python3
"""Prints the project's files of one kind, one a line: list.py KIND"""

import re
import sys

from common import ROOT, action_files, files, workflow_files

INTERPRETER = {
    "shell": re.compile(rb"#!.*\b(?:ba)?sh\b"),
    "python": re.compile(rb"#!.*\bpython3\b"),
}
SUFFIX = {"shell": ".sh", "python": ".py"}


def scripts(language):
    """By name or by first line."""
    for path in files():
        if path.suffix == SUFFIX[language] or (not path.suffix and INTERPRETER[language].match(path.read_bytes()[:80])):
            yield path


KINDS = {
    "actions": action_files,
    "dependabot": lambda: files(".github/dependabot.yml"),
    "dockerfiles": lambda: files("Dockerfile", "*.Dockerfile"),
    "issue-config": lambda: files(".github/ISSUE_TEMPLATE/config.yml"),
    "issue-forms": lambda: [p for p in files(".github/ISSUE_TEMPLATE/*.yml") if p.name != "config.yml"],
    "python": lambda: scripts("python"),
    "shell": lambda: scripts("shell"),
    "workflows": workflow_files,
    "yaml": lambda: files("*.yml", "*.yaml"),
}

found = list(KINDS[sys.argv[1]]())
if not found:
    sys.exit(f"there are no {sys.argv[1]} files")
for path in found:
    print(path.relative_to(ROOT))
