"""Claude Code. https://code.claude.com/docs/en/mcp"""

from agents.client import PROMPT, Client


class ClaudeCode(Client):
    program = "@anthropic-ai/claude-code-linux-x64/claude"
    config = "work/.mcp.json"

    def environment(self, run):
        return {
            "ANTHROPIC_BASE_URL": run.model,
            "ANTHROPIC_API_KEY": "none",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }

    def arguments(self, run):
        given = run.given or ["--allowedTools", run.outputs["allowed_tools"]]
        return ["-p", PROMPT, "--output-format", "stream-json", "--verbose", *given]
