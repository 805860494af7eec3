"""FastMCP's proxy in front of a server: fastmcp_proxy.py URL TOKEN PORT."""

import sys

from fastmcp.client.transports import StreamableHttpTransport
from fastmcp.server import create_proxy

url, token, port = sys.argv[1:]
upstream = StreamableHttpTransport(url, headers={"Authorization": f"Bearer {token}"})
create_proxy(upstream, name="proxy").run(transport="http", host="127.0.0.1", port=int(port), show_banner=False)
