"""Where a release can be interrupted: each call of a fake that changes something, before and after its effect.

FAKE_STATE is the folder of all that the fakes keep. Each such call is a line in its file `calls`. With
FAKE_INTERRUPT=NUMBER:MODE, the call of that number, from 0, fails: in mode `before` without an effect, in mode `half` with
a part of it, in mode `after` with all of it, as when only the answer is lost.
"""

import os
import sys
from pathlib import Path

STATE = Path(os.environ["FAKE_STATE"])


class Interrupted(SystemExit):
    """The call failed, and the step with it."""


def interrupted(name):
    print(f"{name}: interrupted", file=sys.stderr)
    raise Interrupted(1)


def changes(name, do, half=None):
    """`do()`, or less of it. Calls that have no half do nothing in that mode, and are marked so in the list."""
    calls = STATE / "calls"
    number = len(calls.read_text().splitlines()) if calls.exists() else 0
    with calls.open("a") as file:
        file.write(f"{name}{' (in parts)' if half else ''}\n")
    wanted, _, mode = os.environ.get("FAKE_INTERRUPT", "").partition(":")
    if wanted != str(number):
        return do()
    if mode == "half" and half:
        half()
    if mode == "after":
        do()
    return interrupted(name)
