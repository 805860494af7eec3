"""The picture of docs/performance.md."""

from xml.sax.saxutils import escape

from harness import ROOT

from bench.figures import median_and_range, rounded

PATH = ROOT / "docs/images/performance.svg"
WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 760, 220, 150, 20, 10, 46
OURS, OTHERS, LINES = "#1f6feb", "#8c959f", "#57606a"


def text(x, y, words, anchor="start", weight="normal", colour="#1f2328"):
    """Some words."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}">{escape(words)}</text>'


def bars(top, title, unit, figures):
    """One bar for each label, with the interval as a line. Says where the next part begins."""
    widest = max(high for _, (_, _, high) in figures)
    scale = (WIDTH - LEFT - RIGHT) / widest
    parts, y = [text(16, top + 24, title, weight="bold")], top + HEAD - 8
    for number, (label, (middle, low, high)) in enumerate(figures):
        centre = y + BAR / 2
        parts += [
            text(LEFT - 10, centre + 5, label, "end"),
            f'<rect x="{LEFT}" y="{y}" width="{scale * middle:.1f}" height="{BAR}" rx="2" fill="{OTHERS if number else OURS}"/>',
            f'<path d="M{LEFT + scale * low:.1f} {centre}H{LEFT + scale * high:.1f}" stroke="{LINES}" stroke-width="2"/>',
            text(LEFT + scale * high + 8, centre + 5, f"{rounded(middle)} {unit}"),
        ]
        y += BAR + GAP
    return parts, y


def draw(found):
    """Writes the picture of what the exchange took."""
    shown = [(each.program.label.replace("`", ""), each) for each in found]
    time = [(label, [1e3 * number for number in median_and_range(each.wall)]) for label, each in shown]
    memory = [(label, [number / 2**20 for number in median_and_range(each.peak)]) for label, each in shown]
    first, middle = bars(0, "Wall time of the exchange: median, and where it lies with 95 %", "ms", time)
    second, end = bars(middle + 6, "Peak memory", "MiB", memory)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {end + 8}" width="{WIDTH}" height="{end + 8}"'
        ' font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="14" role="img">',
        "<title>Wall time and peak memory of the exchange, by this action and by what could stand in its place</title>",
        f'<rect width="{WIDTH}" height="{end + 8}" rx="6" fill="#ffffff"/>',
        *first,
        *second,
        "</svg>",
    ]
    PATH.write_text("\n".join(lines) + "\n")
