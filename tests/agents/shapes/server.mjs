// An MCP server over streamable HTTP, on loopback, that answers in the shape that the path names:
//
//     node server.mjs [port]
//
// http://127.0.0.1:PORT/<shape>/v1 is the server of a shape. The shapes are in shapes.mjs. Any bearer is good. It prints its
// port, and then a line for each request: shape, HTTP method, JSON-RPC method, status, and what was called.

import { createServer } from 'node:http';
import { good, RpcError, SHAPES } from './shapes.mjs';

const NEWEST = '2026-07-28';
const VERSIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const SERVER = { name: 'shapes', version: '1' };
const CAPABILITIES = { tools: { listChanged: false } };

/** The server on two ports, the second for redirects to another origin; `seen` is told of each request. */
export async function start(seen = () => {}, port = 0) {
  const states = new Map();
  const listeners = [port, 0].map((wanted) => {
    const listener = createServer((request, response) => serve(request, response).catch((error) => response.destroy(error)));
    listener.keepAliveTimeout = 60_000;
    return new Promise((done) => listener.listen(wanted, '127.0.0.1', () => done(listener)));
  });
  const [main, other] = await Promise.all(listeners);
  const origin = ({ address }) => `http://127.0.0.1:${address().port}`;
  const origins = [main, other].map((listener) => origin({ address: () => listener.address() }));

  async function serve(request, response) {
    let text = '';
    for await (const chunk of request) text += chunk;
    const path = request.url.split('?')[0];
    const name = path.split('/')[1];
    const shape = SHAPES.get(name);
    if (!states.has(name)) states.set(name, { sessions: 0, lost: new Set(), counts: {}, pongs: new Map(), first: {} });
    const context = new Context(shape, states.get(name), request, response, text, path);
    context.origin = `http://${request.headers.host}`;
    context.otherOrigin = origins[1];
    response.on('close', () => seen(context.line(name)));
    if (shape === undefined || !/^\/[^/]+\/(v1|messages)\/?$/.test(path)) return context.reply(404, '');
    await context.answer();
  }

  return {
    origin: origins[0],
    stop: () => [main, other].forEach((listener) => [listener.closeAllConnections(), listener.close()]),
  };
}

class Context {
  constructor(shape, state, request, response, text, path) {
    Object.assign(this, { shape, state, request, response, path });
    try {
      this.message = text ? JSON.parse(text) : undefined;
    } catch {
      this.message = undefined;
    }
    this.rpc = this.message?.method;
    this.reply = this.reply.bind(this);
    this.destroy = this.destroy.bind(this);
    this.hang = this.hang.bind(this);
  }

  line(shape) {
    const { request, rpc, message, path, response, called } = this;
    const line = { shape, http: request.method, rpc, status: response.headersSent ? response.statusCode : 0 };
    if (message && rpc === undefined) line.answers = message.id;
    if (called !== undefined) line.called = called;
    if (request.headers['last-event-id'] !== undefined) line.lastEventId = request.headers['last-event-id'];
    if (!path.endsWith('/v1')) line.path = path;
    return line;
  }

  /** Whether this is the first request of the method. */
  first(method) {
    this.state.counts[method] = (this.state.counts[method] ?? 0) + 1;
    return this.state.counts[method] === 1;
  }

  reply(status, body, headers = {}) {
    this.response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
    this.response.end(body);
    return true;
  }

  destroy() {
    this.request.socket.destroy();
    return true;
  }

  hang() {
    return true;
  }

  async answer() {
    const { shape, request, reply } = this;
    if (!/^Bearer .+/.test(request.headers.authorization ?? '')) {
      return reply(401, '', { 'www-authenticate': 'Bearer error="invalid_token", error_description="No token"' });
    }
    if (shape.oldTransport) return this.oldTransport();
    if (await shape.handle?.(this)) return true;
    if (shape.session && !this.inSession()) return true;
    if (request.method === 'GET') return this.get();
    if (request.method === 'DELETE')
      return shape.end === 'hang' ? this.hang() : reply(shape.end ?? (shape.session ? 200 : 405), '');
    if (request.method !== 'POST') return reply(405, '');
    return this.post();
  }

