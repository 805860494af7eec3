// A server written with the reference TypeScript SDK, for tests/interop/servers/test.
//
//     node server.mjs [--sessions] [--json] [--refuse]
//
// With --sessions it keeps sessions, with --json it answers without event streams, with --refuse it takes no token. Prints its
// port, and then a line for each request.

import { randomUUID } from 'node:crypto';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import express from 'express';

const options = new Set(process.argv.slice(2));
const PAGE = 2;
const tool = (name, annotations) => ({ name, description: name, inputSchema: { type: 'object' }, annotations });
const TOOLS = [
  tool('list_entities', { readOnlyHint: true }),
  tool('get_page', { readOnlyHint: true }),
  tool('run_action', { readOnlyHint: false }),
  tool('upsert_entity', { readOnlyHint: false }),
  tool('unmarked'),
];

function server() {
  const server = new Server({ name: 'typescript', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    const start = Number(params?.cursor ?? 0);
    const end = start + PAGE;
    return { tools: TOOLS.slice(start, end), nextCursor: end < TOOLS.length ? String(end) : undefined };
  });
  return server;
}

const sessions = new Map();

async function transportFor(request) {
  const known = sessions.get(request.headers['mcp-session-id']);
  if (known) return known;
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: options.has('--sessions') ? randomUUID : undefined,
    enableJsonResponse: options.has('--json'),
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id),
  });
  await server().connect(transport);
  return transport;
}

const app = express();
app.use(express.json(), (request, _, next) => {
  const { method, headers, body, socket } = request;
  const sent = { method, rpc: body?.method ?? null, session: 'mcp-session-id' in headers, authorization: headers.authorization };
  console.log(JSON.stringify({ ...sent, read_only: headers['x-read-only-mode'] ?? null, connection: socket.remotePort }));
  next();
});
const verifyAccessToken = (token) => {
  if (options.has('--refuse')) throw new InvalidTokenError('unknown token');
  return { token, clientId: 'any', scopes: [], expiresAt: Date.now() / 1000 + 60 };
};
app.use(requireBearerAuth({ verifier: { verifyAccessToken } }));
app.all('/mcp', async (request, response) => (await transportFor(request)).handleRequest(request, response, request.body));
const listener = app.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: listener.address().port })));
