"""One run: the action writes the config, the client starts with it, and the sandbox's log says what came."""

import contextlib
import json
import os
import secrets
import shlex
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from harness import declared_inputs, read_file_command, read_log, wait_until

from agents import processes
from agents.files import Files
from agents.install import install
from agents.model import Server

WANTED, FORBIDDEN = "list_blueprints", "list_scorecards"
VARIABLE = "PORT_TOKEN"
# Where a variable that nobody replaced would show.
PLACEHOLDERS = ("${", "{env:", f"${VARIABLE}", "secrets.")
LONGEST_STEP = 90  # seconds; the action gives itself 60
WIND_UP = 10  # seconds that an agent may take to end after everything has come
LOOK = 0.2  # seconds between two looks whether it has
ACTIONS = {False: "none", True: "restart_service,scale_service"}  # the header empty, and with names


@dataclass(frozen=True)
class Variant:
    """One way to hand a config to a client."""

    transport: str = "http"
    variable: bool = False  # the token is in a variable, not in the config
    by_arguments: bool = False  # the config is in the arguments, not in a file

    @property
    def slug(self):
        return str(self).replace(", ", "-")

    def __str__(self):
        parts = [self.transport, "variable" if self.variable else "literal", "arguments" if self.by_arguments else "file"]
        return ", ".join(parts)


@dataclass(frozen=True)
class Bench:
    """What every run needs."""

    action: str
    sandbox: str
    writes: frozenset[str]  # the tools that read-only mode must hide


@dataclass
class Result:
    """What came of it."""

    faults: list[str] = field(default_factory=list)  # what came and must not have
    missing: list[str] = field(default_factory=list)  # what should have come
    allow_list: str = ""  # whether the agent kept to it, if it was tempted
    ended_after: int = 0  # seconds, if it did not end by itself
    attempts: int = 1
    milliseconds: int = 0
    leftovers: list[str] = field(default_factory=list)

    @property
    def passed(self):
        return not self.faults and not self.missing

    @property
    def may_pass_later(self):
        """Whether it was only too slow, for its own limits or for ours."""
        return bool(self.missing) and not self.faults

    def notes(self):
        """What there is to say of it."""
        notes = [*dict.fromkeys(self.faults)]
        notes += [f"missing: {', '.join(self.missing)}"] if self.missing else []
        notes += [f"left running: {line[:100]}" for line in self.leftovers]
        notes += [f"did not end by itself, was ended after {self.ended_after} s"] if self.ended_after else []
        notes += [f"attempt {self.attempts}"] if self.attempts > 1 else []
        return [f"  {note}" for note in notes]


