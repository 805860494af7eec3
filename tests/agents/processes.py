"""What a run's processes show of themselves, and their end. For Linux."""

import contextlib
import ctypes
import os
import signal
import threading
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOOK = 0.05  # seconds between two looks at all command lines
PATIENCE = 30  # seconds until a killed process must be gone
PROC = Path("/proc")


def adopt_orphans():
    """From now on, every process that is left over below this one becomes its child, daemons too."""
    control(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent():
    """From now on, this process is asked to end when its parent has ended."""
    control(PR_SET_PDEATHSIG, signal.SIGTERM)


def control(option, value):
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def numbers():
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def command_line(number):
    try:
        return (PROC / str(number) / "cmdline").read_bytes()
    except OSError:
        return b""


def descendants(top):
    """(number, command line) of every living process below `top`."""
    children = {}
    for number in numbers():
        try:
            stat = (PROC / str(number) / "stat").read_text()
        except OSError:
            continue
        # The name before the last parenthesis may hold anything.
        state, parent = stat.rpartition(")")[2].split()[:2]
        if state != "Z":
            children.setdefault(int(parent), []).append(number)
    found, wait = [], [top]
    while wait:
        below = children.get(wait.pop(), [])
        found += below
        wait += below
    return [(number, command_line(number)) for number in found]


def end_leftovers(spared):
    """Ends what still runs below this process, and says what it was."""
    ended, latest = set(), time.monotonic() + PATIENCE
    while left := [(number, line) for number, line in descendants(os.getpid()) if number not in spared]:
        if time.monotonic() > latest:
            raise TimeoutError(f"these can't be ended: {left}")
        for number, line in left:
            ended.add(line.replace(b"\0", b" ").decode(errors="replace").strip())
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(LOOK)
        for number, _ in left:
            with contextlib.suppress(ChildProcessError):  # its parent is one of the others
                os.waitpid(number, os.WNOHANG)
    return sorted(ended - {""})


class Watch(threading.Thread):
    """Looks for a text in the command lines of all processes on this machine while it runs."""

    def __init__(self, text):
        super().__init__(daemon=True)
        self.text, self.done, self.seen = text.encode(), threading.Event(), set()

    def run(self):
        while not self.done.is_set():
            for number in numbers():
                line = command_line(number)
                if self.text in line:
                    self.seen.add(line.replace(b"\0", b" ").replace(self.text, b"***").decode(errors="replace")[:200])
            self.done.wait(LOOK)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()
