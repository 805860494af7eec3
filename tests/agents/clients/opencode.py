"""opencode. https://opencode.ai/docs/mcp-servers/"""

import json

from agents.client import PROMPT, Client
from agents.model import NAME


def provider(run):
    """The stand-in as opencode's model; its fork Kilo takes the same."""
    stand_in = {
        "npm": "@ai-sdk/openai-compatible",
        "name": NAME,
        "options": {"baseURL": f"{run.model}/v1", "apiKey": "none"},
        "models": {NAME: {"name": NAME, "tool_call": True}},
    }
    model = f"{NAME}/{NAME}"
    return json.dumps({"provider": {NAME: stand_in}, "model": model, "small_model": model, "autoupdate": False, "share": "disabled"})


class Opencode(Client):
    program = "opencode-linux-x64/bin/opencode"
    seconds = 90
    config = "work/opencode.json"

    def settings(self, run):
        return {"home/.config/opencode/opencode.json": provider(run)}

    def environment(self, _run):
        return {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_LSP_DOWNLOAD": "1"}

    def arguments(self, run):
        return ["run", *run.given, PROMPT]
