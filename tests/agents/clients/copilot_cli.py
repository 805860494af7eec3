"""Copilot CLI. https://docs.github.com/en/copilot/how-tos/use-copilot-agents/use-copilot-cli"""

from agents.client import PROMPT, Client
from agents.model import NAME


class CopilotCli(Client):
    program = "@github/copilot/npm-loader.js"
    config = "home/.copilot/mcp-config.json"

    def environment(self, run):
        return {
            "COPILOT_OFFLINE": "true",
            "COPILOT_AUTO_UPDATE": "false",
            "COPILOT_PROVIDER_BASE_URL": f"{run.model}/v1",
            "COPILOT_MODEL": NAME,
        }

    def arguments(self, run):
        return ["-p", PROMPT, "--output-format", "json", "--disable-builtin-mcps", *run.given]
