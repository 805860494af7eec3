"""Claude Code, one run for each shape: whether its model, which is a stand-in, is offered the tools."""

import contextlib
import json
import re
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agents import model

PROGRAM = "@anthropic-ai/claude-code-linux-x64/claude"
NAME = "s"
PREFIX = f"mcp__{NAME}__"
QUIET = 6  # seconds without a request or a word of the log, after which nothing more is expected
RECONNECTED = 3  # the same when it has given up on a list, but may still open a new connection
LONG_QUIET = 70  # the same for a second try, longer than the limits that Claude Code has itself
LONGEST = 240  # seconds for one run
AT_ONCE = 2
IDLE_AT_ONCE = 6
PAUSE = 0.5  # seconds between two searches for the tools
LINE = re.compile(r"^\S+ \[\w+\] (.*)$", re.MULTILINE)
FAILED = re.compile(r'MCP server "s":? (?:HTTP )?(Connection failed|Failed to fetch tools|Connection error)[^:]*: (.*?)(?: \(code: .*)?$')
FINAL = 'MCP server "s" Failed to fetch tools'
CONNECTED = 'MCP server "s": Successfully connected'


class Patient(model.Plan):
    """Looks for the tool until it is there, or until nothing more happens."""

    def __init__(self, over):
        super().__init__("good_one", "good_two")
        self.over = over

    def reach(self, turn):
        """The call of the wanted tool, or a search for it."""
        for tool in turn.tools:
            if tool.name.endswith(self.wanted):
                return model.Call(tool.name, {})
        if self.over():
            return None
        time.sleep(PAUSE)
        search = next((tool for tool in turn.tools if model.SEARCH.fullmatch(tool.name)), None)
        return search and model.Call(search.name, {"query": "says", "max_results": 20})


def all_of(folder, server, shapes):
    """What Claude Code makes of the shapes."""
    results = {}

    def look(shape, quiet):
        results[shape] = one(folder / PROGRAM, server, shape, quiet)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda shape: look(shape, QUIET), shapes))
    undecided = [shape for shape in shapes if results[shape].pop("undecided")]
    with ThreadPoolExecutor(IDLE_AT_ONCE) as pool:  # they only wait
        list(pool.map(lambda shape: look(shape, LONG_QUIET), undecided))
    for shape in undecided:
        results[shape].pop("undecided")
    return {shape: results[shape] for shape in shapes}


def one(program, server, shape, quiet):
    """One run."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for name in ("home", "work", "temp"):
            (folder / name).mkdir()
        debug = folder / "debug"
        remote = {"type": "http", "url": server.url(shape), "headers": {"Authorization": "Bearer any"}}
        (folder / "mcp.json").write_text(json.dumps({"mcpServers": {NAME: remote}}))
        latest = [None, time.monotonic()]

        def over():
            log = text(debug)
            now = (len(server.requests(shape)), log.count("MCP server"))
            if now != latest[0]:
                latest[:] = [now, time.monotonic()]
            return time.monotonic() - latest[1] > (RECONNECTED if FINAL in log else quiet)

        with model.Server("good_one", "good_two") as stand_in:
            stand_in.plan = Patient(over)
            environment = {
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "HOME": str(folder / "home"),
                "TMPDIR": str(folder / "temp"),
                "CI": "true",
                "ANTHROPIC_BASE_URL": stand_in.url,
                "ANTHROPIC_API_KEY": "none",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1",
            }
            words = [program, "-p", "Call good_one.", "--output-format", "stream-json", "--verbose", "--debug-file", debug]
            words += ["--strict-mcp-config", "--mcp-config", folder / "mcp.json", "--allowedTools", f"{PREFIX}good_one"]
            try:
                done = subprocess.run(
                    words,
                    cwd=folder / "work",
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=LONGEST,
                )
            except subprocess.TimeoutExpired:
                return {"error": f"did not end within {LONGEST} s", "undecided": False}
            return verdict(text(debug), done, stand_in.turns, server.requests(shape))


def text(path):
    return path.read_text(errors="replace") if path.exists() else ""


def plain(log):
    """The lines of its log, each without its time. One of several lines is written as JSON."""
    for line in LINE.findall(log):
        with contextlib.suppress(ValueError):
            line = " ".join(json.loads(line).split()) if line.startswith('"') else line
        yield line


def told(why):
    """What is wrong with which field, where its log has a list of such issues."""
    _, bracket, issues = why.partition("[")
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return "; ".join(
            ": ".join(filter(None, [".".join(map(str, path)), message])) for path, message in flat(json.loads(f"{bracket}{issues}"))[:2]
        )
    return why


def flat(issues):
    """(path, message) of the issues; of alternatives, those of the one that comes nearest."""
    found = []
    for issue in issues:
        if issue["code"] == "invalid_union" and issue.get("errors"):
            nearest = min(issue["errors"], key=len)
            found += [([*issue["path"], *path], message) for path, message in flat(nearest)]
        else:
            found.append((issue["path"], issue["message"]))
    return found


def verdict(log, done, turns, requests):
    """What came of a run."""
    started = next((line for line in map(json.loads, done.stdout.splitlines()) if line.get("subtype") == "init"), {})
    offered = {name for _, names, _ in turns for name in names if name.startswith(PREFIX)}
    listed = {name for name in started.get("tools", []) if name.startswith(PREFIX)}
    names = sorted(name.removeprefix(PREFIX) for name in offered | listed)
    if names:
        called = "good_one" not in names or any(request.startswith("POST tools/call good_one") for request in requests)
        return {"tools": names, "called": called or "no call came", "undecided": False}
    failures = [found.groups() for line in plain(log) if (found := FAILED.search(line))]
    status = next((one["status"] for one in started.get("mcp_servers", [])), "unknown")
    if not failures:
        # Its connection may still be under way.
        return {"error": f"{status}, no tools, and no failure in its log", "undecided": True}
    what, why = failures[-1]
    step = "tools/list" if what == "Failed to fetch tools" or CONNECTED in log else "initialize"
    return {"error": f"{step}: {told(why)}"[:300], "undecided": False}
