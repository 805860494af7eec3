"""Writes the table of agents into docs/agents.md, from what the action says of them and what tests/agents/results.json proves.

    tests/agents/table [--check]

The names come from that page's sections, whose versions must be those that were proven.
"""

import argparse
import json
import re
import sys

from harness import ROOT

from agents.__main__ import NEWEST, RESULTS
from agents.build import build, registry
from agents.client import load
from agents.registry import entries

AGENTS = ROOT / "docs/agents.md"
BEGIN, END = "<!-- agents:begin -->", "<!-- agents:end -->"
HEAD = ("Agent", "`client`", "Transports", "`token_env`", "Allowed tools in", "Tested", "Newest tried")
PLACES = {"mcp_config": "config", "client_args": "`client_args`"}
SECTION = re.compile(r"^## (?P<title>[^\n]+): `(?P<client>[\w-]+)`\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)

DOCUMENTED = re.compile(r"^- \*\*Not tested:\*\* [^*]*\]\(https://[^*]* read\s+on\s+(?P<day>\d+\s+[A-Z][a-z]+\s+\d{4})", re.MULTILINE)


def anchor(section):
    """The one that GitHub makes of the section's heading."""
    heading = f"{section['title']}: {section['client']}".lower()
    return re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


def tried(proofs, newest):
    """How the newest releases did, whether or not the configs were changed for them."""
    known = [newest[test] for test in proofs if test in newest]
    return ", ".join(f"{result['version']} {'works' if result['passed'] else '**fails**'}, {result['day']}" for result in known)


def row(name, entry, section, proofs, newest):
    """A client's cells."""
    return (
        f"[{section['title']}](#{anchor(section)})",
        f"`{name}`",
        " ".join(f"`{transport}`" for transport in entry.transports()),
        variable(entry),
        " and ".join(PLACES[output] for output in entry.tools_in) or "not supported",
        ", ".join(proof(test, result) for test, result in proofs.items()) or documented(name, section),
        tried(proofs, newest),
    )


def documented(name, section):
    """Where no test can run it: that it was read, and when. The section names the page."""
    said = DOCUMENTED.search(section["text"])
    if not said:
        sys.exit(f"docs/agents.md does not say from which page, read on which day, the config of {name} is written")
    return f"no; documentation of {' '.join(said['day'].split())}"


def variable(entry):
    """With which transports the config can name a variable."""
    having = entry.transports(variable=True)
    if having == entry.transports():
        return "yes"
    return f"with {' and '.join(f'`{transport}`' for transport in having)}" if having else "no"


def proof(test, result):
    """The version that ran, with the test that ran it."""
    # A test of another client's program is named after both.
    program = test.removeprefix(f"{result['client']}-")
    named = result["version"] if test == result["client"] else f"{program} {result['version']}"
    text = f"[{named}](../tests/agents/clients/{test.replace('-', '_')}.py)"
    return text if result["calls_tools"] else f"{text}, up to the list of tools"


def table(known, sections, results, newest, clients):
    """The whole table."""
    rows = []
    for name, entry in known.items():
        proofs = {test: result for test, result in results.items() if result["client"] == name}
        for test, result in proofs.items():
            if set(result["variants"]) != {str(variant) for variant in entry.variants if clients[test].takes(variant)}:
                sys.exit(f"the action has other ways to hand a config to {name} than were proven: run tests/agents/conformance {test}")
            said = re.search(r"^- \*\*Tested:\*\*.*$", sections[name]["text"], re.MULTILINE)
            if not said or result["version"] not in said[0]:
                sys.exit(f"docs/agents.md does not say of {name} that it was tested with {result['version']}")
        rows.append(row(name, entry, sections[name], proofs, newest))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (HEAD, ["---"] * len(HEAD), *rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only say whether the table is right")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text())
    if {name: result["version"] for name, result in results.items()} != {name: client.version for name, client in load().items()}:
        sys.exit("tests/agents/results.json has other versions than tests/agents/pins: run tests/agents/conformance")
    known = entries(*build(), registry())
    old = AGENTS.read_text()
    sections = {section["client"]: section for section in SECTION.finditer(old)}
    if missing := set(known) - set(sections):
        sys.exit(f"docs/agents.md has no section of {', '.join(sorted(missing))}")
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, f"docs/agents.md has no {BEGIN} and {END}"
    new = f"{before}{BEGIN}\n{table(known, sections, results, json.loads(NEWEST.read_text()), load())}\n{END}{after}"
    if not options.check:
        AGENTS.write_text(new)
    elif new != old:
        sys.exit("the table of agents in docs/agents.md is not up to date: run tests/agents/table")


if __name__ == "__main__":
    main()
