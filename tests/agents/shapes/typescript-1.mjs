// Connects with the reference TypeScript SDK 1.x: see sdk.mjs.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { run } from './sdk.mjs';

const call = (client, name, options) => client.callTool({ name, arguments: {} }, undefined, options);
run(() => new Client({ name: 'shapes', version: '1' }), StreamableHTTPClientTransport, call);
