"""What the gateway adds to a call, and what it needs."""

import base64
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from harness import wait_until

from bench.figures import median_and_range, rounded, table, with_range

KEY = "gatewaykey-0123456789-abcdefghijklmnopqrstuvwx"

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_blueprints", "arguments": {"identifiers": ["service"]}}}

CALLERS = (1, 50)
ENOUGH = 10_000  # calls after which the memory counts
LEAVES = 40
# The bytes of text in each answer, and whether it comes as events: nine of progress, and the answer.
ANSWERS = {"1 KB": (1000, False), "1 MB": (1_000_000, False), "streamed": (1000, True)}
HUGE = 10 * 1024 * 1024

SERVER = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  keepalive_timeout 600;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    default_type application/json;
    root {folder}/answers;
    error_page 405 =200 $uri;
    location /streamed {{ default_type text/event-stream; error_page 405 =200 $uri; }}
  }}
}}
"""

# Prints what `load` reads.
DONE = """
done = function(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\\n", latency:percentile(50), latency:percentile(99), summary.requests, summary.duration, failed))
end
"""

SCRIPT = """
wrk.method = "POST"
wrk.body = [[{body}]]
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["Authorization"] = "Bearer {key}"
"""


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_open(port):
    """Whether somebody listens."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def answer(length, streamed):
    """What the server says to a call."""
    result = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "x" * length}]}})
    if not streamed:
        return result
    progress = [{"progressToken": 1, "progress": number, "total": 9} for number in range(1, 10)]
    messages = [json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": params}) for params in progress]
    return "".join(f"event: message\ndata: {message}\n\n" for message in [*messages, result])


def path(name):
    """Where an answer is on the server."""
    return name.replace(" ", "")


@contextlib.contextmanager
def server(folder):
    """The MCP server: the same answer to whoever asks, another one at each path."""
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run(["openssl", "req", "-x509", *kind, *files, *names], check=True, capture_output=True)
    (folder / "answers").mkdir()
    for name, (length, streamed) in (ANSWERS | {"huge": (HUGE, False)}).items():
        (folder / "answers" / path(name)).write_text(answer(length, streamed))
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(SERVER.format(folder=folder, port=port, user=user))
    process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-p", folder, "-e", folder / "error.log"])
    try:
        wait_until("nginx listens", lambda: is_open(port))
        yield port
    finally:
        process.terminate()
        process.wait()


def settings(folder, server_port, path):
    """The gateway's settings for that server."""
    der = ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text())
    return {
        "client_id": "id",
        "client_secret": "bench-secret-0123456789-abcdefghijklmnop",
        "token_endpoint": {"kind": "api", "url": f"https://127.0.0.1:{server_port}/token"},
        "token": {"token": "bench-token-0123456789-abcdefghijklmnopqrstuvwxyz" * 5, "seconds_left": 10000},
        "mcp_url": f"https://127.0.0.1:{server_port}/{path}",
        "extra_roots": [base64.b64encode(der).decode()],
    }


def memory(pid, name="VmRSS"):
    """A figure of a process's memory, in MB. proc(5) says kB, and means 1,024 bytes."""
    return int(re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) * 1024 / 1e6