class Sandbox:
    """The embedded Port, on loopback."""

    def __init__(self, program, folder, *options):
        self.log, ready = folder / "requests.jsonl", folder / "ready.json"
        words = [program, "--ready-file", ready, "--log", self.log, *options]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            wait_until("the sandbox listens", ready.exists)
        except TimeoutError:
            self.__exit__()
            raise
        self.ready = json.loads(ready.read_text())

    def requests(self):
        return read_log(self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Refused(Exception):
    """The action ended without outputs."""


def act(program, sandbox, folder, inputs, more=None):
    """The outputs of the action, run as the runner would."""
    output = folder / "output"
    output.write_text("")
    known = declared_inputs()
    inputs = {key: sandbox.ready[key] for key in ("client_id", "client_secret", "auth_base_url", "mcp_url")} | inputs
    assert not set(inputs) - set(known), f"action.yml has no input {sorted(set(inputs) - set(known))}"
    environment = {f"INPUT_{name.upper()}": value for name, value in (known | inputs).items()}
    environment |= {
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_WORKSPACE": str(folder / "work"),
        "RUNNER_TEMP": str(folder / "temp"),
    } | (more or {})
    done = subprocess.run([program], env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=LONGEST_STEP)
    if done.returncode:
        raise Refused(f"the action ended with {done.returncode}:\n{done.stdout}")
    return read_file_command(output.read_text())


class Run:
    """What a client's hooks may ask for."""

    def __init__(self, client, variant, folder, model):
        self.client, self.variant, self.folder, self.model = client, variant, folder, model
        self.home, self.work = folder / "home", folder / "work"
        self.config = folder / client.config
        self.outputs, self.given = {}, []

    def put(self, path, text):
        """A file below the run's folder, for its owner alone."""
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def environment(self):
        """Nothing of this machine's, so no credentials either."""
        return {
            "PATH": f"{install('node') / '.bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "TMPDIR": str(self.folder / "temp"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "CI": "true",
            **self.client.environment(self),
        }


def write_tools(action, sandbox):
    """The tools that the sandbox shows only without read-only mode."""
    offered = {}
    with tempfile.TemporaryDirectory() as folder, Sandbox(sandbox, Path(folder)) as port:
        for read_only in ("true", "false"):
            outputs = act(action, port, Path(folder), {"read_only": read_only})
            offered[read_only] = set(json.loads(outputs["tools"]))
    writes = offered["false"] - offered["true"]
    assert writes and offered["true"], offered
    return frozenset(writes)


def make_folders(folder):
    """A home, a workspace and a temporary directory for a run."""
    for name in ("home", "work", "temp"):
        (folder / name).mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", folder / "work"], check=True)


def execute(client, variant, folder, bench, right=True):
    """Runs the client once, with the right token or a wrong one."""
    make_folders(folder)
    with Sandbox(bench.sandbox, folder, *client.sandbox_options) as sandbox, Server(WANTED, FORBIDDEN) as model:
        run = Run(client, variant, folder, model.url)
        inputs = {
            "client": client.client,
            "transport": variant.transport,
            "allowed_tools": WANTED,
            "allowed_actions": ACTIONS[variant.variable],
        }
        if variant.variable:
            inputs["token_env"] = VARIABLE
        if base := client.base_config(run):
            inputs["base_config"] = base
        run.outputs = act(bench.action, sandbox, folder, inputs)
        before = len(sandbox.requests())
        (folder / "output").unlink()
        token = run.outputs["access_token"]
        shown = token if right else f"{token[:-20]}{secrets.token_hex(10)}"

        def over():
            """Whether the run has what it needs."""
            requests = sandbox.requests()[before:]
            if right:
                return (model.plan.ended or not model.turns) and not missing(client, requests)
            return refused(requests, shown)

        started = time.monotonic()
        try:
            result = start(run, token, shown, over)
        finally:
            leftovers = processes.end_leftovers({sandbox.process.pid})
        result.milliseconds, result.leftovers = round((time.monotonic() - started) * 1000), leftovers
        requests = sandbox.requests()[before:]
        if model.plan.tempted:
            result.allow_list = "ignored" if succeeded(requests, "tools/call", FORBIDDEN) else "held"
        (folder / "model.jsonl").write_text("".join(f"{turn}\n" for turn in model.turns))
        if right:
            judge(run, requests, shown, bench.writes, result)
        else:
            judge_wrong(requests, shown, result)
        return result


def start(run, token, shown, over):
    """Starts the client and waits for its end. Some don't come to one: then `over` says whether there is more to wait for."""
    client, outputs, variant = run.client, run.outputs, run.variant
    for path, text in client.settings(run).items():
        run.put(path, text)
    if variant.transport == "mcp-remote":
        # npx looks for the bridge in the folders above, and asks no registry.
        (run.folder / "node_modules").symlink_to(install("mcp-remote"))
        run.put("home/.npmrc", "offline=true\nupdate-notifier=false\n")
    environment = run.environment()
    if variant.variable:
        environment[VARIABLE] = shown
        assert token not in outputs["mcp_config"] + outputs["client_args"], "the config holds the token in spite of token_env"
    # Arguments that hold the config would hand it over a second time.
    if variant.by_arguments or outputs["mcp_url"] not in outputs["client_args"]:
        run.given = shlex.split(outputs["client_args"].replace(token, shown))
    if not variant.by_arguments:
        run.put(client.config, outputs["mcp_config"].replace(token, shown))
    words = [install(client.pin, client.scripts, client.newest) / client.program, *client.arguments(run)]
    result = Result()
    files = Files(run.folder, shown, "requests.jsonl")
    with processes.Watch(shown) as watch, (run.folder / "stdout").open("wb") as stdout, (run.folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            words, cwd=run.work, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
        )
        result.ended_after = wait(process, client.seconds, over, files.look if variant.variable else lambda: None)
    said = (run.folder / "stdout").read_bytes() + (run.folder / "stderr").read_bytes()
    # A literal config in the arguments is in the command line by its nature.
    if watch.seen and not (variant.by_arguments and not variant.variable):
        result.faults += [f"the token is in a command line: {line}" for line in sorted(watch.seen)]
    if shown.encode() in said:
        result.faults.append("the token is in what the client printed")
    if variant.variable:
        files.look()
        result.faults += [f"the token is in the file {path}" for path in sorted(files.found)]
    return result


def wait(process, seconds, over, look):
    """Waits for the end, and looks around meanwhile. The seconds after which it was brought about, or 0."""
    began = time.monotonic()
    end, nothing_more = began + seconds, False
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK)
            return 0
        look()
        if not nothing_more and over():
            nothing_more, end = True, min(end, time.monotonic() + WIND_UP)
        if time.monotonic() >= end:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return round(time.monotonic() - began)


