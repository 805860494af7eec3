"""What the harness has to know of a client: one file each in clients/, named as the action's input `client` names it."""

import importlib
import json
import pkgutil
from pathlib import Path

from agents import clients

PINS = Path(__file__).with_name("pins")
PROMPT = "Call the tool list_blueprints."


def pinned(name):
    """The packages that a pin asks for, each with its version, in their order."""
    if (file := PINS / name / "package.json").exists():
        return json.loads(file.read_text())["dependencies"]
    return dict(line.split("==") for line in (PINS / name / "requirements.in").read_text().split())


class Client:
    """A client. The subclasses say what is special."""

    program: str  # its program, below node_modules or below the virtual environment
    config: str  # where it reads its config: below `home/` or `work/`
    scripts = False  # whether its package needs its install scripts
    client = None  # the action's `client`, if it is not the file's name
    pin = None  # the folder below pins/, if it is not the file's name
    calls_tools = True  # whether it gets as far as a tool call without an account
    seconds = 60  # that a run may take
    sandbox_options: tuple[str, ...] = ()

    def __init__(self, name):
        self.name = name
        self.client = self.client or name
        self.pin = self.pin or name
        self.newest = None  # the version to run instead of the pinned one

    @property
    def version(self):
        """The version that runs: the pinned one of its own package, which is the first direct dependency, if no other was chosen."""
        return self.newest or next(iter(pinned(self.pin).values()))

    def takes(self, _variant):
        """Whether it is tried with a config that is handed over in this way."""
        return True

    def base_config(self, _run):
        """A config to add the server to, where the client has one file for all."""
        return ""

    def settings(self, _run):
        """Files that make it talk to the stand-in: path as for `config`, text."""
        return {}

    def environment(self, _run):
        """Variables of its own."""
        return {}

    def arguments(self, run):
        """Its arguments. Those that the action gave are in `run.given`."""
        raise NotImplementedError


def claude_environment(run):
    """What Claude Code needs to use the simulated model, and nothing else on the network."""
    return {
        "ANTHROPIC_BASE_URL": run.model,
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }


def load():
    """Every client by its name."""
    names = sorted(module.name for module in pkgutil.iter_modules(clients.__path__))
    found = {}
    for name in names:
        module = importlib.import_module(f"agents.clients.{name}")
        name = name.replace("_", "-")
        kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Client) and kind is not Client]
        found[name] = kinds[0](name)
    return found
