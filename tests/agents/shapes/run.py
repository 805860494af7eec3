#!/usr/bin/env python3
"""Shows each shape to each client, and writes what came of it into results.json and RESULTS.md: see README.md.

    tests/agents/shapes/run.py [--clients typescript-1,claude-code] [--shapes stream-,id-string] [--write]

Without --write the results are only printed. What was not asked for keeps its result.
"""

import argparse
import contextlib
import datetime
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
sys.path[:0] = [str(FOLDER), str(ROOT)]

import claude_code
import table

from ci import installed
from conformance.client import PINS
from conformance.install import install

SERVERS = ROOT / "conformance/servers"
LONGEST = 900  # seconds that all shapes may take with one SDK
MOST_NAMES = 6
RESULTS = FOLDER / "results.json"


def node():
    """The folder with the TypeScript SDKs, and these scripts beside them."""

    def fill(folder):
        words = ["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(words, cwd=folder, check=True)

    folder = installed.once(installed.cache("shapes"), "node", [FOLDER / "package.json", FOLDER / "package-lock.json"], fill)
    for source in FOLDER.glob("*.mjs"):
        shutil.copy(source, folder)
    return folder


def python():
    """A Python with the packages that ci/mcp-interop installs too."""

    def fill(folder):
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        words = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary=:all:"]
        subprocess.run([folder / "venv/bin/pip", *words, "-r", folder / "requirements.txt"], check=True)

    return installed.once(installed.cache("interop"), "requirements", [SERVERS / "requirements.txt"], fill) / "venv/bin/python"


def versions():
    """The versions of all that takes part, as pinned."""
    packages = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    pinned = dict(line.split("==") for line in (SERVERS / "requirements.in").read_text().split())
    agent = json.loads((PINS / "claude-code/package.json").read_text())["dependencies"]["@anthropic-ai/claude-code"]
    second = packages["@modelcontextprotocol/client"]
    return {
        "typescript-1": packages["@modelcontextprotocol/sdk"],
        "typescript-2": second,
        "typescript-2-auto": second,
        "python": pinned["mcp"],
        "claude-code": agent,
    }


class Server:
    """server.mjs, and what it saw."""

    def __init__(self, folder):
        self.log = (folder / f"requests-{os.getpid()}.jsonl").open("w+")
        self.process = subprocess.Popen(["node", folder / "server.mjs"], stdout=self.log)
        while not (lines := self.lines()):
            if self.process.poll() is not None:
                raise RuntimeError("server.mjs doesn't start")
        self.origin, self.shapes = f"http://127.0.0.1:{lines[0]['port']}", lines[0]["shapes"]

    def lines(self):
        text = Path(self.log.name).read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def url(self, shape):
        return f"{self.origin}/{shape}/v1"

    def requests(self, shape):
        """What came for a shape, each request in a few words."""
        return [words(line) for line in self.lines()[1:] if line["shape"] == shape]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        Path(self.log.name).unlink()


def words(line):
    """A request in a few words."""
    name = line.get("rpc") or (f"answer to {line['answers']}" if "answers" in line else "")
    notes = [line[key] for key in ("called", "lastEventId", "path") if key in line]
    return " ".join(str(word) for word in [line["http"], name, *notes, line["status"]] if word != "")


def sdk(command, server, shapes):
    """What an SDK makes of the shapes."""
    lines = "".join(f"{json.dumps({'shape': shape, 'url': server.url(shape)})}\n" for shape in shapes)
    done = subprocess.run(command, input=lines, stdout=subprocess.PIPE, text=True, check=False, timeout=LONGEST)
    found = {}
    for line in done.stdout.splitlines():
        result = json.loads(line)
        found[result.pop("shape")] = result
    return {shape: found.get(shape, {"error": f"the client ended with {done.returncode}"}) for shape in shapes}


def clients(folder):
    """How each client is run: a function of the server and the shapes."""

    def typescript(*arguments):
        return lambda server, shapes: sdk(["node", *arguments], server, shapes)

    return {
        "typescript-1": typescript(folder / "typescript-1.mjs"),
        "typescript-2": typescript(folder / "typescript-2.mjs"),
        "typescript-2-auto": typescript(folder / "typescript-2.mjs", "auto"),
        "python": lambda server, shapes: sdk([python(), FOLDER / "python_sdk.py"], server, shapes),
        "claude-code": lambda server, shapes: claude_code.all_of(install("claude-code"), server, shapes),
    }


def brief(result):
    """A result without what a run has of its own, and without long lists."""
    if "error" in result:
        # Ports differ from run to run.
        return result | {"error": re.sub(r"http://127\.0\.0\.1:\d+", "", result["error"]).strip()}
    names = result.pop("tools")
    return {"tools": len(names), "names": [str(name)[:40] for name in names[:MOST_NAMES]], **result}


def shortened(requests):
    """Requests without their repetitions."""
    groups = [(request, len(list(same))) for request, same in itertools.groupby(requests)]
    return [f"{request}, {count} times" if count > 1 else request for request, count in groups]


def write(shapes, client, found):
    """Puts a client's results beside those that are known."""
    known = json.loads(RESULTS.read_text())["shapes"] if RESULTS.exists() else []
    results = {shape["name"]: shape["results"] for shape in known}
    for shape, result in found.items():
        results.setdefault(shape, {})[client] = result
    order = list(table.HEADINGS)
    shown = {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "versions": versions(), "shapes": []}
    for shape in shapes:
        of_clients = sorted(results.get(shape["name"], {}).items(), key=lambda pair: order.index(pair[0]))
        shown["shapes"].append({**shape, "results": dict(of_clients)})
    leave_out_usual(shown["shapes"])
    RESULTS.write_text(as_json(shown))
    (FOLDER / "RESULTS.md").write_text(table.markdown(shown))


def leave_out_usual(shapes):
    """Takes out the requests that are the same as with the correct shape, which keeps them."""
    usual = next((shape["results"] for shape in shapes if shape["name"] == "good"), {})
    for shape in shapes:
        for client, result in shape["results"].items():
            if shape["name"] != "good" and result.get("requests") == usual.get(client, {}).get("requests"):
                result.pop("requests", None)


def as_json(shown):
    """The results as JSON, one client of a shape on each line, so that a change shows."""

    def line(value):
        return json.dumps(value, ensure_ascii=False)

    shapes = []
    for shape in shown["shapes"]:
        results = ",\n".join(f"    {line(client)}: {line(result)}" for client, result in shape["results"].items())
        head = line({key: value for key, value in shape.items() if key != "results"})
        shapes.append(f'{head[:-1]}, "results": {{\n{results}\n  }}}}')
    inner = ",\n  ".join(shapes)
    return f'{{"date": {line(shown["date"])}, "versions": {line(shown["versions"])}, "shapes": [\n  {inner}\n]}}\n'


def main():
    """All clients and shapes that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", default="", help="names, comma separated")
    parser.add_argument("--shapes", default="", help="names or beginnings of names, comma separated")
    parser.add_argument("--write", action="store_true", help="write results.json and RESULTS.md")
    asked = parser.parse_args()
    folder = node()
    ways = clients(folder)
    chosen = [name for name in asked.clients.split(",") if name] or list(ways)
    beginnings = tuple(name for name in asked.shapes.split(",") if name) or ("",)
    for client in chosen:
        with Server(folder) as server:
            shapes = [shape["name"] for shape in server.shapes if shape["name"].startswith(beginnings)]
            print(f"{client}: {len(shapes)} shapes", file=sys.stderr, flush=True)
            found = {}
            for shape, result in ways[client](server, shapes).items():
                found[shape] = {**brief(result), "requests": shortened(server.requests(shape))}
                if not asked.write:
                    print(f"{shape:32} {client:18} {table.cell(found[shape])}")
            if asked.write:
                write(server.shapes, client, found)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
