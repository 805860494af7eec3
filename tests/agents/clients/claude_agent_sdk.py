"""The Claude Agent SDK for Python. https://platform.claude.com/docs/en/agent-sdk/mcp"""

from agents.client import PROMPT, Client, claude_environment

SCRIPT = """\
import asyncio, sys
from claude_agent_sdk import ClaudeAgentOptions, query

async def main(config, allowed, prompt):
    options = ClaudeAgentOptions(mcp_servers=config, allowed_tools=allowed.split(","))
    async for message in query(prompt=prompt, options=options):
        print(message)

asyncio.run(main(*sys.argv[1:]))
"""


class ClaudeAgentSdk(Client):
    program = "bin/python"
    config = "home/port.json"

    def settings(self, _run):
        return {"home/ask.py": SCRIPT}

    def environment(self, run):
        return claude_environment(run)

    def arguments(self, run):
        return [run.home / "ask.py", run.config, run.outputs["allowed_tools"], PROMPT]
