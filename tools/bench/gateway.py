"""What the gateway adds to a call, and what it needs. Started by tools/bench/gateway."""

import argparse
import base64
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

from harness import wait_until

from bench import build
from bench.figures import median_and_range, rounded, table

KEY = "gatewaykey-0123456789-abcdefghijklmnopqrstuvwx"

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_blueprints", "arguments": {"identifiers": ["service"]}}}

LARGE = 10 * 1024 * 1024

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
    location /small {{ return 200 '{answer}'; }}
    location /large {{ root {folder}; error_page 405 =200 $uri; }}
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


@contextlib.contextmanager
def server(folder):
    """The MCP server: one answer, small or large."""
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run(["openssl", "req", "-x509", *kind, *files, *names], check=True, capture_output=True)
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "x" * 200}]}}
    large = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "x" * LARGE}]}}
    (folder / "large").write_text(json.dumps(large))
    port = free_port()
    (folder / "nginx.conf").write_text(
        SERVER.format(folder=folder, port=port, answer=json.dumps(answer), user="user root;" if os.geteuid() == 0 else "")
    )
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
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1e3

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


def load(url, script, callers, seconds):
    """p50 and p99 in ms, calls a second, and how many calls there were."""
    words = ["wrk", "-t1", f"-c{callers}", f"-d{seconds}s", "--timeout", "20s", "-s", script, url]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    p50, p99, calls, duration, failed = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", said).groups())
    if failed or not calls:
        raise RuntimeError(f"{url}: {failed} of {calls} calls failed: {said}")
    return p50 / 1e3, p99 / 1e3, calls / (duration / 1e6), calls


def peak(program, folder, port, script):
    """The memory while ten large answers are under way at the same time, in MB, and their time in s."""
    gateway = Gateway(program, settings(folder, port, "large"), folder / "large.jsonl")
    try:
        body = script.with_suffix(".json")
        headers = ["-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json", "--data-binary", f"@{body}"]
        size = ["--output", "/dev/null", "--write-out", "%{size_download} %{time_total}", "--silent"]
        running = [subprocess.Popen(["curl", *size, *headers, gateway.url], stdout=subprocess.PIPE, text=True) for _ in range(10)]
        said = [each.communicate()[0].split() for each in running]
        assert all(int(got) == (folder / "large").stat().st_size for got, _ in said), said
        return gateway.memory("VmHWM"), max(float(time) for _, time in said)
    finally:
        gateway.stop()


def measure(program, rounds, seconds):
    """All figures, as a table."""
    found = {way: {1: [], 50: []} for way in ("direct", "gateway")}
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as port:
        folder = Path(name)
        script = folder / "call.lua"
        script.write_text(SCRIPT.format(body=json.dumps(CALL), key=KEY) + DONE)
        script.with_suffix(".json").write_text(json.dumps(CALL))
        gateway = Gateway(program, settings(folder, port, "small"), folder / "small.jsonl")
        idle = gateway.memory()
        spent = calls = 0
        for _ in range(rounds):
            for callers in (1, 50):
                found["direct"][callers].append(load(f"https://127.0.0.1:{port}/small", script, callers, seconds)[:3])
                before = gateway.cpu()
                result = load(gateway.url, script, callers, seconds)
                found["gateway"][callers].append(result[:3])
                spent, calls = spent + gateway.cpu() - before, calls + result[3]
        after = gateway.memory()
        gateway.stop()
        large = peak(program, folder, port, script)
    rows = []
    for way, by_callers in found.items():
        alone, many = by_callers[1], by_callers[50]
        columns = [[figures[place] for figures in group] for group in (alone, many) for place in (0, 1)] + [
            [figures[2] for figures in many]
        ]
        rows.append([way, *(f"{rounded(median_and_range(each)[0])} ({rounded(min(each))} to {rounded(max(each))})" for each in columns)])
    head = ["", "alone, p50 ms", "p99", "50 callers, p50 ms", "p99", "calls a second"]
    notes = [
        f"CPU time of the gateway for a call: {1e3 * spent / calls:.3f} ms, over {calls} calls",
        f"resident memory: {idle:.1f} MB idle, {after:.1f} MB after all calls, {large[0]:.1f} MB at the peak of ten answers of 10 MB ({large[1]:.2f} s)",
    ]
    return "\n".join([table(head, rows), "", *notes])


def main():
    """Measures, and prints the figures."""
    parser = argparse.ArgumentParser(prog="tools/bench/gateway", description=__doc__)
    parser.add_argument("--program", type=Path, help="the built action; by default it is built")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="how long each measurement takes")
    options = parser.parse_args()
    program = options.program.resolve() if options.program else build.action()
    print(measure(program, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
