"""Shows that real agents have the rules that the action knows of them, about names and about settings in their configs.

    tests/agents/rules [CLIENT…]

Each case starts the agent with a config that the action wrote, or with one that it would refuse to write. The sandbox's log says whether
the tool was called. An agent that behaves otherwise has changed its mind: then the action's knowledge of it has to change too.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agents import client as clients
from agents import processes
from agents.build import build, registry
from agents.install import install
from agents.model import Server
from agents.run import FORBIDDEN, WANTED, Run, Sandbox, Variant, act, start, succeeded

DOTTED = "show.blueprint.names"
# What the model sees of it, where that is not how permissions spell it.
SEEN = {"auggie": "show_blueprint_names", "copilot-cli": "show-blueprint-names", "droid": "show_blueprint_names"}
# Goose and Continue hand such names on, and their API would refuse them. This model does not.
UNTESTABLE_DOTS = ("goose", "continue")
# The action asks for another form here, and has no list.
UNFIT = {"grok": ("1port", "port_")}

ADDED = {
    "gemini-cli": ({"tools": {"core": ["read_file"]}}, {"mcp": {"allowed": ["other"]}}),
    "qwen-code": ({"mcp": {"allowed": ["other"]}}, {"mcp": {"allowed": []}}),
}
OBSTACLES = {
    "amp": ({"amp.mcpPermissions": [{"matches": {"url": "*"}, "action": "reject"}]},),
    "auggie": (
        {"removedTools": [f"{WANTED}_port-prod"]},
        {"toolPermissions": [{"toolName": f"{WANTED}_port-prod", "permission": {"type": "deny"}}]},
        {"toolPermissions": [{"toolName": f"{WANTED}_port-prod", "permission": {"type": "ask-user"}}]},
    ),
    "gemini-cli": ({"mcp": {"excluded": ["port-prod"]}}, {"tools": {"exclude": ["mcp_port-prod_*"]}}, {"tools": {"exclude": [WANTED]}}),
    "goose": ("GOOSE_MODE: chat", "GOOSE_MODE: approve"),
    "grok": ('[permission]\ndeny = ["MCPTool(port-prod__*)"]', f'[permission]\nask = ["mcp__port-prod__{WANTED}"]'),
    "kilo": ({"agent": {"build": {"permission": {"*": "deny"}}}},),
    "opencode": (
        {"agent": {"build": {"permission": {"*": "deny"}}}},
        {"agent": {"build": {"tools": {"port-prod*": False}}}},
        {"tools": {f"port-prod_{WANTED}": False}},
    ),
    "qwen-code": (
        {"mcp": {"excluded": ["port-prod"]}},
        {"permissions": {"deny": ["mcp__port-prod"]}},
        {"tools": {"exclude": [f"mcp__port-prod__{WANTED}"]}},
    ),
}


@dataclass(frozen=True)
class Case:
    """One start of a client."""

    what: str
    works: bool  # whether the tool must be called, or must not
    tool: str = WANTED
    base: dict | str | None = None  # settings in the config that the server is added to
    rename: tuple[str, ...] = ()  # the names that the server gets in the config, which the action refuses


def cases(client, entry):
    """What the action claims of a client."""
    reserved = (*entry["reserved"], *UNFIT.get(client.name, ()))
    together = [reserved] if entry["format"].lower() == "json" and reserved else [(name,) for name in reserved]
    found = [Case(f"server {', '.join(names)}", works=False, rename=names) for names in together]
    if client.calls_tools and client.client == client.name and client.name not in UNTESTABLE_DOTS:
        found.append(Case(f"tool {DOTTED}", works=entry["takes_dots"], tool=DOTTED))
    found += [Case(f"settings {shown(base)}", works=True, base=base) for base in ADDED.get(client.name, ())]
    found += [Case(f"settings {shown(base)}", works=False, base=base) for base in OBSTACLES.get(client.name, ())]
    return found


def shown(base):
    return " ".join(base.split()) if isinstance(base, str) else json.dumps(base)


def merged(own, base):
    """The client's own base config with more settings."""
    if base is None:
        return own
    return f"{own}\n{base}\n" if isinstance(base, str) else json.dumps({**json.loads(own or "{}"), **base})


def renamed(config, names):
    """The config with the server under other names."""
    if len(names) == 1:
        return config.replace("port-prod", names[0])
    config = json.loads(config)
    servers = next(value for value in config.values() if "port-prod" in value)
    entry = servers.pop("port-prod")
    servers.update(dict.fromkeys(names, entry))
    return json.dumps(config)


def called(client, case, binaries):
    """Whether the tool was called."""
    action, program = binaries
    with tempfile.TemporaryDirectory(prefix="rules-", ignore_cleanup_errors=True) as folder:
        folder = Path(folder)
        for name in ("home", "work", "temp"):
            (folder / name).mkdir()
        options = (*client.sandbox_options, "--extra-tool", DOTTED)
        with Sandbox(program, folder, *options) as sandbox, Server(WANTED, FORBIDDEN) as model:
            run = Run(client, Variant(), folder, model.url)
            inputs = {"client": client.client, "allowed_tools": case.tool}
            if base := merged(client.base_config(run), case.base):
                inputs["base_config"] = base
            run.outputs = act(action, sandbox, folder, inputs)
            if case.tool != WANTED:
                model.plan.query = case.tool.replace(".", " ")
                model.plan.wanted = SEEN.get(client.name) or run.outputs["allowed_tools"][-len(case.tool) :]
            # A variable would count more than a setting of the same name.
            environment = {key: value for key, value in run.environment().items() if key not in str(case.base)}
            run.environment = lambda: environment
            if case.rename:
                run.outputs["mcp_config"] = renamed(run.outputs["mcp_config"], case.rename)
                run.outputs["client_args"] = ""
            before = len(sandbox.requests())
            token = run.outputs["access_token"]
            method, tool = ("tools/call", case.tool) if client.calls_tools else ("tools/list", None)

            def came():
                return bool(succeeded(sandbox.requests()[before:], method, tool))

            try:
                start(run, token, token, lambda: came() or model.plan.ended)
            finally:
                processes.end_leftovers({sandbox.process.pid})
            return came()


def main():
    known = clients.load()
    chosen = [known[name] for name in sys.argv[1:] or known]
    processes.adopt_orphans()
    binaries, entry = build(), registry()
    install("node")
    wrong = 0
    for client in chosen:
        for case in cases(client, entry[client.client]):
            fits = called(client, case, binaries) == case.works
            wrong += not fits
            print(f"{client.name:14} {'ok' if fits else 'FAIL':4} {'works' if case.works else 'is left out':11} {case.what}", flush=True)
    if wrong:
        sys.exit(f"{wrong} rules are not as the action knows them")


if __name__ == "__main__":
    main()
