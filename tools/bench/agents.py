"""From the step's start to an agent's first list of tools: straight over HTTP, and through the bridge that `npx` starts."""

import os
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path

from harness import read_file_command

from bench import alternatives, packages, sandbox
from bench.exchange import HOST
from bench.figures import median_and_range, rounded, table

# The ways, and whether npm's cache is empty.
WAYS = {
    "`http`": ("http", False),
    "`mcp-remote`, npm's cache warm": ("mcp-remote", False),
    "`mcp-remote`, npm's cache empty": ("mcp-remote", True),
}


def authorities(ca_file, folder):
    """The sandbox's authority, and those that Node is told of on this machine, which the way to the npm registry may need."""
    known = os.environ.get("NODE_EXTRA_CA_CERTS")
    path = Path(folder) / "authorities.pem"
    path.write_text("\n".join(Path(each).read_text() for each in (ca_file, known) if each))
    return path


def listed(port, known):
    """When the last list of tools was asked for."""
    asked = [request["time"] for request in port.requests()[known:] if request["rpc_method"] == "tools/list" and request["status"] == 200]
    return datetime.fromisoformat(asked[-1]).timestamp()


def once(action, port, client, inputs, environment, folder):
    """Seconds of the step, and from its start to the agent's list."""
    alternatives.empty(environment)
    known, config = len(port.requests()), folder / "mcp.json"
    started = time.time()
    subprocess.run([action], env=environment, stdout=subprocess.DEVNULL, check=True)
    step = time.time() - started
    config.write_text(read_file_command(Path(environment["GITHUB_OUTPUT"]).read_text())["mcp_config"])
    subprocess.run([packages.node(), client, config], env=environment, stdin=subprocess.DEVNULL, check=True, timeout=300)
    return step, listed(port, known) - started


def measure(action, sandbox_program, rounds, cold_rounds):
    """The seconds for each way, in turns."""
    found = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name, sandbox.running(sandbox_program, Path(name) / "sandbox") as port:
        folder = Path(name)
        client = packages.bundle("list-tools", folder)
        path = f"{packages.node_folder()}:{os.environ['PATH']}"
        own = {"NODE_EXTRA_CA_CERTS": str(authorities(port.ca_file, folder)), "PATH": path, "npm_config_update_notifier": "false"}

        def run(transport, cache):
            inputs = port.inputs(HOST) | {"transport": transport}
            environment = alternatives.environment(inputs, folder) | own | {"npm_config_cache": str(cache)}
            return once(action, port, client, inputs, environment, folder)

        warm = folder / "warm"
        for transport in ("http", "mcp-remote"):
            run(transport, warm)  # fills the cache, and doesn't count
        for number in range(rounds):
            for way, (transport, cold) in WAYS.items():
                if not cold:
                    found[way].append(run(transport, warm))
                elif number < cold_rounds:
                    found[way].append(run(transport, folder / f"cold{number}"))
    return found


def show(found):
    """The table of times."""
    rows = []
    for way, times in found.items():
        step, whole = ([figures[place] for figures in times] for place in (0, 1))
        best, worst = rounded(min(whole)), rounded(max(whole))
        rows.append(
            [
                way,
                f"{rounded(1e3 * median_and_range(step)[0])} ms",
                f"{rounded(median_and_range(whole)[0])} s ({best} to {worst})",
                len(times),
            ]
        )
    return table(["transport", "the step", "to the first list", "runs"], rows)
