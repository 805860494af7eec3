"""Copilot CLI, as a reader of the client `generic`. https://docs.github.com/en/copilot/how-tos/use-copilot-agents/use-copilot-cli"""

from agents.clients import copilot_cli


class GenericCopilotCli(copilot_cli.CopilotCli):
    client, pin = "generic", "copilot-cli"

    def takes(self, variant):
        """Over the bridge it would replace the variable in the arguments."""
        return variant.transport == "http"

    def arguments(self, run):
        run.given = ["--allow-tool", "port-prod"]
        return super().arguments(run)
