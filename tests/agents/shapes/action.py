"""The step itself, one run for each shape: whether it is green, warns, or is red, and what it says."""

import json
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agents.build import build
from agents.run import Sandbox
from harness import read_file_command

AT_ONCE = 6  # most of the time they wait
TIMEOUT = "15s"
LONGEST = 60  # seconds for one run
ANNOTATION = re.compile(r"^::(warning|error) title=([^:]*)::(.*)$", re.MULTILINE)
# Titles of warnings that are not about the connection or the schema.
OTHER = {"The server offers more than reading"}
# How the text begins before what the shape is about.
BEGINNINGS = (
    "The agent that `client` names would drop all tools of the MCP server at URL: ",
    "The MCP server at URL gives an answer that no agent can use: it ",
    "The MCP server at URL can't be verified: it ",
    "The MCP server at URL can't be checked from this container: ",
    "The MCP server's answers break MCP's schema: ",
)
# How it goes on.
ENDS = (" The token was issued and the step goes on", " Agents that check this", "\n")


def all_of(server, shapes):
    """What the step makes of the shapes."""
    program, sandbox = build()
    with tempfile.TemporaryDirectory() as folder, Sandbox(sandbox, Path(folder)) as port, ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(shapes, pool.map(lambda shape: one(program, port.ready, server.url(shape)), shapes), strict=True))


def one(program, port, url):
    """One run. The token is the sandbox's, and the MCP server the shape's."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        output.touch()
        inputs = {
            "CLIENT": "claude-code",
            "CLIENT_ID": port["client_id"],
            "CLIENT_SECRET": port["client_secret"],
            "AUTH_BASE_URL": port["auth_base_url"],
            "MCP_URL": url,
            # All tools that are listed are then allowed ones, so that the output has them all.
            "READ_ONLY": "false",
            "TIMEOUT": TIMEOUT,
        }
        environment = {f"INPUT_{name}": value for name, value in inputs.items()}
        environment |= {"GITHUB_OUTPUT": str(output), "GITHUB_WORKSPACE": folder, "RUNNER_TEMP": folder}
        try:
            done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False, timeout=LONGEST)
        except subprocess.TimeoutExpired:
            return {"error": f"did not end within {LONGEST} s"}
        return verdict(done.stdout, done.returncode, read_file_command(output.read_text() or "\n"), url)


def verdict(log, code, outputs, url):
    """What came of a run."""
    found = [(level, f"{plain(title)}: {reason(plain(text), url)}") for level, title, text in ANNOTATION.findall(log) if title not in OTHER]
    errors, warnings = ("; ".join(text for level, text in found if level == wanted) for wanted in ("error", "warning"))
    if code:
        return {"error": errors or f"ended with {code} and said nothing"}
    tools = {"tools": json.loads(outputs.get("tools") or "[]")}
    return tools | {"warned": warnings} if warnings else tools


def plain(text):
    """An annotation's text as it was before the runner's escapes."""
    for escape, character in {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}.items():
        text = text.replace(escape, character)
    return text


def reason(text, url):
    """The part of an annotation that says what happened, without the URL and the words that it always has."""
    for end in ENDS:
        text = text.partition(end)[0]
    text = text.replace(f"`{url}`", "URL").replace(f"`{url.split('/')[2]}`", "URL")
    for begin in BEGINNINGS:
        text = text.removeprefix(begin)
    return text.removesuffix(".")
