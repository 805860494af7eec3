"""Cline. https://docs.cline.bot/mcp/mcp-overview"""

import json

from agents.client import PROMPT, Client
from agents.model import NAME


class Cline(Client):
    program = "@cline/cli-linux-x64/bin/cline"
    seconds = 90
    config = "home/.cline/data/settings/cline_mcp_settings.json"

    def settings(self, run):
        chosen = {"provider": "openai-compatible", "apiKey": "none", "model": NAME, "baseUrl": f"{run.model}/v1"}
        provider = {"settings": chosen, "updatedAt": "2026-01-01T00:00:00.000Z", "tokenSource": "manual"}
        settings = {"version": 1, "lastUsedProvider": "openai-compatible", "modes": {}, "providers": {"openai-compatible": provider}}
        return {"home/.cline/data/settings/providers.json": json.dumps(settings)}

    def environment(self, _run):
        return {"CLINE_TELEMETRY_DISABLED": "1"}

    def arguments(self, run):
        return ["--json", *run.given, PROMPT]
