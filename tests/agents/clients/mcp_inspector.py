"""MCP Inspector, as a reader of the client `generic`. https://github.com/modelcontextprotocol/inspector"""

from agents.client import Client


class McpInspector(Client):
    program = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
    config = "work/mcp.json"
    client = "generic"

    def takes(self, variant):
        """It replaces no variables."""
        return not variant.variable

    def environment(self, _run):
        return {"MCP_INSPECTOR_SECRET_STORE": "memory"}

    def arguments(self, run):
        server = ["--cli", "--config", str(run.config), "--server", "port-prod"]
        return [*server, "--method", "tools/call", "--tool-name", "list_blueprints"]
