"""The picture of docs/performance.md."""

from xml.sax.saxutils import escape

from harness import ROOT

from bench.figures import median_and_range, rounded

PATH = ROOT / "docs/images/performance.svg"
WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 860, 400, 90, 18, 7, 42
MINE = ("this", "the same")  # how the labels of this action begin
TITLES = {"steps": "A step, from the runner's start to its end", "calls": "Calls a second through a proxy, 50 callers (more is better)"}
OURS, OTHERS, LINES = "#1f6feb", "#8c959f", "#57606a"


def text(x, y, words, anchor="start", weight="normal", colour="#1f2328"):
    """Some words."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}">{escape(words)}</text>'


def bars(top, title, unit, figures):
    """One bar for each label, with the interval as a line. Says where the next part begins."""
    widest = max(high for _, (_, _, high) in figures.values())
    scale = (WIDTH - LEFT - RIGHT) / widest
    parts, y = [text(16, top + 24, title, weight="bold")], top + HEAD - 8
    for label, (is_ours, (middle, low, high)) in figures.items():
        centre = y + BAR / 2
        parts += [
            text(LEFT - 10, centre + 5, label, "end"),
            f'<rect x="{LEFT}" y="{y}" width="{scale * middle:.1f}" height="{BAR}" rx="2" fill="{OURS if is_ours else OTHERS}"/>',
            f'<path d="M{LEFT + scale * low:.1f} {centre}H{LEFT + scale * high:.1f}" stroke="{LINES}" stroke-width="2"/>',
            text(LEFT + scale * high + 8, centre + 5, f"{rounded(middle)} {unit}".strip()),
        ]
        y += BAR + GAP
    return parts, y


def figures(found):
    """Each label with whether it is ours, and its median with the interval."""
    return {label.replace("`", ""): (label.startswith(MINE), median_and_range(values)) for label, values in found.items()}


def draw(pictures):
    """Writes the picture of what whole steps take, and of how many calls go through each proxy."""
    first, end = bars(0, TITLES["steps"], "ms", figures(pictures["steps"]))
    second, end = bars(end + 6, TITLES["calls"], "", figures(pictures["calls"]))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {end + 8}" width="{WIDTH}" height="{end + 8}"'
        ' font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="14" role="img">',
        f"<title>{TITLES['steps']}. {TITLES['calls']}</title>",
        f'<rect width="{WIDTH}" height="{end + 8}" rx="6" fill="#ffffff"/>',
        *first,
        *second,
        "</svg>",
    ]
    PATH.write_text("\n".join(lines) + "\n")
