"""A network with a long way: two network namespaces, and a delay between them.

The delay is made by `tc netem`; where the kernel lacks it, packets are delayed on their way between two TUN devices instead.
Nothing outside of the namespaces is touched. Needs Linux, root and iproute2.
"""

import collections
import contextlib
import fcntl
import os
import select
import shutil
import struct
import subprocess
import threading
import time

CLIENT, API, MCP = "10.203.0.1", "10.203.0.2", "10.203.0.3"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


def missing():
    """Why there is no such network here; empty if there is."""
    if not shutil.which("ip"):
        return "there is no `ip` command"
    return "" if os.geteuid() == 0 else "it needs root"


def run(*words):
    """A command that must work."""
    subprocess.run(words, check=True)


def within(namespace):
    """The words that start a program in a namespace."""
    return ("ip", "netns", "exec", namespace)


@contextlib.contextmanager
def namespaces():
    """The names of two namespaces."""
    names = [f"round-trips-{os.getpid()}-{side}" for side in ("client", "server")]
    try:
        for name in names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)


def address(client, server, device):
    """Gives both ends their addresses."""
    for name, addresses in ((client, [CLIENT]), (server, [API, MCP])):
        for each in addresses:
            run("ip", "-n", name, "address", "add", f"{each}/24", "dev", device)
        run("ip", "-n", name, "link", "set", device, "up")


def connect(client, server, delay):
    """Connects the namespaces, and says how."""
    if by_netem(client, server, delay):
        return "tc netem"
    by_tun(client, server, delay)
    return "TUN devices, since this kernel has no netem"


def by_netem(client, server, delay):
    """Connects the namespaces by a cable whose ends both wait. Says whether this kernel can."""
    run("ip", "-n", client, "link", "add", "far", "type", "veth", "peer", "name", "far", "netns", server)
    for name in (client, server):
        words = ["tc", "-n", name, "qdisc", "add", "dev", "far", "root", "netem", "delay", f"{delay}ms", "limit", "10000"]
        if subprocess.run(words, check=False, stderr=subprocess.DEVNULL).returncode:
            run("ip", "-n", client, "link", "del", "far")
            return False
    address(client, server, "far")
    return True


def by_tun(client, server, delay):
    """Connects the namespaces by two TUN devices, and carries each packet from one to the other when its time has come."""
    ends = []
    for number, name in enumerate((client, server)):
        end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        here = f"rt{os.getpid() % 100000}{number}"
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", here.encode(), IFF_TUN | IFF_NO_PI))
        run("ip", "link", "set", here, "netns", name)
        run("ip", "-n", name, "link", "set", here, "name", "far")
        ends.append(end)
    address(client, server, "far")

    def carry():
        waiting = collections.deque()
        while True:
            rest = max(0, waiting[0][0] - time.monotonic()) if waiting else None
            for end in select.select(ends, [], [], rest)[0]:
                with contextlib.suppress(BlockingIOError):
                    while packet := os.read(end, 65536):
                        waiting.append((time.monotonic() + delay / 1000, ends[1 - ends.index(end)], packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, end, packet = waiting.popleft()
                os.write(end, packet)

    def carry_on():
        # Fails when the namespaces are gone, and then all is over.
        with contextlib.suppress(OSError):
            carry()

    threading.Thread(target=carry_on, daemon=True).start()
