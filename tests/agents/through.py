"""Runs real agents through the gateway, and reads in its record and in the sandbox's log what came of it.

    tests/agents/gateway [CLIENT…]

All agents that run in the job, over HTTP, with the key in the config and in a variable. The step starts the gateway as a process, as in
the action without Docker. Port's token and the client secret must be in no command line, no environment and no file of the agent's, and
in nothing that is printed. With a wrong key, nothing may reach the server.
"""

import json
import secrets
import subprocess
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import read_file_command

from agents import client as clients
from agents import processes
from agents.files import Files
from agents.model import Server
from agents.prove import choose, run_each
from agents.registry import entries
from agents.run import ACTIONS, FORBIDDEN, LONGEST_STEP, VARIABLE, WANTED, Run, Sandbox, act, make_folders, start, succeeded

NATIVE, CLEAN_UP = "port-mcp-auth-native", "cleanup"  # the names by which the action without Docker starts the program


@dataclass
class Job:
    """A job whose step has started a gateway."""

    folder: Path
    sandbox: Sandbox
    outputs: dict

    def files(self):
        """The runner's files, by their variables."""
        return {"GITHUB_STATE": str(self.folder / "state"), "GITHUB_STEP_SUMMARY": str(self.folder / "summary")}

    def audit(self):
        """The record so far."""
        url = self.outputs["mcp_url"].removesuffix("/mcp") + "/audit"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.outputs['access_token']}"})
        with urllib.request.urlopen(request, timeout=LONGEST_STEP) as answer:
            return [json.loads(line) for line in answer.read().decode().splitlines()]


def named(program, name, folder):
    """The program under another name."""
    link = folder / name
    link.symlink_to(program)
    return link


def token_of(ready):
    """Port's token. Everyone who asks gets the same one until it ends."""
    body = json.dumps({"clientId": ready["client_id"], "clientSecret": ready["client_secret"]}).encode()
    request = urllib.request.Request(f"{ready['auth_base_url']}/auth/access_token", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=LONGEST_STEP) as answer:
        return json.load(answer)["accessToken"]


def end(program, job):
    """The end of the job, as the runner starts it; the summary's text."""
    saved = read_file_command((job.folder / "state").read_text())
    (job.folder / "summary").write_text("")
    inputs = {f"INPUT_{name.upper()}": job.sandbox.ready[name] for name in ("client_id", "client_secret")}
    environment = job.files() | inputs | {f"STATE_{name}": value for name, value in saved.items()}
    environment |= {"GITHUB_WORKSPACE": str(job.folder / "work"), "RUNNER_TEMP": str(job.folder / "temp")}
    words = [named(program, CLEAN_UP, job.folder)]
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=LONGEST_STEP)
    return done.stdout + (job.folder / "summary").read_text()


class Environments(processes.Watch):
    """Looks for texts in the environments and command lines of all processes but those that may have them."""

    def __init__(self, texts, spared):
        super().__init__("")
        self.texts, self.spared = [text.encode() for text in texts], set(spared)

    def run(self):
        while not self.done.is_set():
            for number, line in processes.descendants(processes.os.getpid()):
                if number not in self.spared and any(text in line + environment(number) for text in self.texts):
                    self.seen.add(line.split(b"\0")[0].decode(errors="replace"))
            self.done.wait(processes.LOOK)


def environment(number):
    """A process's environment."""
    try:
        return (processes.PROC / str(number) / "environ").read_bytes()
    except OSError:
        return b""


