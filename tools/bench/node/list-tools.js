// The smallest agent: connects with the config that the action wrote, asks for the tools, and ends.
//
//     node list-tools.cjs CONFIG
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [server] = Object.values(JSON.parse(readFileSync(process.argv[2], 'utf8')).mcpServers);

function transport() {
  if (server.type === 'http') {
    return new StreamableHTTPClientTransport(new URL(server.url), { requestInit: { headers: server.headers } });
  }
  return new StdioClientTransport({ command: server.command, args: server.args, env: { ...process.env, ...server.env }, stderr: 'ignore' });
}

async function list() {
  const client = new Client({ name: 'bench', version: '1' });
  await client.connect(transport());
  const { tools } = await client.listTools();
  await client.close();
  if (!tools.length) throw new Error('the server offers no tools');
}

list().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
