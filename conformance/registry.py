"""What the action says of its clients: found by asking the built binary, so that nothing here has to be kept in step."""

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from conformance.run import VARIABLE, WANTED, Refused, Sandbox, Variant, act


@dataclass(frozen=True)
class Entry:
    """A client as the action knows it."""

    transports: tuple[str, ...]
    variable: bool  # whether its config can refer to a variable
    by_arguments: bool  # whether `client_args` hand over the config
    tools_in: tuple[str, ...]  # the outputs that `allowed_tools` narrows: `mcp_config`, `client_args`

    def variants(self):
        """The ways to hand over a config that are tried. The first of each transport is tried with a wrong token too."""
        kinds = (False, True) if self.variable else (False,)
        found = [Variant(transport, variable) for transport in self.transports for variable in kinds]
        if self.by_arguments:
            found += [Variant("http", variable, by_arguments=True) for variable in kinds]
            found += [Variant(transport, kinds[-1], by_arguments=True) for transport in self.transports if transport != "http"]
        return found


class Registry:
    """The action's clients."""

    def __init__(self, action, sandbox):
        self.action, self.program = action, sandbox
        with tempfile.TemporaryDirectory() as folder, Sandbox(sandbox, Path(folder)) as self.sandbox:
            self.folder = Path(folder)
            refused = self.ask(client="?")
            names = re.search(r"`client` `\?` is not one of ([\w, -]+)", refused)
            assert names, f"the action does not say which clients there are: {refused}"
            self.entries = {name: self.entry(name) for name in names[1].split(", ")}

    def ask(self, **inputs):
        """The outputs, or the text of the refusal."""
        try:
            return act(self.action, self.sandbox, self.folder, inputs)
        except Refused as refused:
            return str(refused)

    def entry(self, name):
        answers = {transport: self.ask(client=name, transport=transport) for transport in ("http", "mcp-remote")}
        good = {transport: outputs for transport, outputs in answers.items() if isinstance(outputs, dict)}
        assert good, f"{name}: {answers}"
        first = next(iter(good))
        variable = isinstance(self.ask(client=name, transport=first, token_env=VARIABLE), dict)
        all_tools = good[first]
        one_tool = self.ask(client=name, transport=first, allowed_tools=WANTED)
        narrowed = tuple(output for output in ("mcp_config", "client_args") if all_tools[output] != one_tool[output])
        return Entry(tuple(good), variable, all_tools["mcp_url"] in all_tools["client_args"], narrowed)
