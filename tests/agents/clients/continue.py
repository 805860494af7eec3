"""Continue. https://docs.continue.dev/customize/deep-dives/mcp"""

from agents.client import PROMPT, Client
from agents.model import NAME


class Continue(Client):
    program = "@continuedev/cli/dist/cn.js"
    config = "work/config.yaml"

    def base_config(self, run):
        return f"""\
name: conformance
version: 1.0.0
schema: v1
models:
  - name: {NAME}
    provider: openai
    model: {NAME}
    apiKey: none
    apiBase: {run.model}/v1
    roles: [chat]
    capabilities: [tool_use]
"""

    def environment(self, _run):
        return {"CONTINUE_TELEMETRY_ENABLED": "0"}

    def arguments(self, run):
        return ["--config", str(run.config), *run.given, "-p", PROMPT]
