"""The programs that are compared, each doing the same exchange: what starts them, and what has to be there first."""

import os
import re
import shutil
import sysconfig
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from harness import ROOT, declared_inputs

from bench.packages import PYTHON, bundle, files_of_python, node, python
from bench.sizes import Files, libraries

FILES = ("GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
STEP = re.compile(r"^```diff\n(.*?access_token.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Program:
    """One that is measured."""

    label: str
    words: list  # that start it
    agent: str = ""  # what its requests begin their user agent with
    needs: Files = field(default_factory=Files)  # what has to be downloaded before it can run
    contents: str = ""  # what that is
    environment: dict = field(default_factory=dict)  # variables of its own


def python_files(program):
    """The interpreter, its library without tests, and the packages without those that install packages."""
    library = Path(sysconfig.get_path("stdlib"))
    left_out = {"__pycache__", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tests", "tkinter", "turtledemo"}
    files = Files([program.resolve(), *libraries(program)])
    files.add_folder(library, lambda part: part in left_out or part.startswith("config-"))
    files.paths |= files_of_python(program.parents[1]).paths
    return files


def guide_step(inputs, folder):
    """The script of Port's guide as the README quotes it, with the values put in as the runner does it."""
    [change] = STEP.findall((ROOT / "README.md").read_text())
    removed = [line[1:] for line in change.splitlines() if line.startswith("-")]
    assert removed[0].strip() == "run: |", removed[0]
    script = textwrap.dedent("\n".join(removed[1:])) + "\n"
    values = {
        "env.PORT_AUTH_BASE_URL": inputs["auth_base_url"],
        "secrets.PORT_CLIENT_ID": inputs["client_id"],
        "secrets.PORT_CLIENT_SECRET": inputs["client_secret"],
    }
    script = re.sub(r"\$\{\{ *([\w.]+) *\}\}", lambda found: values[found[1]], script)
    path = Path(folder) / "guide.sh"
    path.write_text(script)
    return path


def executable(name):
    """A program of this machine."""
    found = shutil.which(name)
    assert found, f"{name} is not installed"
    return Path(found).resolve()


def programs(action, native, inputs, ca_file, folder):
    """All of them; the action comes first."""
    bash, curl, jq = (executable(name) for name in ("bash", "curl", "jq"))
    step, script = node(), bundle("exchange", folder)
    interpreter = python()
    bare = Path(native["bare"])
    return [
        Program("this action", [action], "port-mcp-auth/", Files([action]), "the binary, which is the whole image"),
        Program("`hyper` + `rustls`, bare", [bare], "bare/", Files([bare]), "the binary; one output, no checks"),
        Program(
            "guide: `bash`, `curl`, `jq`",
            [bash, "-e", guide_step(inputs, folder)],
            "curl/",
            Files([program for name in (bash, curl, jq) for program in (name, *libraries(name))]),
            "the three programs and the libraries that they load",
            {"CURL_CA_BUNDLE": str(ca_file)},
        ),
        Program(
            "Node, `@actions/core`, `fetch`",
            [step, script],
            "node",
            Files([step, script, *libraries(step)]),
            "Node, the libraries that it loads, and the step in one file",
            {"NODE_EXTRA_CA_CERTS": str(ca_file)},
        ),
        Program(
            "Python, `requests`",
            [interpreter, PYTHON / "exchange.py"],
            "python-requests/",
            python_files(interpreter),
            "Python with its standard library, `requests` and what it needs",
            {"REQUESTS_CA_BUNDLE": str(ca_file)},
        ),
        Program("an empty program", [Path(native["empty"])], needs=Files([Path(native["empty"])]), contents="the binary"),
    ]


def environment(inputs, folder):
    """What the runner hands to a step."""
    given = {f"INPUT_{name.upper()}": value for name, value in (declared_inputs() | inputs).items()}
    places = {"HOME": str(folder), "PATH": os.environ["PATH"], "RUNNER_TEMP": str(folder), "GITHUB_WORKSPACE": str(folder)}
    return places | {"CI": "true", "GITHUB_ACTIONS": "true"} | {name: str(Path(folder) / name) for name in FILES} | given


def empty(environment):
    """Makes the runner's files anew."""
    for name in FILES:
        Path(environment[name]).write_text("")
