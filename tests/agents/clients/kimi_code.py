"""Kimi Code. https://moonshotai.github.io/kimi-code/en/customization/mcp.html"""

from agents.client import PROMPT, Client
from agents.model import NAME


class KimiCode(Client):
    program = "@moonshot-ai/kimi-code/dist/main.mjs"
    config = "home/.kimi-code/mcp.json"  # one in the project is read in trusted folders only

    def settings(self, run):
        text = f"""\
default_model = "{NAME}"
telemetry = false

[providers.{NAME}]
type = "openai"
base_url = "{run.model}/v1"
api_key = "none"

[models.{NAME}]
provider = "{NAME}"
model = "{NAME}"
max_context_size = 100000
"""
        return {"home/.kimi-code/config.toml": text}

    def arguments(self, run):
        return ["-p", PROMPT, "--output-format", "stream-json", *run.given]
