"""Numbers with their spread."""

import random
import statistics

RESAMPLES = 2000


def median_and_range(values):
    """The median, and the 95 % interval of it by bootstrap: where it would lie if all were measured again."""
    chance = random.Random(1)  # noqa: S311 - the same figures give the same interval
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    low, high = (medians[int(share * RESAMPLES)] for share in (0.025, 0.975))
    return statistics.median(values), low, high


def ratios(values, base):
    """How many times as large as those of the same rounds."""
    return [value / other for value, other in zip(values, base, strict=True)]


def rounded(number):
    """With three digits that count."""
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def with_range(values, scale=1):
    """`1.64 (1.60 to 1.69)`."""
    middle, low, high = (rounded(scale * number) for number in median_and_range(values))
    return f"{middle} ({low} to {high})"


def size(count):
    """Bytes, in the unit that people read."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"


def table(head, rows):
    """A table in Markdown; all columns but the first hold numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in cells)} |" for cells in lines)