  /** Keeps sessions; false where it has refused one. */
  inSession() {
    const { shape, state, request, rpc, message } = this;
    if (rpc === 'initialize') {
      state.sessions += 1;
      this.session =
        typeof shape.session === 'string' && shape.session !== 'changes' ? shape.session : `session-${state.sessions}`;
      return true;
    }
    const session = request.headers['mcp-session-id'];
    const refused = (status, text = '') => this.reply(status, text, text && { 'content-type': 'application/json' }) && false;
    if (session === undefined) return refused(400);
    if (rpc === 'tools/list' && (shape.lost === 'every' || (shape.lost === 'first' && session === 'session-1')))
      state.lost.add(session);
    if (state.lost.has(session)) {
      const error = { code: -32001, message: 'Session not found' };
      return refused(
        shape.lostStatus ?? 404,
        shape.lostBody ? JSON.stringify({ jsonrpc: '2.0', id: message?.id ?? null, error }) : '',
      );
    }
    if (shape.session === 'changes') this.session = `${session}x`;
    return true;
  }

  get() {
    const { shape, state, request } = this;
    if (shape.resume && request.headers['last-event-id'] === 'e1' && state.pending) {
      const message = state.pending;
      return this.reply(200, `id: e2\nevent: message\ndata: ${JSON.stringify(message)}\n\n`, {
        'content-type': 'text/event-stream',
      });
    }
    if (shape.get === 'hang') return this.hang();
    if (shape.get === 'stream' || shape.resume) {
      this.response.writeHead(200, { 'content-type': 'text/event-stream' });
      this.response.write(': open\n\n');
      return true;
    }
    return this.reply(shape.get ?? 405, '');
  }

  async post() {
    const { message, shape, state } = this;
    if (message?.id === undefined || message.method === undefined) {
      if (message?.method === undefined && message?.id !== undefined) state.pongs.get(String(message.id))?.();
      return this.reply(202, '');
    }
    const newest = 'newest' in shape && (await this.newest());
    if (newest) {
      const [status, answer] = newest;
      return this.reply(status, JSON.stringify(answer), { 'content-type': 'application/json' });
    }
    const applies = shape.only === undefined || shape.only.includes(this.rpc);
    const change = (part, value) => (applies && shape[part] ? shape[part](value, message) : value);
    return this.send(change('message', this.correct()), applies ? shape : {});
  }

  /** A correct answer, but for what the shape changes in the result. */
  correct() {
    const { message, shape } = this;
    const params = message.params ?? {};
    const fail = (code, text) => ({ jsonrpc: '2.0', id: message.id, error: { code, message: text } });
    const succeed = (result) =>
      result instanceof RpcError ? { jsonrpc: '2.0', id: message.id, ...result } : { jsonrpc: '2.0', id: message.id, result };
    switch (message.method) {
      case 'initialize': {
        const version = VERSIONS.includes(params.protocolVersion) ? params.protocolVersion : '2025-11-25';
        const result = { protocolVersion: version, capabilities: CAPABILITIES, serverInfo: SERVER };
        return succeed(shape.initialize ? shape.initialize(result) : result);
      }
      case 'tools/list': {
        const tools = [good('good_one'), good('good_two')];
        const result = { tools: shape.tools ? shape.tools(tools) : tools };
        return succeed(shape.list ? shape.list(result, params) : result);
      }
      case 'tools/call':
        this.called = params.name;
        return succeed({ content: [{ type: 'text', text: `This is ${params.name}.` }] });
      case 'ping':
        return succeed({});
      default:
        return fail(-32601, 'Method not found');
    }
  }

