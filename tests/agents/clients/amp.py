"""Amp, as far as it goes without an account: it lists the tools. https://ampcode.com/manual#mcp"""

from agents.client import Client


class Amp(Client):
    program = "@ampcode/cli-linux-x64/amp"
    config = "home/.config/amp/settings.json"  # one in the project has to be approved by hand
    calls_tools = False

    def environment(self, run):
        return {"AMP_API_KEY": "none", "AMP_URL": run.model}

    def arguments(self, run):
        return ["tools", "list", *run.given]
