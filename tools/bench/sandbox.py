"""The embedded Port that all requests of a measurement go to."""

import contextlib
import json
import subprocess
from pathlib import Path

from harness import read_log, wait_until


class Sandbox:
    """A running sandbox."""

    def __init__(self, process, directory):
        self.process = process
        self.ca_file, self.log = directory / "ca.pem", directory / "requests.jsonl"
        self.ready = json.loads((directory / "ready.json").read_text())
        self.port = self.ready["tls_mcp_url"].split(":")[2].split("/")[0]

    def inputs(self, api, mcp=None):
        """The action's inputs that lead here, by the names under which the sandbox is known."""
        return {
            "client_id": self.ready["client_id"],
            "client_secret": self.ready["client_secret"],
            "auth_base_url": f"https://{api}:{self.port}/v1",
            "mcp_url": f"https://{mcp or api}:{self.port}/mcp/v1",
            "ca_bundle": self.ca_file.read_text(),
        }

    def requests(self):
        """What it was asked, in the order in which it was done with it."""
        return read_log(self.log)


@contextlib.contextmanager
def running(program, directory, *options, within=()):
    """A sandbox with those options; started by the words in `within`, if there are any."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    ready = directory / "ready.json"
    words = [*within, program, "--ready-file", ready, "--ca-file", directory / "ca.pem", "--log", directory / "requests.jsonl", *options]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def started():
        if process.poll() is not None:
            raise RuntimeError(f"the sandbox ended with {process.returncode}")
        return ready.exists()

    try:
        wait_until("the sandbox listens", started)
        yield Sandbox(process, directory)
    finally:
        process.terminate()
        process.wait()
