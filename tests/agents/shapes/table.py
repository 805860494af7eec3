#!/usr/bin/env python3
"""The results as a table.

    tests/agents/shapes/table.py [--check]

Writes RESULTS.md from results.json. With --check it writes nothing, and ends with an error if RESULTS.md is another one, or if the
step and the clients differ where agree.py has no exception.
"""

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import agree

FOLDER = Path(__file__).resolve().parent
HEADINGS = {
    "step": "This step",
    "claude-code": "Claude Code {}",
    "typescript-1": "TypeScript SDK {}",
    "typescript-2": "TypeScript SDK {}",
    "typescript-2-auto": "TypeScript SDK {}, `auto`",
    "python": "Python SDK {}",
}
GOOD = ("good_one", "good_two")
LONGEST = 90
RESULTS, TABLE = FOLDER / "results.json", FOLDER / "RESULTS.md"


def known():
    """What results.json has, with each client by itself."""
    shown = json.loads(RESULTS.read_text())
    for shape in shown["shapes"]:
        by_client = {client: dict(result) for clients, result in shape["results"].items() for client in clients.split()}
        shape["results"] = {client: by_client[client] for client in HEADINGS if client in by_client}
    return shown


def brief(text):
    """The beginning of an error, without the port, which differs from run to run."""
    text = re.sub(r"http://127\.0\.0\.1:\d+", "", text)
    # What says nothing beside the field and what is wrong with it; the Python SDK repeats the value.
    text = re.sub(r"Invalid (result for \S+|input): |ValidationError: \d+ validation errors? for \S+ |\[type=.*", "", text)
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def cell(result):
    """A result in a few words."""
    if result is None:
        return ""
    if "error" in result:
        return escaped(f"✗ {result['error']}")
    odd = f" ({', '.join(repr(name)[1:-1][:20] for name in result['odd'])})" if "odd" in result else ""
    called = f"; call: {result['called'][:60]}" if "called" in result else ""
    if "warned" in result:
        return escaped(f"⚠ {result['tools']} tools{odd}; {result['warned']}")
    return escaped(f"{'✓' if result['tools'] else '✗'} {result['tools']} tools{odd}{called}")


def escaped(text):
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def row(shape, clients):
    """A line of the table. Where a cell is the same as the one before, it says so."""
    cells = [cell(shape["results"].get(client)) for client in clients]
    short = [text if place == 0 or text != cells[place - 1] else "=" for place, text in enumerate(cells)]
    return f"| `{shape['name']}` | {escaped(shape['what'])} | {' | '.join(short)} |"


def markdown(shown):
    """All of it."""
    clients = [client for client in HEADINGS if any(client in shape["results"] for shape in shown["shapes"])]
    lines = [
        "# Results",
        "",
        f"Measured on {shown['date']} by `run.py --write`, which writes this file. What the columns are is in [README](README.md). `=` is",
        "the same as in the column before.",
        "",
        *agree.markdown(shown),
    ]
    heads = [HEADINGS[client].format(shown["versions"].get(client)) for client in clients]
    for group in dict.fromkeys(shape["group"] for shape in shown["shapes"]):
        lines += [f"## {group}", "", f"| shape | what is odd | {' | '.join(heads)} |", f"|---|---|{'---|' * len(clients)}"]
        lines += [row(shape, clients) for shape in shown["shapes"] if shape["group"] == group]
        lines.append("")
    return "\n".join(lines)


def main():
    """Writes the table, or checks it."""
    shown = known()
    text = markdown(shown)
    if sys.argv[1:] != ["--check"]:
        TABLE.write_text(text)
        return
    faults = agree.faults(shown)
    if TABLE.read_text() != text:
        faults.append("RESULTS.md is not what results.json gives: run tests/agents/shapes/table.py")
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    main()