  /** The status and the answer in revision 2026-07-28; undefined where a shape speaks the others too. */
  newest() {
    const { message, shape } = this;
    const version = message.params?._meta?.[VERSION_KEY];
    if (version !== NEWEST) return shape.both ? undefined : shape.newest(message);
    const _meta = { 'io.modelcontextprotocol/serverInfo': SERVER };
    const whole = { resultType: 'complete', _meta };
    const kept = { ...whole, ttlMs: 0, cacheScope: 'private' };
    const unchanged = (result) => result;
    const results = {
      'server/discover': () =>
        (shape.discover ?? unchanged)({ supportedVersions: [NEWEST], capabilities: CAPABILITIES, ...kept }),
      'tools/list': () =>
        (shape.list ?? unchanged)({ tools: (shape.tools ?? unchanged)([good('good_one'), good('good_two')]), ...kept }),
      'tools/call': () => ({ ...this.correct().result, ...whole }),
    };
    const result = results[message.method]?.();
    if (result) return [200, { jsonrpc: '2.0', id: message.id, result }];
    return [404, { jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'Method not found' } }];
  }

  /** The message in the shape's way. */
  async send(message, shape) {
    const { response, session } = this;
    const status = shape.status ?? 200;
    const headers = { 'content-type': shape.events ? 'text/event-stream' : 'application/json', ...shape.headers };
    if (session) headers['mcp-session-id'] = session;
    for (const [name, value] of Object.entries(headers)) if (value === undefined) delete headers[name];
    if (shape.events) return this.stream(message, shape, status, headers);
    let body = Buffer.from(JSON.stringify(message));
    if (shape.text) body = Buffer.from(shape.text(body.toString()));
    if (status === 204 || status === 205) body = Buffer.alloc(0);
    if (shape.chunked) {
      response.writeHead(status, headers);
      return this.pieces(body, 7);
    }
    if (shape.noLength) {
      response.removeHeader('transfer-encoding');
      response.writeHead(status, { ...headers, connection: 'close' });
      response.write(body);
      return response.end();
    }
    if (shape.extraLength) headers.connection = 'close';
    headers['content-length'] = body.length + (shape.extraLength ?? 0);
    response.writeHead(status, headers);
    return response.end(body);
  }

  async stream(message, shape, status, headers) {
    const { response, state } = this;
    if (shape.resume) state.pending = message;
    response.writeHead(status, headers);
    response.flushHeaders();
    for (const part of shape.events(message)) {
      if (part.destroy) return setTimeout(this.destroy, 50);
      if (part.hang) return undefined;
      if (part.wait) await new Promise((done) => state.pongs.set(part.wait, done));
      else if (shape.pieces) await this.write(Buffer.from(part), shape.pieces);
      else response.write(part);
    }
    return response.end();
  }

  async write(body, size) {
    for (let place = 0; place < body.length; place += size) {
      this.response.write(body.subarray(place, place + size));
      await new Promise(setImmediate);
    }
  }

  async pieces(body, size) {
    await this.write(body, size);
    return this.response.end();
  }

  /** The transport of revision 2024-11-05: a stream for GET, which names where to POST. */
  oldTransport() {
    const { state, request, response, message, path, reply } = this;
    if (path.endsWith('/v1') && request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: ${path.replace('/v1', '/messages')}\n\n`);
      state.old = response;
      return true;
    }
    if (!path.endsWith('/messages') || request.method !== 'POST') return reply(404, '');
    if (message?.id !== undefined) state.old.write(`event: message\ndata: ${JSON.stringify(this.correct())}\n\n`);
    return reply(202, '');
  }
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const { origin } = await start((line) => console.log(JSON.stringify(line)), Number(process.argv[2] ?? 0));
  console.log(
    JSON.stringify({
      port: Number(new URL(origin).port),
      shapes: [...SHAPES].map(([name, { group, what }]) => ({ name, group, what })),
    }),
  );
}
