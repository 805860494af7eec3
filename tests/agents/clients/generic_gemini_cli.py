"""Gemini CLI, as a reader of the client `generic`. https://geminicli.com/docs/tools/mcp-server/"""

from agents.clients import gemini_cli


class GenericGeminiCli(gemini_cli.GeminiCli):
    client, pin = "generic", "gemini-cli"

    def arguments(self, run):
        run.given = ["--approval-mode", "yolo"]
        return super().arguments(run)
