"""Grok. Its documentation comes with it, in ~/.grok/docs."""

from agents.client import PROMPT, Client
from agents.model import NAME


class Grok(Client):
    program = "@xai-official/grok/bin/grok"
    scripts = True  # one unpacks its binary
    config = "home/.grok/config.toml"

    def base_config(self, run):
        return f"""\
[models]
default = "{NAME}"

[model.{NAME}]
model = "{NAME}"
base_url = "{run.model}/v1"
api_key = "none"
"""

    def environment(self, _run):
        return {"XAI_API_KEY": "none"}

    def arguments(self, run):
        return ["-p", PROMPT, "--output-format", "json", *run.given]
