"""The same as sdk.mjs, with the reference Python SDK as it is by default, which asks for `server/discover` first."""

import asyncio
import contextlib
import json
import logging
import sys

from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

PATIENCE = 6  # seconds for one request
LONGEST = 20  # seconds for one shape
AT_ONCE = 6
MOST_PAGES = 5


def short(error):
    """An error in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    lines = str(error).splitlines()
    text = " ".join(line.strip() for line in lines if not line.strip().startswith("For further information"))
    return f"{type(error).__name__}: {text}"[:200]


async def listed(client):
    """The names of all tools."""
    names, cursor = [], None
    for _ in range(MOST_PAGES):
        result = await client.list_tools(cursor=cursor)
        names += [tool.name for tool in result.tools]
        cursor = result.next_cursor
        if not cursor:
            return names
    return [*names, "…"]


async def one(url, result):
    """Puts what comes of a shape into the result."""
    step = "connect"
    try:
        async with create_mcp_http_client(headers={"Authorization": "Bearer any"}) as http:
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, read_timeout_seconds=PATIENCE) as client:
                step = "tools/list"
                result["tools"] = await listed(client)
                step = "tools/call"
                try:
                    await client.call_tool("good_one", {})
                    result["called"] = True
                except Exception as error:
                    result["called"] = short(error)
    except Exception as error:
        # What fails at the end of a connection doesn't matter.
        if "tools" not in result:
            result["error"] = f"{step}: {short(error)}"


async def limited(url):
    result = {}
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(one(url, result), LONGEST)
    return result or {"error": f"nothing within {LONGEST} s"}


async def main():
    """All shapes that come on standard input."""
    logging.disable()
    waiting = [json.loads(line) for line in sys.stdin]

    async def worker():
        while waiting:
            shape = waiting.pop(0)
            print(json.dumps({"shape": shape["shape"], **await limited(shape["url"])}), flush=True)

    await asyncio.gather(*[worker() for _ in range(AT_ONCE)])


asyncio.run(main())
