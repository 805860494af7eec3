"""Runs real agents behind `port-mcp-auth exec`, and reads in the sandbox's log what reached it.

    tests/agents/exec [CLIENT…]

All agents that `exec` configures if none is named. No agent gets the token, so it must be in no command line, no file and nothing that
is printed; the tool that is not allowed must never be called; and afterwards each file must be as it was.
"""

import subprocess
from functools import partial

from harness import wait_until

from agents import client as clients
from agents import processes
from agents.files import Files
from agents.install import install
from agents.model import Server
from agents.prove import choose, run_each
from agents.run import (
    ACTIONS,
    FORBIDDEN,
    LONGEST_STEP,
    WANTED,
    Result,
    Run,
    Sandbox,
    Variant,
    judge,
    make_folders,
    missing,
    succeeded,
    wait,
)

# They need an account for a call, or are no agents with a command line.
WITHOUT = {"amp", "claude-agent-sdk", "langchain", "mcp-inspector"}
# Their models are in the same file, which these runs name themselves.
NAMED_FILE = {"continue", "openclaw"}


def execute(client, bench, folder):
    """What came of a run."""
    make_folders(folder)
    with Sandbox(bench.sandbox, folder, *client.sandbox_options) as sandbox, Server(WANTED, FORBIDDEN) as model:
        run = Run(client, Variant(), folder, model.url)
        for path, text in client.settings(run).items():
            run.put(path, text)
        base = client.base_config(run)
        if base:
            run.put(client.config, base)
        environment = run.environment() | {
            "PORT_CLIENT_ID": sandbox.ready["client_id"],
            "PORT_CLIENT_SECRET": sandbox.ready["client_secret"],
            "PORT_AUTH_BASE_URL": sandbox.ready["auth_base_url"],
            "PORT_MCP_URL": sandbox.ready["mcp_url"],
        }
        token = subprocess.run(
            [bench.action, "token"], env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=LONGEST_STEP
        ).stdout.strip()
        flags = ["--client", client.client, "--allowed-tools", WANTED, "--allowed-actions", ACTIONS[False]]
        if client.name in NAMED_FILE:
            flags += ["--config-file", str(run.config)]
        program = install(client.name, client.scripts, client.newest) / client.program
        words = [bench.action, "exec", *flags, "--", program, *client.arguments(run)]
        result = Result()
        files = Files(folder, token, "requests.jsonl")
        # What the checks through the gateway asked for, before the agent was there.
        started = []

        def over():
            return (model.plan.ended or not model.turns) and not missing(client, sandbox.requests()[len(started) :])

        with processes.Watch(token) as watch, (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                words, cwd=run.work, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True
            )
            wait_until("the command runs", lambda: process.poll() is not None or b"onnected " in (folder / "stderr").read_bytes())
            started += sandbox.requests()
            result.ended_after = wait(process, client.seconds, over, files.look)
        files.look()
        requests = sandbox.requests()[len(started) :]
        said = (folder / "stdout").read_bytes() + (folder / "stderr").read_bytes()
        result.faults += [f"the token is in a command line: {line}" for line in sorted(watch.seen)]
        result.faults += [f"the token is in the file {path}" for path in sorted(files.found)]
        if token.encode() in said:
            result.faults.append("the token is in what was printed")
        if succeeded(requests, "tools/call", FORBIDDEN):
            result.faults.append("the tool that is not allowed was called")
        judge(run, requests, token, bench.writes, result)
        after = run.config.read_text() if run.config.exists() else ""
        if not result.ended_after and "127.0.0.1" in after.replace(base, ""):
            result.faults.append(f"{client.config} still has the server")
        result.leftovers = processes.end_leftovers({sandbox.process.pid})
        return result


def main():
    known = {name: client for name, client in clients.load().items() if name not in WITHOUT}
    chosen, bench = choose(__doc__, known)
    run_each((client, "", partial(execute, client, bench)) for client in chosen)


if __name__ == "__main__":
    main()