def judge(right, requests, record, model, token, result):
    """What must have come through, and what must not."""
    calls = [line for line in record if line["event"] == "call" and line.get("tool")]
    answers = {line["id"]: line["outcome"] for line in record if line["event"] == "answer"}
    refused = [line for line in record if line["event"] == "refused"]
    if any(request["rpc_method"] == "tools/call" and request["tool"] != WANTED for request in requests):
        result.faults.append("another tool than the allowed one was called")
    if any(("authorization", f"Bearer {token}") not in map(tuple, request["headers"]) for request in requests):
        result.faults.append("a request came to the server without Port's token")
    if not right:
        if requests:
            result.faults.append("something came to the server with a wrong key")
        if not any(line["reason"] == "key" for line in refused):
            result.missing.append("a refusal of the wrong key")
        return
    # Some agents leave a stream of events when they have the answer.
    if not any(line["tool"] == WANTED and answers.get(line["id"]) in ("ok", "left") for line in calls):
        result.missing.append(f"a call of {WANTED} on record")
    if not succeeded(requests, "tools/call", WANTED):
        result.missing.append(f"a call of {WANTED} at the server")
    if any(FORBIDDEN in tool for _, tools, _ in model.turns for tool in tools):
        result.faults.append(f"{FORBIDDEN} was offered to the model")


def execute(client, variant, bench, right, folder):
    """What came of a run."""
    make_folders(folder)
    with Sandbox(bench.sandbox, folder, *client.sandbox_options) as sandbox, Server(WANTED, FORBIDDEN) as model:
        run = Run(client, variant, folder, model.url)
        job = Job(folder, sandbox, {})
        inputs = {"client": client.client, "gateway": "true", "allowed_tools": WANTED, "allowed_actions": ACTIONS[False]}
        if variant.variable:
            inputs["token_env"] = VARIABLE
        if base := client.base_config(run):
            inputs["base_config"] = base
        (folder / "state").write_text("")
        job.outputs = run.outputs = act(named(bench.action, NATIVE, folder), sandbox, folder, inputs, job.files())
        (folder / "output").unlink()
        key, token = run.outputs["access_token"], token_of(sandbox.ready)
        shown = key if right else f"{key[:-10]}{secrets.token_hex(5)}"
        before = len(sandbox.requests())

        def over():
            """Whether the run has what it needs."""
            if right:
                return (model.plan.ended or not model.turns) and bool(succeeded(sandbox.requests()[before:], "tools/call", WANTED))
            return any(line.get("reason") == "key" for line in job.audit())

        hidden = [token, sandbox.ready["client_secret"]]
        gateway = {number for number, line in processes.descendants(processes.os.getpid()) if b"\0gateway\0" in line}
        files = [Files(folder, text, "requests.jsonl", "ready.json") for text in hidden]
        with Environments(hidden, gateway | {sandbox.process.pid}) as watch:
            result = start(run, key, shown, over)
        for each in files:
            each.look()
            result.faults += [f"a secret is in the file {path}" for path in sorted(each.found)]
        result.faults += [f"a secret is in the environment or the command line of {line}" for line in sorted(watch.seen)]
        said = (folder / "stdout").read_bytes() + (folder / "stderr").read_bytes()
        if any(text.encode() in said for text in hidden):
            result.faults.append("a secret is in what the agent printed")
        judge(right, sandbox.requests()[before:], job.audit(), model, token, result)
        told = end(bench.action, job)
        if right and WANTED not in told:
            result.missing.append("the call in the job's summary")
        if any(text in told for text in [*hidden, key]):
            result.faults.append("a secret is in the job's summary")
        if any(number in gateway for number, _ in processes.descendants(processes.os.getpid())):
            result.faults.append("the gateway goes on after the job")
        result.leftovers = processes.end_leftovers({sandbox.process.pid})
        return result


def runs(client, entry):
    """(variant, whether the key is right): each way over HTTP, and one wrong key."""
    ways = [variant for variant in entry.variants if variant.transport == "http" and client.takes(variant)]
    return [(variant, True) for variant in ways] + [(variant, False) for variant in ways[:1]]


def main():
    known = {name: client for name, client in clients.load().items() if client.calls_tools}
    chosen, bench = choose(__doc__, known)
    ways = entries(bench.action, bench.sandbox, dict.fromkeys(client.client for client in chosen))
    run_each(
        (client, f"{variant}, {'right' if right else 'wrong'} key: ", partial(execute, client, variant, bench, right))
        for client in chosen
        for variant, right in runs(client, ways[client.client])
    )


if __name__ == "__main__":
    main()
