"""The results as a table."""

HEADINGS = {
    "typescript-1": "TypeScript SDK {}",
    "typescript-2": "TypeScript SDK {}",
    "typescript-2-auto": "TypeScript SDK {}, `auto`",
    "python": "Python SDK {}",
    "claude-code": "Claude Code {}",
}
GOOD = ("good_one", "good_two")
LONGEST = 110


def cell(result):
    """A result in a few words."""
    if result is None:
        return ""
    if "error" in result:
        text = result["error"].replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
        return f"✗ {text[:LONGEST]}"
    others = [name for name in result["names"] if name not in GOOD]
    names = f" ({', '.join(repr(name)[1:-1][:20] for name in others)})" if others else ""
    called = "" if result.get("called", True) is True else f"; call: {str(result['called'])[:60]}"
    return f"{'✓' if result['tools'] else '✗'} {result['tools']} tools{names}{called}".replace("|", "\\|")


def markdown(shown):
    """All of it."""
    clients = [client for client in HEADINGS if any(client in shape["results"] for shape in shown["shapes"])]
    lines = [
        "# Results",
        "",
        f"Measured on {shown['date']} by `run.py --write`, which writes this file. What the columns are is in [README](README.md).",
        "",
    ]
    groups = dict.fromkeys(shape["group"] for shape in shown["shapes"])
    for group in groups:
        heads = [HEADINGS[client].format(shown["versions"][client]) for client in clients]
        lines += [f"## {group}", "", f"| shape | what is odd | {' | '.join(heads)} |", f"|---|---|{'---|' * len(clients)}"]
        for shape in shown["shapes"]:
            if shape["group"] == group:
                cells = [cell(shape["results"].get(client)) for client in clients]
                what = shape["what"].replace("|", "\\|").replace("<", "&lt;")
                lines.append(f"| `{shape['name']}` | {what} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)
