"""OpenClaw. https://docs.openclaw.ai/cli/mcp"""

import json

from agents.client import PROMPT, Client
from agents.model import NAME


class OpenClaw(Client):
    program = "openclaw/openclaw.mjs"
    config = "home/openclaw.json"  # its models are in the same file
    seconds = 120

    def base_config(self, run):
        model = {"id": NAME, "name": NAME, "reasoning": False, "input": ["text"], "contextWindow": 100000, "maxTokens": 4096}
        provider = {"baseUrl": f"{run.model}/v1", "apiKey": "none", "api": "openai-completions", "models": [model]}
        defaults = {"model": {"primary": f"{NAME}/{NAME}"}}
        return json.dumps({"agents": {"defaults": defaults}, "models": {"mode": "replace", "providers": {NAME: provider}}})

    def arguments(self, run):
        return ["agent", "exec", PROMPT, "--config", run.config, *run.given]