class Gateway:
    """A running gateway, which lets agents call one tool that reads."""

    def __init__(self, program, given, record):
        fixed = {
            "headers": [["x-read-only-mode", "1"]],
            "rules": {"tools": [{"name": "list_blueprints", "kind": "read"}], "actions": [], "read_only": True},
            "key": KEY,
            "listen": "127.0.0.1:0",
            "hosts": ["127.0.0.1"],
            "lifetime": 100_000,
        }
        self.record = Path(record)
        self.output = self.record.open("w")
        self.process = subprocess.Popen([program, "gateway"], stdin=subprocess.PIPE, stdout=self.output, text=True)
        self.process.stdin.write(json.dumps(fixed | given) + "\n")
        self.process.stdin.flush()
        wait_until("the gateway is ready", lambda: "\n" in self.record.read_text())
        with self.record.open() as lines:
            self.port = json.loads(lines.readline())["port"]
        self.url = f"http://127.0.0.1:{self.port}/mcp"

    def memory(self, name="VmRSS"):
        """A figure of its memory, in MB."""
        return memory(self.process.pid, name)

    def cpu(self):
        """Its CPU time so far, in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def files(self):
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def stop(self):
        """Ends it, and tells its exit code."""
        self.process.terminate()
        code = self.process.wait()
        self.output.close()
        return code


class Failed(Exception):
    """A call failed, or none was answered in time."""


class Load(NamedTuple):
    """What callers found who called one after the other."""

    p50: float  # milliseconds
    p99: float
    rate: float  # calls a second
    calls: int


def load(url, script, callers, seconds):
    """What so many callers find in that time. Each of them has a connection of its own."""
    words = ["wrk", "-t1", f"-c{callers}", f"-d{seconds}s", "--timeout", "20s", "-s", script, url]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    p50, p99, calls, duration, failed = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", said).groups())
    if failed or not calls:
        raise Failed(f"{url}: {failed} of {calls} calls failed: {said}")
    return Load(p50 / 1e3, p99 / 1e3, calls / (duration / 1e6), calls)


def peak(program, folder, port):
    """The memory while ten answers of 10 MB are under way at the same time, in MB."""
    gateway = Gateway(program, settings(folder, port, "huge"), folder / "huge.jsonl")
    try:
        headers = ["-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json", "--data-binary", json.dumps(CALL)]
        size = ["--output", "/dev/null", "--write-out", "%{size_download}", "--silent"]
        running = [subprocess.Popen(["curl", *size, *headers, gateway.url], stdout=subprocess.PIPE, text=True) for _ in range(10)]
        said = [int(each.communicate()[0]) for each in running]
        assert set(said) == {(folder / "answers/huge").stat().st_size}, said
        return gateway.memory("VmHWM")
    finally:
        gateway.stop()


class Silent:
    """A server that never answers, and notes when a caller is gone."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked, self.gone, self.when = threading.Event(), threading.Event(), 0.0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        # Ends with the listener.
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.watch, args=[connection], daemon=True).start()

    def watch(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.recv(65536)
            self.asked.set()
            while connection.recv(65536):
                pass
        self.when = time.perf_counter()
        self.gone.set()


def leave(program, folder):
    """The milliseconds until the server knows that a caller has left, for each of several."""
    silent, took = Silent(), []
    given = settings(folder, silent.port, "") | {"mcp_url": f"http://127.0.0.1:{silent.port}/"}
    gateway = Gateway(program, given, folder / "leave.jsonl")
    body = json.dumps(CALL)
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
    try:
        for _ in range(LEAVES):
            silent.asked.clear()
            silent.gone.clear()
            with socket.create_connection(("127.0.0.1", gateway.port)) as caller:
                caller.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
                assert silent.asked.wait(20)
                left = time.perf_counter()
            assert silent.gone.wait(20)
            took.append(1e3 * (silent.when - left))
    finally:
        gateway.stop()
        silent.listener.close()
    return took


@dataclass
class Found:
    """What was measured."""

    direct: dict = field(default_factory=dict)  # by answer and number of callers, a load of each round
    gateway: dict = field(default_factory=dict)
    idle: float = 0  # memory in MB
    own: float = 0  # the part of it that no other process shares
    after: float = 0  # memory in MB after `calls` calls
    calls: int = 0
    peak: float = 0  # memory in MB
    cpu: float = 0  # milliseconds of CPU time for a call with a small answer
    leave: list = field(default_factory=list)  # milliseconds

    def added(self, answer, callers, figure):
        """The milliseconds that the gateway adds, of each round."""
        pairs = zip(self.gateway[answer, callers], self.direct[answer, callers], strict=True)
        return [getattr(ours, figure) - getattr(direct, figure) for ours, direct in pairs]

    def show(self):
        """The table, and what is said below it."""
        rows = []
        for (answer, callers), ours in self.gateway.items():
            direct = self.direct[answer, callers]
            row = [f"{answer}, {callers} caller{'s' * (callers > 1)}"]
            for figure in ("p50", "p99"):
                row.append(rounded(median_and_range([getattr(each, figure) for each in direct])[0]))
                row.append(with_range(self.added(answer, callers, figure)))
            rows.append([*row, *(f"{median_and_range([each.rate for each in found])[0]:,.0f}" for found in (direct, ours))])
        head = ["answer", "direct, p50 ms", "added", "direct, p99 ms", "added", "direct, calls a second", "through the gateway"]
        return f"""{table(head, rows)}

The gateway needs {self.cpu:.3f} ms of CPU time for a call with a small answer. Its resident memory is {self.idle:.1f} MB when idle,
of which {self.own:.1f} MB are not pages of the program, {self.after:.1f} MB after {self.calls:,} calls, and {self.peak:.1f} MB at the peak of ten answers of
10 MB at the same time. The server knows after {median_and_range(self.leave)[0]:.2f} ms that a caller has left (median of {len(self.leave)}, at most
{max(self.leave):.2f} ms)."""


def write_script(folder):
    """The calls, for wrk."""
    script = folder / "call.lua"
    script.write_text(SCRIPT.format(body=json.dumps(CALL), key=KEY) + DONE)
    return script


def small(program, folder, port, script, rounds, seconds, found):
    """All rounds of the small answer go through one gateway, whose memory and CPU time count."""
    gateway = Gateway(program, settings(folder, port, path("1 KB")), folder / "small.jsonl")
    found.idle, found.own = gateway.memory(), gateway.memory("RssAnon")
    for _ in range(rounds):
        turn(gateway.url, port, "1 KB", script, seconds, found)
    while (calls := sum(each.calls for loads in found.gateway.values() for each in loads)) < ENOUGH:
        turn(gateway.url, port, "1 KB", script, seconds, found)
    found.calls, found.after, found.cpu = calls, gateway.memory(), 1e3 * gateway.cpu() / calls
    gateway.stop()


def turn(url, port, answer, script, seconds, found):
    """One round with one answer: each number of callers, first without the gateway and then with it."""
    for callers in CALLERS:
        for loads, place in ((found.direct, f"https://127.0.0.1:{port}/{path(answer)}"), (found.gateway, url)):
            loads.setdefault((answer, callers), []).append(load(place, script, callers, seconds))


def measure(program, rounds, seconds):
    """All figures."""
    found = Found()
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as port:
        folder = Path(name)
        script = write_script(folder)
        small(program, folder, port, script, rounds, seconds, found)
        for answer in list(ANSWERS)[1:]:
            gateway = Gateway(program, settings(folder, port, path(answer)), folder / f"{path(answer)}.jsonl")
            for _ in range(rounds):
                turn(gateway.url, port, answer, script, seconds, found)
            gateway.stop()
        found.peak = peak(program, folder, port)
        found.leave = leave(program, folder)
    return found