def values(request, name):
    return [value for key, value in request["headers"] if key == name]


def succeeded(requests, method, tool=None):
    return [r for r in requests if r["rpc_method"] == method and r["status"] == 200 and (tool is None or r["tool"] == tool)]


def came(client, requests):
    """The requests that succeeded, by what a client must ask for."""
    steps = {method: succeeded(requests, method) for method in ("initialize", "tools/list")}
    # Revision 2026-07-28 of the protocol has no `initialize`.
    steps["initialize"] += succeeded(requests, "server/discover")
    if client.calls_tools:
        steps["tools/call"] = succeeded(requests, "tools/call", WANTED)
    return steps


def missing(client, requests):
    """What a client must ask for, and did not."""
    return [method for method, found in came(client, requests).items() if not found]


def refused(requests, token):
    """Whether a request with this token was refused."""
    return any(values(request, "authorization") == [f"Bearer {token}"] and request["status"] == 401 for request in requests)


def judge(run, requests, token, writes, result):
    """What must have come with the right token."""
    bearer = f"Bearer {token}"
    actions = ACTIONS[run.variant.variable].replace("none", "")
    expected = {"authorization": [bearer], "x-read-only-mode": ["1"], "x-allowed-actions-to-run": [actions]}
    result.missing += missing(run.client, requests)
    for method, found in came(run.client, requests).items():
        for request in found:
            for name, want in expected.items():
                if values(request, name) != want:
                    shown = [value.replace(token, "***") for value in values(request, name)]
                    result.faults.append(f"{method} came with {name}: {shown}")
    listed = {tool for request in succeeded(requests, "tools/list") for tool in request["tools"] or []}
    if listed & writes:
        result.faults.append(f"write tools were listed: {sorted(listed & writes)}")
    judge_headers(requests, bearer, result)


def judge_wrong(requests, token, result):
    """What must and must not have come with a wrong token."""
    if not refused(requests, token):
        result.missing.append("a request with the wrong token")
    for method in ("initialize", "server/discover", "tools/list", "tools/call"):
        if succeeded(requests, method):
            result.faults.append(f"{method} succeeded with a wrong token")
    judge_headers(requests, f"Bearer {token}", result)


def judge_headers(requests, bearer, result):
    """What no header of any request may hold."""
    for request in requests:
        if values(request, "authorization") not in ([], [bearer]):
            result.faults.append(f"{request['method']} {request['path']} came with another bearer")
        for name, value in request["headers"]:
            if any(text in value for text in PLACEHOLDERS):
                result.faults.append(f"{request['method']} {request['path']} came with {name}: {value}")
