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
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[2]
sys.path[:0] = [str(FOLDER), str(ROOT / "tests"), str(ROOT / "tests/common")]

import action
import claude_code
import installed
import table
from agents.client import PINS
from agents.install import install
from harness import read_log

SERVERS = ROOT / "tests/interop/servers"
LONGEST = 900  # seconds that all shapes may take with one SDK
MOST_NAMES = 6
WITH_REQUESTS = ("step", "claude-code")  # an SDK's requests follow from its result


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
    """A Python with the packages that tests/interop/servers/test installs too."""

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
        return read_log(Path(self.log.name))

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
        "step": action.all_of,
        "claude-code": lambda server, shapes: claude_code.all_of(install("claude-code"), server, shapes),
    }


def brief(result):
    """A result in short: without the names of the correct tools, and without what a run has of its own."""
    if "error" in result:
        return {"error": table.brief(result["error"])}
    odd = [str(name)[:40] for name in result["tools"] if name not in table.GOOD]
    short = {"tools": len(result["tools"])}
    if odd:
        short["odd"] = odd[:MOST_NAMES]
    if result.get("called", True) is not True:
        short["called"] = table.brief(result["called"])
    if "warned" in result:
        short["warned"] = table.brief(result["warned"])
    return short


def shortened(requests):
    """Requests in a line, without their repetitions. They are POST where nothing else is said."""
    groups = [(request.removeprefix("POST "), len(list(same))) for request, same in itertools.groupby(requests)]
    return ", ".join(f"{count}x {request}" if count > 1 else request for request, count in groups)


def write(shapes, client, found):
    """Puts a client's results beside those that are known."""
    results = {shape["name"]: shape["results"] for shape in table.known()["shapes"]} if table.RESULTS.exists() else {}
    for shape, result in found.items():
        results.setdefault(shape, {})[client] = result
    order = list(table.HEADINGS)
    shown = {"date": datetime.datetime.now(datetime.UTC).date().isoformat(), "versions": versions(), "shapes": []}
    for shape in shapes:
        of_clients = sorted(results.get(shape["name"], {}).items(), key=lambda pair: order.index(pair[0]))
        shown["shapes"].append({**shape, "results": dict(of_clients)})
    leave_out_usual(shown["shapes"])
    table.RESULTS.write_text(as_json(shown))
    table.TABLE.write_text(table.markdown(shown))


def leave_out_usual(shapes):
    """Takes out the requests that are those of the correct shape, or the first of them if the client gave up then."""
    usual = next((shape["results"] for shape in shapes if shape["name"] == "good"), {})
    for shape in shapes:
        for client, result in shape["results"].items():
            requests, of_good = result.get("requests"), usual.get(client, {}).get("requests")
            if shape["name"] == "good" or requests is None or of_good is None:
                continue
            if requests == of_good or ("error" in result and f"{of_good}, ".startswith(f"{requests}, ")):
                del result["requests"]


def as_json(shown):
    """The results as JSON, each result of a shape on a line with all clients that had it, so that a change shows."""

    def line(value):
        return json.dumps(value, ensure_ascii=False)

    shapes = []
    for shape in shown["shapes"]:
        clients = {}
        for client, result in shape["results"].items():
            clients.setdefault(line(result), []).append(client)
        results = ",\n".join(f"    {line(' '.join(names))}: {result}" for result, names in clients.items())
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
                found[shape] = brief(result)
                if client in WITH_REQUESTS:
                    found[shape]["requests"] = shortened(server.requests(shape))
                if not asked.write:
                    print(f"{shape:32} {client:18} {table.cell(found[shape])}")
            if asked.write:
                write(server.shapes, client, found)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
