"""Goose. https://block.github.io/goose/docs/getting-started/using-extensions"""

from agents.client import PROMPT, Client
from agents.model import NAME


class Goose(Client):
    program = "@aaif/goose-binary-linux-x64/bin/goose"
    config = "home/.config/goose/config.yaml"

    def environment(self, run):
        return {
            "GOOSE_PROVIDER": "openai",
            "GOOSE_MODEL": NAME,
            "GOOSE_MODE": "auto",
            "GOOSE_DISABLE_KEYRING": "1",
            "GOOSE_TELEMETRY_ENABLED": "false",
            "OPENAI_API_KEY": "none",
            "OPENAI_HOST": run.model,
        }

    def arguments(self, run):
        return ["run", "--no-session", *run.given, "-t", PROMPT]
