"""docs/performance.md: its figures stand between marks, and are only ever written by what measured them."""

from harness import ROOT

PATH = ROOT / "docs/performance.md"


def write(parts):
    """Puts each part between its marks."""
    text = PATH.read_text()
    for name, part in parts.items():
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        assert found and closed, f"{PATH.name} has no {begin.strip()} and {end}"
        text = f"{before}{begin}{part.strip()}\n{end}{after}"
    PATH.write_text(text)
