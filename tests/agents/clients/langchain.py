"""LangChain's MCP adapters. https://docs.langchain.com/oss/python/langchain/mcp"""

from agents.client import PROMPT, Client
from agents.model import NAME

SCRIPT = """\
import asyncio, json, pathlib, sys
from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient

async def main(config, allowed, model, prompt):
    client = MultiServerMCPClient(json.loads(pathlib.Path(config).read_text()))
    tools = [tool for tool in await client.get_tools() if tool.name in allowed.split(",")]
    answer = await create_agent(f"openai:{model}", tools).ainvoke({"messages": prompt})
    print(answer["messages"][-1].text)

asyncio.run(main(*sys.argv[1:]))
"""


class LangChain(Client):
    program = "bin/python"
    config = "home/port.json"

    def settings(self, _run):
        return {"home/ask.py": SCRIPT}

    def environment(self, run):
        return {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{run.model}/v1"}

    def arguments(self, run):
        return [run.home / "ask.py", run.config, run.outputs["allowed_tools"], NAME, PROMPT]
