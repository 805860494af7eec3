// A server written with the second TypeScript SDK, for tests/interop/servers/test. It speaks only the newest protocol, in which
// there is neither `initialize` nor a session.
//
//     node newest.mjs [--sse]
//
// With --sse it answers with event streams. Prints its port, and then a line for each request.

import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

const TOOLS = { list_entities: true, get_page: true, run_action: false, upsert_entity: false, unmarked: undefined };

function server() {
  const server = new McpServer({ name: 'newest', version: '1' });
  for (const [name, readOnlyHint] of Object.entries(TOOLS)) {
    const annotations = readOnlyHint === undefined ? undefined : { readOnlyHint };
    server.registerTool(name, { description: name, inputSchema: z.object({}), annotations }, () => ({ content: [] }));
  }
  return server;
}

const responseMode = process.argv.includes('--sse') ? 'sse' : 'auto';
const handle = toNodeHandler(createMcpHandler(server, { legacy: 'reject', responseMode }));
const listener = createServer(async (request, response) => {
  const { method, headers, socket } = request;
  let body = '';
  for await (const chunk of request) body += chunk;
  const sent = body ? JSON.parse(body) : null;
  const line = { method, rpc: sent?.method ?? null, session: 'mcp-session-id' in headers, authorization: headers.authorization };
  console.log(JSON.stringify({ ...line, read_only: headers['x-read-only-mode'] ?? null, connection: socket.remotePort }));
  handle(request, response, sent);
});
listener.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: listener.address().port })));
