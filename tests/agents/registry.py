"""What the action says of its clients: found by asking it, so that nothing here has to be kept in step."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from agents.run import VARIABLE, WANTED, Refused, Sandbox, Variant, act

TRANSPORTS = ("http", "mcp-remote")


@dataclass(frozen=True)
class Entry:
    """A client as the action knows it."""

    variants: tuple[Variant, ...]  # the ways to hand over a config
    tools_in: tuple[str, ...]  # the outputs that `allowed_tools` narrows: `mcp_config`, `client_args`

    def transports(self, variable=False):
        """Those it has, or those with which the config can name a variable."""
        return list(dict.fromkeys(variant.transport for variant in self.variants if variant.variable or not variable))


def entries(action, program, names):
    """What the action does for each of the clients."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(program, Path(folder)) as sandbox:

        def ask(**inputs):
            try:
                return act(action, sandbox, Path(folder), inputs)
            except Refused:
                return None

        return {name: entry(ask, name) for name in names}


def entry(ask, name):
    """What the action does for one of them."""
    variants = []
    for transport in TRANSPORTS:
        for variable in (False, True):
            outputs = ask(client=name, transport=transport, token_env=VARIABLE if variable else "")
            if outputs is None:
                continue
            variants.append(Variant(transport, variable))
            if outputs["mcp_url"] in outputs["client_args"]:
                variants.append(Variant(transport, variable, by_arguments=True))
    assert variants, f"the action has no config for {name}"
    some = {"client": name, "transport": variants[0].transport}
    everything, one_tool = ask(**some), ask(**some, allowed_tools=WANTED)
    narrowed = tuple(output for output in ("mcp_config", "client_args") if everything[output] != one_tool[output])
    return Entry(tuple(variants), narrowed)
