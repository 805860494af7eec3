"""The pages with the figures. A figure is between two marks, and is only written by the program that measured it."""

from harness import ROOT

PAGES = (ROOT / "docs/performance.md", ROOT / "docs/scale.md", ROOT / "tools/bench/RESULTS.md")


def write(parts):
    """Puts each part between its marks, on the page that has them."""
    for name, part in parts.items():
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        pages = [page for page in PAGES if begin in page.read_text()]
        assert len(pages) == 1, f"{len(pages)} pages have {begin.strip()}"
        before, _, rest = pages[0].read_text().partition(begin)
        _, closed, after = rest.partition(end)
        assert closed, f"{pages[0].name} has no {end}"
        pages[0].write_text(f"{before}{begin}{part.strip()}\n{end}{after}")
