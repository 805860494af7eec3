"""Claude Code. https://code.claude.com/docs/en/mcp"""

from agents.client import PROMPT, Client, claude_environment


class ClaudeCode(Client):
    program = "@anthropic-ai/claude-code-linux-x64/claude"
    config = "work/.mcp.json"

    def environment(self, run):
        return claude_environment(run)

    def arguments(self, run):
        given = run.given if run.given or not run.outputs else ["--allowedTools", run.outputs["allowed_tools"]]
        return ["-p", PROMPT, "--output-format", "stream-json", "--verbose", *given]
