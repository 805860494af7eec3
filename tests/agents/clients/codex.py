"""Codex. https://developers.openai.com/codex/mcp"""

from agents.client import PROMPT, Client
from agents.model import NAME


class Codex(Client):
    program = "@openai/codex/bin/codex.js"
    config = "home/.codex/config.toml"

    def environment(self, _run):
        return {"MODEL_KEY": "none"}

    def arguments(self, run):
        provider = f'{{name="{NAME}",base_url="{run.model}/v1",wire_api="responses",env_key="MODEL_KEY"}}'
        settings = {"model": f'"{NAME}"', "model_provider": f'"{NAME}"', f"model_providers.{NAME}": provider}
        flags = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return ["exec", "--skip-git-repo-check", "--json", *flags, *run.given, PROMPT]
