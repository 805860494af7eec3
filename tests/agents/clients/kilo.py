"""Kilo. https://kilo.ai/docs/automate/mcp/using-in-cli"""

from agents.client import PROMPT, Client
from agents.clients.opencode import provider


class Kilo(Client):
    program = "@kilocode/cli-linux-x64/bin/kilo"
    seconds = 120
    config = "home/.config/kilo/kilo.json"  # variables in a project's file are not replaced

    def settings(self, run):
        return {"work/kilo.json": provider(run)}

    def environment(self, _run):
        return {"KILO_DISABLE_AUTOUPDATE": "1", "KILO_DISABLE_MODELS_FETCH": "1", "KILO_TELEMETRY_LEVEL": "off"}

    def arguments(self, run):
        return ["run", *run.given, PROMPT]
