"""Claude Code, as a reader of the client `generic`. https://code.claude.com/docs/en/mcp"""

from agents.clients import claude_code


class GenericClaudeCode(claude_code.ClaudeCode):
    client, pin = "generic", "claude-code"

    def arguments(self, run):
        run.given = ["--allowedTools", "mcp__port-prod"]
        return super().arguments(run)
