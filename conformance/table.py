"""Writes the table of agents into README.md, from what the action says of them and what conformance/results.json proves.

ci/agents-table [--check]
"""

import json
import sys

from ci.harness import ROOT
from conformance.__main__ import RESULTS
from conformance.build import build, registry
from conformance.client import load
from conformance.registry import entries

README = ROOT / "README.md"
BEGIN, END = "<!-- agents:begin -->", "<!-- agents:end -->"
HEAD = ("`client`", "Transports", "Token from a variable", "Allow-list", "Proven with")
PLACES = {"mcp_config": "config", "client_args": "`client_args`"}


def row(name, entry, results):
    """A client's cells."""
    proofs = {test: result for test, result in results.items() if result["client"] == name}
    places = " and ".join(PLACES[output] for output in entry.tools_in) or "none"
    return (
        f"[`{name}`](docs/agents.md#{name})",
        ", ".join(f"`{transport}`" for transport in entry.transports()),
        variable(entry),
        places,
        ", ".join(proof(test, result) for test, result in proofs.items()) or "documentation",
    )


def variable(entry):
    """With which transports the config can name a variable."""
    having = entry.transports(variable=True)
    if having == entry.transports():
        return "yes"
    return f"with {' and '.join(f'`{transport}`' for transport in having)}" if having else "no"


def proof(test, result):
    """The version that ran, with the test that ran it."""
    named = result["version"] if test == result["client"] else f"{test} {result['version']}"
    text = f"[{named}](conformance/clients/{test.replace('-', '_')}.py)"
    return text if result["calls_tools"] else f"{text} (lists the tools)"


def table(known, results):
    lines = [HEAD, ["---"] * len(HEAD), *(row(name, entry, results) for name, entry in known.items())]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main():
    results = json.loads(RESULTS.read_text())
    pinned = {name: client.version for name, client in load().items()}
    if pinned != {name: result["version"] for name, result in results.items()}:
        sys.exit("conformance/results.json is of other versions than those in conformance/pins: run ci/conformance")
    old = README.read_text()
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"README.md has no {BEGIN} and {END}"
    new = f"{before}{BEGIN}\n\n{table(entries(*build(), registry()), results)}\n\n{END}{after}"
    if "--check" not in sys.argv[1:]:
        README.write_text(new)
    elif new != old:
        sys.exit("the table of agents in README.md is not up to date: run ci/agents-table")


if __name__ == "__main__":
    main()
