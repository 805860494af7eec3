"""Servers written with the Python SDK (`mcp`) and with `fastmcp`, for tests/interop/servers/test.

    python server.py mcp|fastmcp [--sessions] [--json]

With --sessions it keeps sessions, with --json it answers without event streams. Prints its port, and then a line for each request.
"""

import json
import socket
import sys

import uvicorn

PAGE = 2
TOOLS = {
    "list_entities": {"readOnlyHint": True},
    "get_page": {"readOnlyHint": True},
    "run_action": {"readOnlyHint": False},
    "upsert_entity": {"readOnlyHint": False},
    "unmarked": None,
}


def do_nothing() -> str:
    """Does nothing."""
    return ""


def with_mcp(sessions, answers_json):
    """The application of the official SDK. It lists all tools on one page."""
    from mcp.server.mcpserver import MCPServer
    from mcp.types import ToolAnnotations

    server = MCPServer("python", log_level="ERROR")
    for name, hints in TOOLS.items():
        server.tool(name=name, annotations=hints and ToolAnnotations.model_validate(hints))(do_nothing)
    return server.streamable_http_app(json_response=answers_json, stateless_http=not sessions)


def with_fastmcp(sessions, answers_json):
    """The application of the framework on top of it."""
    from fastmcp import FastMCP

    server = FastMCP("fastmcp", list_page_size=PAGE)
    for name, hints in TOOLS.items():
        server.tool(do_nothing, name=name, annotations=hints)
    return server.http_app(json_response=answers_json, stateless_http=not sessions)


def observed(app):
    """Prints a line for each request, with its body read and handed on."""

    async def observe(scope, receive, send):
        if scope["type"] != "http":
            return await app(scope, receive, send)
        messages, body = [], b""
        while True:
            message = await receive()
            messages.append(message)
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        line = {
            "method": scope["method"],
            "rpc": json.loads(body).get("method") if body else None,
            "session": "mcp-session-id" in headers,
            "authorization": headers.get("authorization"),
            "read_only": headers.get("x-read-only-mode"),
            "connection": scope["client"][1],
        }
        print(json.dumps(line), flush=True)
        replay = iter(messages)

        async def again():
            return next(replay, None) or await receive()

        return await app(scope, again, send)

    return observe


def main():
    """Serves until it is ended."""
    kind, *options = sys.argv[1:]
    app = {"mcp": with_mcp, "fastmcp": with_fastmcp}[kind]("--sessions" in options, "--json" in options)
    listener = socket.create_server(("127.0.0.1", 0))
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    uvicorn.Server(uvicorn.Config(observed(app), log_level="error")).run(sockets=[listener])


main()
