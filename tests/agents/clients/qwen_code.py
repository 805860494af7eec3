"""Qwen Code. https://qwenlm.github.io/qwen-code-docs/en/users/features/mcp/"""

from agents.client import PROMPT, Client
from agents.model import NAME


class QwenCode(Client):
    program = "@qwen-code/qwen-code/cli-entry.js"
    config = "home/.qwen/settings.json"  # one in the project has to be approved by hand

    def environment(self, run):
        return {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{run.model}/v1", "OPENAI_MODEL": NAME}

    def arguments(self, run):
        return ["--auth-type", "openai", "-p", PROMPT, "--output-format", "stream-json", *run.given]
