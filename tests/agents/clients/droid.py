"""Droid. https://docs.factory.ai/cli/configuration/mcp"""

import json

from agents.client import PROMPT, Client
from agents.model import NAME


class Droid(Client):
    program = "@factory/cli-linux-x64/bin/droid"
    seconds = 90
    config = "work/.factory/mcp.json"

    def settings(self, run):
        model = {
            "model": NAME,
            "id": f"custom:{NAME}",
            "displayName": NAME,
            "baseUrl": f"{run.model}/v1",
            "apiKey": "none",
            "provider": "generic-chat-completion-api",
            "maxOutputTokens": 1000,
        }
        return {"home/.factory/settings.json": json.dumps({"customModels": [model], "model": model["id"]})}

    def environment(self, _run):
        return {"FACTORY_API_KEY": "none", "DROID_DISABLE_AUTO_UPDATE": "1"}

    def arguments(self, run):
        return ["exec", "-m", f"custom:{NAME}", "--output-format", "json", *run.given, PROMPT]
