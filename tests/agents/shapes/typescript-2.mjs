// Connects with the reference TypeScript SDK 2.x: see sdk.mjs. Without an argument as it does by default, which is with
// `initialize`; with `auto` as it does where it is told to ask for `server/discover` first.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { run } from './sdk.mjs';

const mode = process.argv[2];
const options = mode ? { versionNegotiation: { mode } } : {};
const call = (client, name, options) => client.callTool({ name, arguments: {} }, options);
run(() => new Client({ name: 'shapes', version: '1' }, options), StreamableHTTPClientTransport, call);
