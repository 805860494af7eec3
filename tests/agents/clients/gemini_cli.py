"""Gemini CLI. https://geminicli.com/docs/tools/mcp-server/"""

import json

from agents.client import PROMPT, Client


class GeminiCli(Client):
    program = "@google/gemini-cli/bundle/gemini.js"
    config = "work/.gemini/settings.json"
    # It takes the empty event, with which the sandbox's SDK opens a stream, for an error. Without sessions there are none.
    sandbox_options = ("--stateless",)

    def settings(self, _run):
        chosen = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}
        return {"home/.gemini/settings.json": json.dumps(chosen)}

    def environment(self, run):
        return {
            "GEMINI_API_KEY": "none",
            "GOOGLE_GEMINI_BASE_URL": run.model,
            "GEMINI_CLI_TRUST_WORKSPACE": "true",
        }

    def arguments(self, run):
        return ["-m", "gemini-2.5-flash", "-p", PROMPT, "--output-format", "stream-json", *run.given]
