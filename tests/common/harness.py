"""What the tests in Python share: the sandbox, and the runner's way to start a container action."""

import contextlib
import ipaddress
import json
import os
import re
import secrets
import signal
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOCKET = os.environ.get("DOCKER_HOST", "").removeprefix("unix://") or "/var/run/docker.sock"  # of Docker, or of Podman
PATIENCE = 30  # seconds until a condition that must come true counts as failed


def wait_until(what, condition):
    """The first true value of `condition()`."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE} s in vain: {what}")
        time.sleep(0.01)
    return value


def docker(*words, **options):
    """A docker command's output."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"docker {words[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def gateway(network="bridge"):
    """This host's address as containers on that network see it."""
    config = json.loads(docker("network", "inspect", network))[0]["IPAM"]["Config"][0]
    # Some engines leave it out where it is the first address.
    return config.get("Gateway") or str(next(ipaddress.ip_network(config["Subnet"]).hosts()))


def build_image(tag, context=ROOT, file="Dockerfile"):
    """The image from this directory, as `uses: ./` builds it."""
    docker("build", "--quiet", "--tag", tag, "--file", str(ROOT / file), str(context))
    return tag


def build_sandbox():
    """The path of the sandbox's binary."""
    words = ["cargo", "build", "--quiet", "--package", "port-sandbox", "--bin", "port-sandbox"]
    lines = subprocess.run([*words, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return next(path for line in reversed(lines) if (path := json.loads(line).get("executable")))


def read_log(path):
    """The entries of a log with a JSON text on each line. A line that is still being written counts the next time."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


class Sandbox:
    """A running sandbox that listens on every address, with a certificate for `names`."""

    def __init__(self, directory, *names):
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        ready = directory / "ready.json"
        ready.unlink(missing_ok=True)
        self.ca_file, self.log = directory / "ca.pem", directory / "requests.jsonl"
        words = [build_sandbox(), "--bind", "0.0.0.0", "--ca-file", self.ca_file, "--ready-file", ready]  # noqa: S104 - containers reach it so
        words += ["--log", self.log, *(word for name in names for word in ("--name", name))]
        # Its own session: a Ctrl-C for whoever started it is not for the sandbox.
        with (directory / "stderr").open("w") as stderr:
            self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True)

        def started():
            if self.process.poll() is not None:
                raise RuntimeError(f"the sandbox did not start: {(directory / 'stderr').read_text()}")
            return ready.exists()

        wait_until("the sandbox listens", started)
        self.ready = json.loads(ready.read_text())
        self.client_id, self.client_secret = self.ready["client_id"], self.ready["client_secret"]

    def url(self, key, host, scheme="https"):
        """`auth_base_url` or `mcp_url`, under the host's name as the container knows it."""
        url = urllib.parse.urlsplit(self.ready[f"tls_{key}" if scheme == "https" else key])
        return url._replace(netloc=f"{host}:{url.port}").geturl()

    def inputs(self, host):
        """The inputs that lead here."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "auth_base_url": self.url("auth_base_url", host),
            "mcp_url": self.url("mcp_url", host),
            "ca_bundle": self.ca_file.read_text(),
        }

    def stop(self):
        self.process.terminate()
        self.process.wait()


def declared_inputs():
    """The inputs of action.yml with their defaults: the runner passes every one of them, given or not.

    Read line by line, so that this needs nothing but Python; tools/ci/lint holds the file to this form.
    """
    block = re.search(r"^inputs:\n((?:(?: .*)?\n)+)", (ROOT / "action.yml").read_text(), re.MULTILINE)[1]
    found = {}
    for entry in re.split(r"^ {2}(?=\w+:$)", block, flags=re.MULTILINE)[1:]:
        name = entry.split(":", 1)[0]
        default = re.search(r"^ {4}default: *(.*?) *(?: # .*)?$", entry, re.MULTILINE)
        found[name] = default[1].strip("'\"") if default else ""
    return found


def read_file_command(text):
    """A file of `name=value` lines and heredocs, by the runner's rules."""
    found, lines = {}, text.split("\n")
    assert lines.pop() == "", "the last line has no end"
    while lines:
        line = lines.pop(0)
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and not 0 <= heredoc < equals:
            found[line[:equals]] = line[equals + 1 :]
            continue
        assert heredoc > 0, f"the runner would refuse this line: {line!r}"
        name, delimiter = line[:heredoc], line[heredoc + 2 :]
        end = lines.index(delimiter)
        found[name], lines = "\n".join(lines[:end]), lines[end + 1 :]
    return found


class Step:
    """One run of the action in a container, started with the words that the runner uses."""

    def __init__(self, image, inputs, *options, environment=None, runner_temp=True, owner=None):
        unknown = set(inputs) - set(declared_inputs())
        assert not unknown, f"action.yml has no input {sorted(unknown)}"
        self.image, self.given, self.options = image, set(inputs), options
        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        top = Path(self.home.name)
        # mkdtemp makes its folder for one user; the runner's temp folder is open to all.
        top.chmod(0o755)
        self.temp, self.workspace = top / "_temp", top / "work/repository/repository"
        self.folders = {
            "home": self.temp / "_github_home",
            "workflow": self.temp / "_github_workflow",
            "file_commands": self.temp / "_runner_file_commands",
            "workspace": self.workspace,
        }
        for folder in self.folders.values():
            folder.mkdir(parents=True)
        if runner_temp:  # the newer runners mount it, and it comes first
            self.folders = {"runner_temp": self.temp, **self.folders}
        (self.folders["workflow"] / "event.json").write_text("{}")
        self.environment = {f"INPUT_{name.upper()}": value for name, value in (declared_inputs() | inputs).items()}
        self.environment |= {
            "HOME": "/github/home",
            "GITHUB_ACTION": "port",
            "GITHUB_EVENT_NAME": "workflow_dispatch",
            "GITHUB_EVENT_PATH": "/github/workflow/event.json",
            "GITHUB_JOB": "test",
            "GITHUB_REPOSITORY": "octo/repository",
            "GITHUB_RUN_ID": "1",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_WORKSPACE": "/github/workspace",
            "RUNNER_ENVIRONMENT": "github-hosted",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": "/github/runner_temp",
            **(environment or {}),
        }
        self.owner = owner
        self.start()

    def start(self, entrypoint=None, state=()):
        """Starts the container; with what the step saved and its entrypoint, for the end of the job."""
        self.name = f"port_mcp_auth_{secrets.token_hex(3)}"
        run = secrets.token_hex(16)
        environment = self.environment | {f"STATE_{name}": value for name, value in dict(state).items()}
        self.files = {}
        for variable, prefix in {
            "GITHUB_OUTPUT": "set_output",
            "GITHUB_STEP_SUMMARY": "step_summary",
            "GITHUB_ENV": "set_env",
            "GITHUB_PATH": "add_path",
            "GITHUB_STATE": "save_state",
        }.items():
            self.files[variable] = self.folders["file_commands"] / f"{prefix}_{run}"
            self.files[variable].touch()
            environment[variable] = f"/github/file_commands/{prefix}_{run}"
        if self.owner is not None:
            top = Path(self.home.name)
            for path in [top, *(self.files.values() if entrypoint else top.rglob("*"))]:
                os.chown(path, self.owner, self.owner)
        words = ["docker", "run", "--name", self.name, "--label", "4b1e1f", "--workdir", "/github/workspace", "--rm"]
        for variable in environment:
            words += ["-e", variable]
        words += ["-e", "GITHUB_ACTIONS=true", "-e", "CI=true"]
        if entrypoint:
            words += ["--entrypoint", entrypoint]
        words += ["-v", f"{SOCKET}:/var/run/docker.sock"]
        for place, folder in self.folders.items():
            words += ["-v", f"{folder}:/github/{place}"]
        self.process = subprocess.Popen(
            [*words, *self.options, self.image],
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def end_of_job(self, as_act=False):
        """The clean-up that the runner starts when the job's other steps are through. act gives it no state and no defaults."""
        state = {} if as_act else read_file_command(self.files["GITHUB_STATE"].read_text())
        if as_act:
            given = {f"INPUT_{name.upper()}" for name in self.given}
            self.environment = {name: value for name, value in self.environment.items() if not name.startswith("INPUT_") or name in given}
        entrypoint = re.search(r"^ {2}post-entrypoint: *(\S+)$", (ROOT / "action.yml").read_text(), re.MULTILINE)[1]
        self.start(entrypoint, state)
        return self.finish()

    def finish(self):
        """Waits for the end; then `code`, `log`, `outputs` and `summary` are there."""
        try:
            log, _ = self.process.communicate(timeout=90)
        except subprocess.TimeoutExpired:
            docker("kill", self.name)
            raise
        self.log = log.decode()
        self.code = self.process.returncode
        outputs = self.files["GITHUB_OUTPUT"].read_text()
        self.outputs = read_file_command(outputs) if outputs else {}
        self.summary = self.files["GITHUB_STEP_SUMMARY"].read_text()
        return self

    def written(self):
        """The runner's files that are not empty."""
        return {name for name, path in self.files.items() if path.stat().st_size}

    def close(self):
        with contextlib.suppress(RuntimeError):
            if self.process.poll() is None:
                docker("kill", self.name)
                self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.home.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def interrupt(self, number=signal.SIGINT):
        """As the runner cancels: the signal goes to the docker command, which hands it to process 1."""
        os.killpg(self.process.pid, number)
