"""The binaries under test."""

import json
import subprocess

from ci.harness import ROOT


def build():
    """The paths of the action's and the sandbox's binary."""
    words = ["cargo", "build", "--quiet", "--locked", "--package", "port-mcp-auth", "--package", "port-sandbox", "--bins"]
    done = subprocess.run([*words, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    built = [json.loads(line) for line in done.stdout.splitlines()]
    found = {line["target"]["name"]: line["executable"] for line in built if line.get("executable")}
    return found["port-mcp-auth"], found["port-sandbox"]
