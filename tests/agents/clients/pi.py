"""Pi. https://pi.dev/docs/mcp"""

import json

from agents.client import PROMPT, Client
from agents.model import NAME


class Pi(Client):
    program = "@earendil-works/pi-coding-agent/dist/bundle/cli.js"
    config = "home/.pi/agent/mcp.json"

    def settings(self, run):
        provider = {"baseUrl": f"{run.model}/v1", "api": "openai-completions", "apiKey": "none", "models": [{"id": NAME}]}
        return {"home/.pi/agent/models.json": json.dumps({"providers": {NAME: provider}})}

    def environment(self, _run):
        return {"PI_OFFLINE": "1", "PI_TELEMETRY": "0"}

    def arguments(self, run):
        return ["-p", "--provider", NAME, "--model", NAME, *run.given, PROMPT]
