"""The binaries under test."""

import json
import subprocess

from harness import ROOT


def build():
    """The paths of the action's and the sandbox's binary."""
    words = ["cargo", "build", "--quiet", "--locked", "--package", "port-mcp-auth", "--package", "port-sandbox", "--bins"]
    done = subprocess.run([*words, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    built = [json.loads(line) for line in done.stdout.splitlines()]
    found = {line["target"]["name"]: line["executable"] for line in built if line.get("executable")}
    return found["port-mcp-auth"], found["port-sandbox"]


def registry():
    """The action's clients, by their names, in their order."""
    words = ["cargo", "run", "--quiet", "--locked", "--package", "port-mcp-auth", "--example", "registry"]
    done = subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return {entry["id"]: entry for entry in json.loads(done.stdout)}
