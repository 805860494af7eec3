"""Runs the examples of docs/libraries.md, each as it is printed there, against the sandbox.

    tests/agents/libraries [NAME…]

NAME is a part of a section's title; without one, all are run. The packages are pinned in pins/. The agents talk to the
stand-in for a model. An example passes if its requests had exactly the token and the headers that the action gave, if they
listed the tools and called one, and if no other tool was called. The versions that run must be those that the page names.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import ROOT

from agents.build import build
from agents.client import pinned
from agents.install import install
from agents.model import NAME, Server
from agents.run import FORBIDDEN, WANTED, Sandbox, act, succeeded, values

PAGE = ROOT / "docs/libraries.md"
SECTION = re.compile(
    r"^## (?P<title>(?:Python|Node\.js): [^\n]+)\n(?P<text>.*?)^```(?:python|js)\n(?P<code>.*?)^```\n", re.MULTILINE | re.DOTALL
)
LONGEST = 90  # seconds that an example may take
# Offers all tools and refuses the call of one that is not allowed. The others don't offer it.
REFUSES_CALLS = {"Python: Claude Agent SDK"}
HEADERS = {"x-read-only-mode": "1", "x-allowed-actions-to-run": "restart_service"}
# The pin of each section, and the packages whose versions the section names.
PINNED = {
    "Python: MCP SDK": ("python-libraries", ["mcp"]),
    "Python: FastMCP": ("python-libraries", ["fastmcp"]),
    "Python: OpenAI Agents": ("python-libraries", ["openai-agents"]),
    "Python: LangChain": ("langchain", ["langchain-mcp-adapters", "langchain", "langchain-openai"]),
    "Python: Claude Agent SDK": ("claude-agent-sdk", ["claude-agent-sdk"]),
    "Node.js: AI SDK": ("node-libraries", ["@ai-sdk/mcp", "@ai-sdk/openai", "ai"]),
    "Node.js: Mastra": ("node-libraries", ["@mastra/mcp", "@mastra/core", "@ai-sdk/openai"]),
    "Node.js: OpenAI Agents": ("node-libraries", ["@openai/agents"]),
    "Node.js: LangChain": ("node-libraries", ["@langchain/mcp-adapters", "langchain", "@langchain/openai"]),
}


def start(title, code, folder, environment):
    """Runs an example and returns what it printed."""
    installed = install(PINNED[title][0])
    if title.startswith("Python"):
        file, words = folder / "ask.py", [installed / "bin/python"]
    else:
        file, words = folder / "ask.mjs", [install("node") / ".bin/node"]
        (folder / "node_modules").symlink_to(installed)
    file.write_text(code)
    done = subprocess.run(
        [*words, file],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    return done.returncode, done.stdout


def faults(outputs, requests, turns, code, printed):
    """What is wrong with a run."""
    expected = {**HEADERS, "authorization": f"Bearer {outputs['access_token']}"}
    found = [
        f"{request['rpc_method'] or request['method']} with {name}: {values(request, name)}"
        for request in requests
        for name, value in expected.items()
        if values(request, name) != [value]
    ]
    if code:
        found.append(f"exit code {code}")
    if not (succeeded(requests, "initialize") or succeeded(requests, "server/discover")):
        found.append("did not connect")
    if not succeeded(requests, "tools/list"):
        found.append("did not list the tools")
    if not succeeded(requests, "tools/call", WANTED):
        found.append(f"did not call {WANTED}")
    if succeeded(requests, "tools/call", FORBIDDEN):
        found.append(f"called {FORBIDDEN}, which is not allowed")
    if any(tool.endswith(FORBIDDEN) for _, tools, _ in turns for tool in tools):
        found.append(f"offered {FORBIDDEN}, which is not allowed")
    if outputs["access_token"] in printed:
        found.append("printed the token")
    return found


def unnamed(title, text):
    """The packages whose pinned versions the section does not name."""
    pin, packages = PINNED[title]
    return [f"{package} {pinned(pin)[package]}" for package in packages if f"{package}` {pinned(pin)[package]}" not in text]


def check(title, section, programs):
    """Runs the example of one section, and says how it went."""
    action, sandbox = programs
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        Sandbox(sandbox, Path(name)) as port,
        Server(WANTED, FORBIDDEN if title in REFUSES_CALLS else None) as model,
    ):
        folder = Path(name)
        inputs = {"client": "generic", "allowed_tools": WANTED, "allowed_actions": HEADERS["x-allowed-actions-to-run"]}
        outputs = act(action, port, folder, inputs)
        before = len(port.requests())
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "MCP_URL": outputs["mcp_url"],
            "MCP_HEADERS": outputs["headers"],
            "PORT_HEADERS": outputs["port_headers"],
            "PORT_TOKEN": outputs["access_token"],
            "TOOLS": outputs["allowed_tools"],
            "MODEL": NAME,
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"{model.url}/v1",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": model.url,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "MASTRA_TELEMETRY_DISABLED": "1",
        }
        code, printed = start(title, section["code"], folder, environment)
        turns = [] if title in REFUSES_CALLS else model.turns
        found = faults(outputs, port.requests()[before:], turns, code, printed)
        found += [f"docs/libraries.md does not name {package}" for package in unnamed(title, section["text"])]
    print(f"  {'FAIL' if found else 'ok':5} {title}", *found, sep="\n        ", flush=True)
    if found:
        print(printed)
    return not found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a part of a section's title")
    options = parser.parse_args()
    sections = {section["title"]: section for section in SECTION.finditer(PAGE.read_text())}
    if set(sections) != set(PINNED):
        sys.exit(f"docs/libraries.md has other sections than are known here: {sorted(set(sections) ^ set(PINNED))}")
    chosen = [title for title in sections if not options.names or any(name.lower() in title.lower() for name in options.names)]
    programs = build()
    failed = [title for title in chosen if not check(title, sections[title], programs)]
    print(f"{len(chosen)} examples, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
