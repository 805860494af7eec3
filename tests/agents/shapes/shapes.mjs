// The shapes: each is a correct MCP conversation but for one thing, which its `what` names.
//
// A shape may have
//
//     tools       the tools of the list, from the two correct ones
//     list        the result of tools/list, from the correct one
//     initialize  the result of initialize, from the correct one
//     message     the JSON-RPC message of an answer, from the correct one
//     text        its body, from the correct text
//     events      its body as an event stream, in parts, from the message
//     headers, status
//     handle      the whole request; true where it has answered
//
// and with `only`, the JSON-RPC methods whose answers `message`, `text`, `events`, `headers` and `status` apply to; without it,
// all of them.

import { deflateSync, gzipSync } from 'node:zlib';

const SHAPES = new Map();

function shape(group, name, what, parts) {
  if (SHAPES.has(name)) throw new Error(`two shapes are called ${name}`);
  SHAPES.set(name, { group, name, what, ...parts });
}

export function good(name) {
  const inputSchema = { type: 'object', properties: { id: { type: 'string' } }, required: [] };
  return { name, description: `Says ${name}.`, inputSchema, annotations: { readOnlyHint: true } };
}

const LIST = ['tools/list'];
const BOM = '\ufeff';

// Tools. ----------------------------------------------------------------------------------------------------------------------
// The odd tool is between two correct ones: whoever drops only it still has two.

const between = (odd) => ({ tools: ([first, last]) => [first, ...[odd].flat(), last] });

/** A tool that is correct but for these fields; `undefined` leaves one out. */
function tool(name, what, fields) {
  shape('tool', name, what, between({ ...good('odd'), ...fields }));
}

const input = (name, what, inputSchema) => tool(`input-${name}`, `inputSchema ${what}`, { inputSchema });
const property = (name, what, fields) => input(name, what, { type: 'object', properties: {}, ...fields });
const output = (name, what, outputSchema) => tool(`output-${name}`, `outputSchema ${what}`, { outputSchema });
const note = (name, what, annotations) => tool(`annotations-${name}`, `annotations ${what}`, { annotations });

input('no-type', '{}', {});
input('any-of', '{"anyOf": [two objects]}, no type', { anyOf: [{ type: 'object' }, { type: 'object', properties: {} }] });
input('any-of-and-type', '{"type": "object", "anyOf": […]}', {
  type: 'object',
  anyOf: [{ required: ['a'] }, { required: ['b'] }],
});
input('properties-no-type', '{"properties": {…}}, no type', { properties: { id: { type: 'string' } } });
input('type-string', '{"type": "string"}', { type: 'string' });
input('type-list', '{"type": ["object"]}', { type: ['object'] });
input('type-list-null', '{"type": ["object", "null"]}', { type: ['object', 'null'] });
input('type-upper', '{"type": "OBJECT"}', { type: 'OBJECT' });
input('type-null', '{"type": null}', { type: null });
input('missing', 'missing', undefined);
input('null', 'null', null);
input('true', 'true', true);
input('array', '[]', []);
input('string', 'a string', 'object');
tool('input-snake-case', 'input_schema in place of inputSchema', { inputSchema: undefined, input_schema: { type: 'object' } });
property('required-null', 'required: null', { required: null });
property('required-string', 'required: "id"', { required: 'id' });
property('required-numbers', 'required: [1]', { required: [1] });
property('required-unknown', 'requires a property that is not described', { required: ['nowhere'] });
property('properties-null', 'properties: null', { properties: null });
property('properties-array', 'properties: []', { properties: [] });
property('property-true', 'a property true', { properties: { any: true } });
property('property-false', 'a property false', { properties: { none: false } });
property('property-null', 'a property null', { properties: { any: null } });
property('property-string', 'a property "string"', { properties: { any: 'string' } });
property('property-array', 'a property []', { properties: { any: [] } });
property('property-empty', 'a property {}', { properties: { any: {} } });
property('property-required-true', 'a property with required: true (draft 3)', {
  properties: { a: { type: 'string', required: true } },
});
property('nested-true', 'true deeper than the properties', { properties: { a: { type: 'array', items: true } } });
property('nested-null', 'items: null', { properties: { a: { type: 'array', items: null } } });
property('unknown-type', 'a property of type "file"', { properties: { a: { type: 'file' } } });
property('additional-null', 'additionalProperties: null', { additionalProperties: null });
property('description-null', 'description: null', { description: null });
property('draft-2020', '$schema 2020-12', { $schema: 'https://json-schema.org/draft/2020-12/schema' });
property('schema-unknown', '$schema of another host', { $schema: 'https://schema.invalid/9' });
property('dangling-ref', 'a $ref to nothing', { properties: { a: { $ref: '#/$defs/nothing' } } });
property('recursive-ref', 'a $ref to itself', { properties: { a: { $ref: '#' } } });
property('bad-pattern', 'a pattern that is no regular expression', { properties: { a: { type: 'string', pattern: '(' } } });

tool('description-missing', 'description missing', { description: undefined });
tool('description-null', 'description: null', { description: null });
tool('description-number', 'description: 1', { description: 1 });
tool('description-empty', 'description: ""', { description: '' });
tool('description-long', 'description of 100,000 characters', { description: 'long '.repeat(20_000) });
tool('description-surrogate', 'description with half of a surrogate pair', { description: 'half \ud800 pair' });
tool('description-control', 'description with control characters', { description: 'a\u0000b\u001b[31mc' });
tool('title-null', 'title: null', { title: null });
tool('title-number', 'title: 1', { title: 1 });

note('null', 'null', null);
note('array', '[]', []);
note('string', 'a string', 'readOnly');
note('missing', 'missing', undefined);
note('empty', '{}', {});
note('extra', 'with an unknown field', { readOnlyHint: true, unknown: 1 });
note('read-only-null', 'readOnlyHint: null', { readOnlyHint: null });
note('read-only-string', 'readOnlyHint: "yes"', { readOnlyHint: 'yes' });
note('read-only-text', 'readOnlyHint: "true"', { readOnlyHint: 'true' });
note('read-only-number', 'readOnlyHint: 1', { readOnlyHint: 1 });
note('destructive-null', 'destructiveHint: null', { readOnlyHint: true, destructiveHint: null });
note('open-world-string', 'openWorldHint: "no"', { readOnlyHint: true, openWorldHint: 'no' });
note('title-null', 'title: null', { readOnlyHint: true, title: null });

output('good', 'correct', { type: 'object', properties: { a: { type: 'string' } } });
output('null', 'null', null);
output('empty', '{}', {});
output('true', 'true', true);
output('type-array', '{"type": "array"}', { type: 'array', items: {} });
output('any-of', '{"anyOf": [two objects]}, no type', { anyOf: [{ type: 'object' }, { type: 'object', properties: {} }] });
output('property-true', 'a property true', { type: 'object', properties: { a: true } });
output('required-null', 'required: null', { type: 'object', required: null });
output('nested-null', 'items: null', { type: 'object', properties: { a: { type: 'array', items: null } } });
output('draft-2020', '$schema 2020-12', { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' });
output('draft-2019', '$schema 2019-09', { $schema: 'https://json-schema.org/draft/2019-09/schema', type: 'object' });
output('draft-7', '$schema draft-07', { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' });
output('draft-4', '$schema draft-04', { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' });
output('schema-unknown', '$schema of another host', { $schema: 'https://schema.invalid/9', type: 'object' });
output('dangling-ref', 'a $ref to nothing', { type: 'object', properties: { a: { $ref: '#/$defs/nothing' } } });
output('remote-ref', 'a $ref to another host', {
  type: 'object',
  properties: { a: { $ref: 'https://schema.invalid/a.json' } },
});
output('unknown-type', 'a property of type "file"', { type: 'object', properties: { a: { type: 'file' } } });
output('unknown-format', 'a property of an unknown format', {
  type: 'object',
  properties: { a: { type: 'string', format: 'odd' } },
});
output('unknown-keyword', 'an unknown keyword', { type: 'object', unknown: 1 });
output('bad-pattern', 'a pattern that is no regular expression', {
  type: 'object',
  properties: { a: { type: 'string', pattern: '(' } },
});
output('nullable', 'nullable: true without a type (OpenAPI)', { type: 'object', properties: { a: { nullable: true } } });
const sameId = (name) => ({
  ...good(name),
  outputSchema: { $id: 'https://schema.invalid/same', type: 'object', properties: { [name]: {} } },
});
shape('tool', 'output-same-id', 'two tools whose outputSchema has the same $id', between([sameId('odd'), sameId('odder')]));

tool('meta-null', '_meta: null', { _meta: null });
tool('meta-array', '_meta: []', { _meta: [] });
tool('meta-string', '_meta: "a"', { _meta: 'a' });
tool('icons-null', 'icons: null', { icons: null });
tool('icons-empty', 'icons: []', { icons: [] });
tool('icons-no-source', 'icons: [{}]', { icons: [{}] });
tool('icons-sizes-string', 'icons: [{"sizes": "48x48"}]', { icons: [{ src: 'https://icons.invalid/a.png', sizes: '48x48' }] });
tool('icons-theme', 'icons: [{"theme": "blue"}]', { icons: [{ src: 'https://icons.invalid/a.png', theme: 'blue' }] });
tool('execution-null', 'execution: null', { execution: null });
tool('execution-empty', 'execution: {}', { execution: {} });
tool('execution-unknown', 'execution.taskSupport: "maybe"', { execution: { taskSupport: 'maybe' } });
tool('execution-null-support', 'execution.taskSupport: null', { execution: { taskSupport: null } });
tool('execution-required', 'execution.taskSupport: "required"', { execution: { taskSupport: 'required' } });
tool('extra-field', 'an unknown field in the tool', { unknown: { a: [1, null] } });
tool('extra-null', 'an unknown field, null, in the tool', { unknown: null });

const named = (name, what, value) => tool(`name-${name}`, `name ${what}`, { name: value });
named('missing', 'missing', undefined);
named('null', 'null', null);
named('number', '7', 7);
named('empty', '""', '');
named('space', 'with a space', 'odd one');
named('dot', 'with a dot', 'odd.one');
named('slash', 'with a slash', 'odd/one');
named('unicode', 'with ü', 'ödd_tüül');
named('newline', 'with a line feed', 'odd\none');
named('double-underscore', 'with __', 'odd__one');
named('hyphen', 'with a hyphen', 'odd-one');
named('65', 'of 65 characters', 'n'.repeat(65));
named('128', 'of 128 characters', 'n'.repeat(128));
named('129', 'of 129 characters', 'n'.repeat(129));
shape('tool', 'name-twice', 'two tools of the same name', between([good('odd'), good('odd')]));
shape('tool', 'name-case', 'two names that differ in case only', between([good('odd'), good('ODD')]));
shape('tool', 'tool-null', 'a tool null', between(null));
shape('tool', 'tool-string', 'a tool "odd"', between('odd'));
shape('tool', 'tool-array', 'a tool []', between([[]]));
shape('tool', 'all-odd', 'every tool without inputSchema', {
  tools: (tools) => tools.map((one) => ({ ...one, inputSchema: undefined })),
});

// The list. -------------------------------------------------------------------------------------------------------------------

const list = (name, what, change) => shape('list', name, what, { list: change });

list('tools-missing', 'tools missing', () => ({}));
list('tools-null', 'tools: null', () => ({ tools: null }));
list('tools-object', 'tools: {name: tool}', ({ tools }) => ({
  tools: Object.fromEntries(tools.map((one) => [one.name, one])),
}));
list('tools-string', 'tools: ""', () => ({ tools: '' }));
list('tools-empty', 'tools: []', () => ({ tools: [] }));
list('result-null', 'result: null', () => null);
list('result-array', 'result: [the tools]', ({ tools }) => tools);
list('result-string', 'result: "ok"', () => 'ok');
list('result-extra', 'an unknown field in the result', (result) => ({ ...result, unknown: { a: null } }));
list('result-meta-null', '_meta: null in the result', (result) => ({ ...result, _meta: null }));
list('result-meta-array', '_meta: [] in the result', (result) => ({ ...result, _meta: [] }));
list('result-type', 'resultType, ttlMs and cacheScope, as in the newest protocol', (result) => ({
  ...result,
  resultType: 'complete',
  ttlMs: 0,
  cacheScope: 'private',
}));
list('cursor-null', 'nextCursor: null', (result) => ({ ...result, nextCursor: null }));
list('cursor-empty', 'nextCursor: "", for every page', (result) => ({ ...result, nextCursor: '' }));
list('cursor-empty-last', 'nextCursor: "", and an empty page behind it', (result, params) =>
  params.cursor === undefined ? { ...result, nextCursor: '' } : { tools: [] },
);
list('cursor-number', 'nextCursor: 1', (result) => ({ ...result, nextCursor: 1 }));
list('cursor-false', 'nextCursor: false', (result) => ({ ...result, nextCursor: false }));
list('cursor-pages', 'two pages, correct', (result, params) =>
  params.cursor === 'p2' ? { tools: [good('second_page')] } : { ...result, nextCursor: 'p2' },
);
list('cursor-empty-page', 'an empty page between two', (result, params) => {
  if (params.cursor === 'p3') return { tools: [good('third_page')] };
  return params.cursor === 'p2' ? { tools: [], nextCursor: 'p3' } : { ...result, nextCursor: 'p2' };
});
list('cursor-same', 'the same nextCursor forever', (result) => ({ ...result, nextCursor: 'again' }));
list('cursor-endless', 'a new nextCursor forever', (result, params) => ({
  tools: [good(`page_${Number(params.cursor ?? 0)}`)],
  nextCursor: String(Number(params.cursor ?? 0) + 1),
}));
list('cursor-second-refused', 'an error for the second page', (result, params) =>
  params.cursor === undefined ? { ...result, nextCursor: 'p2' } : new RpcError(-32602, 'Invalid cursor'),
);
list('cursor-second-odd', 'a tool without inputSchema on the second page', (result, params) =>
  params.cursor === undefined ? { ...result, nextCursor: 'p2' } : { tools: [{ name: 'odd' }] },
);
list('many-tools', '5000 tools, 1.4 MB', () => ({
  tools: Array.from({ length: 5000 }, (_, place) => ({ ...good(`tool_${place}`), description: 'long '.repeat(25) })),
}));
list('huge', 'one description of 5 MB', (result) => ({
  tools: [...result.tools, { ...good('odd'), description: 'x'.repeat(5_000_000) }],
}));

// Errors in place of the list. ------------------------------------------------------------------------------------------------

export class RpcError {
  constructor(code, message, data) {
    this.error = { code, message, data };
  }
}

const fails = (name, what, error, status = 200) =>
  shape('error', name, what, { only: LIST, status, message: ({ jsonrpc, id }) => ({ jsonrpc, id, error }) });

fails('error-method-not-found', 'error -32601 for tools/list', { code: -32601, message: 'Method not found' });
fails('error-internal', 'error -32603 for tools/list', { code: -32603, message: 'Internal error' });
fails('error-internal-500', 'error -32603 for tools/list with status 500', { code: -32603, message: 'Internal error' }, 500);
fails('error-params-400', 'error -32602 for tools/list with status 400', { code: -32602, message: 'Invalid params' }, 400);
fails('error-no-message', 'an error without message', { code: -32603 });
fails('error-no-code', 'an error without code', { message: 'No' });
fails('error-code-string', 'an error whose code is a string', { code: '-32603', message: 'No' });
fails('error-string', 'error: "no"', 'no');
fails('error-data-null', 'an error with data: null', { code: -32603, message: 'No', data: null });
shape('error', 'error-id-null', 'an error with id: null', {
  only: LIST,
  message: ({ jsonrpc }) => ({ jsonrpc, id: null, error: { code: -32600, message: 'Invalid Request' } }),
});
shape('error', 'error-id-missing', 'an error without id', {
  only: LIST,
  message: ({ jsonrpc }) => ({ jsonrpc, error: { code: -32600, message: 'Invalid Request' } }),
});
shape('error', 'error-initialize', 'error -32603 for initialize', {
  only: ['initialize'],
  message: ({ jsonrpc, id }) => ({ jsonrpc, id, error: { code: -32603, message: 'Internal error' } }),
});

// The answer to initialize. ---------------------------------------------------------------------------------------------------

const initialize = (name, what, fields) =>
  shape('initialize', `initialize-${name}`, what, { initialize: (result) => ({ ...result, ...fields }) });

initialize('info-missing', 'serverInfo missing', { serverInfo: undefined });
initialize('info-null', 'serverInfo: null', { serverInfo: null });
initialize('info-empty', 'serverInfo: {}', { serverInfo: {} });
initialize('info-no-version', 'serverInfo without version', { serverInfo: { name: 'shapes' } });
initialize('info-no-name', 'serverInfo without name', { serverInfo: { version: '1' } });
initialize('info-version-number', 'serverInfo.version: 1', { serverInfo: { name: 'shapes', version: 1 } });
initialize('info-version-null', 'serverInfo.version: null', { serverInfo: { name: 'shapes', version: null } });
initialize('info-title-null', 'serverInfo.title: null', { serverInfo: { name: 'shapes', version: '1', title: null } });
initialize('info-icons-null', 'serverInfo.icons: null', { serverInfo: { name: 'shapes', version: '1', icons: null } });
initialize('info-extra', 'an unknown field in serverInfo', { serverInfo: { name: 'shapes', version: '1', unknown: null } });
initialize('capabilities-missing', 'capabilities missing', { capabilities: undefined });
initialize('capabilities-null', 'capabilities: null', { capabilities: null });
initialize('capabilities-array', 'capabilities: []', { capabilities: [] });
initialize('capabilities-empty', 'capabilities: {}, but tools/list works', { capabilities: {} });
initialize('capabilities-others', 'capabilities without tools, but tools/list works', { capabilities: { logging: {} } });
initialize('capabilities-tools-null', 'capabilities.tools: null', { capabilities: { tools: null } });
initialize('capabilities-tools-true', 'capabilities.tools: true', { capabilities: { tools: true } });
initialize('capabilities-tools-false', 'capabilities.tools: false', { capabilities: { tools: false } });
initialize('capabilities-tools-array', 'capabilities.tools: []', { capabilities: { tools: [] } });
initialize('capabilities-changed-null', 'capabilities.tools.listChanged: null', {
  capabilities: { tools: { listChanged: null } },
});
initialize('capabilities-changed-string', 'capabilities.tools.listChanged: "true"', {
  capabilities: { tools: { listChanged: 'true' } },
});
initialize('capabilities-prompts-null', 'capabilities.prompts: null', { capabilities: { tools: {}, prompts: null } });
initialize('capabilities-logging-null', 'capabilities.logging: null', { capabilities: { tools: {}, logging: null } });
initialize('capabilities-logging-true', 'capabilities.logging: true', { capabilities: { tools: {}, logging: true } });
initialize('capabilities-experimental-null', 'capabilities.experimental: null', {
  capabilities: { tools: {}, experimental: null },
});
initialize('capabilities-experimental-true', 'capabilities.experimental.x: true', {
  capabilities: { tools: {}, experimental: { x: true } },
});
initialize('capabilities-extra', 'an unknown capability', { capabilities: { tools: {}, unknown: null } });
initialize('capabilities-more', 'prompts and resources offered, but not known when asked for', {
  capabilities: { tools: {}, prompts: {}, resources: {} },
});
initialize('instructions-null', 'instructions: null', { instructions: null });
initialize('instructions-number', 'instructions: 1', { instructions: 1 });
initialize('instructions-long', 'instructions of 100,000 characters', { instructions: 'long '.repeat(20_000) });
initialize('meta-null', '_meta: null', { _meta: null });
initialize('extra', 'an unknown field', { unknown: null });
initialize('version-missing', 'protocolVersion missing', { protocolVersion: undefined });
initialize('version-null', 'protocolVersion: null', { protocolVersion: null });
initialize('version-number', 'protocolVersion: 20251125', { protocolVersion: 20251125 });
initialize('version-empty', 'protocolVersion: ""', { protocolVersion: '' });
for (const version of ['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28']) {
  initialize(`version-${version}`, `protocolVersion: "${version}"`, { protocolVersion: version });
}
initialize('version-future', 'protocolVersion: "2099-01-01"', { protocolVersion: '2099-01-01' });
initialize('version-short', 'protocolVersion: "1.0"', { protocolVersion: '1.0' });
shape('initialize', 'initialize-result-null', 'result: null', { initialize: () => null });
shape('initialize', 'initialize-result-empty', 'result: {}', { initialize: () => ({}) });

// The envelope of every answer. -----------------------------------------------------------------------------------------------

const envelope = (name, what, message, parts) => shape('envelope', name, what, { message, ...parts });
const body = (name, what, text, parts) => shape('envelope', name, what, { text, ...parts });

envelope('id-string', 'id: the number as a string', (message) => ({ ...message, id: String(message.id) }));
envelope('id-missing', 'id missing', (message) => ({ ...message, id: undefined }));
envelope('id-null', 'id: null', (message) => ({ ...message, id: null }));
envelope('id-other', 'id of another request', (message) => ({ ...message, id: 99_999 }));
envelope('id-float', 'id: the number with a fraction of 0, as 1.0', (message) => message, {
  text: (text) => text.replace(/"id":(\d+)/, '"id":$1.0'),
});
envelope('jsonrpc-missing', 'jsonrpc missing', (message) => ({ ...message, jsonrpc: undefined }));
envelope('jsonrpc-1', 'jsonrpc: "1.0"', (message) => ({ ...message, jsonrpc: '1.0' }));
envelope('jsonrpc-number', 'jsonrpc: 2.0, a number', (message) => ({ ...message, jsonrpc: 2 }));
envelope('result-and-error', 'both result and error', (message) => ({ ...message, error: { code: -32603, message: 'No' } }));
envelope('error-null', 'result, and error: null', (message) => ({ ...message, error: null }));
envelope('envelope-extra', 'an unknown field beside the result', (message) => ({ ...message, unknown: 1 }));
envelope('envelope-method', 'method beside the result', (message) => ({ ...message, method: 'tools/list' }));
envelope('batch', 'an array with the answer', (message) => [message]);
envelope('batch-notification', 'an array with a notification and the answer', (message) => [logged(), message]);
envelope('batch-empty', 'an empty array', () => []);
body('bom', 'a byte order mark before the JSON', (text) => BOM + text);
body('newline', 'a line feed after the JSON', (text) => `${text}\n`);
body('space', 'white space around the JSON', (text) => `\r\n\t  ${text}  \r\n`);
body('pretty', 'JSON over several lines', (text) => JSON.stringify(JSON.parse(text), null, 2));
body('nul', 'a NUL after the JSON', (text) => `${text}\u0000`);
body('garbage', 'another letter after the JSON', (text) => `${text}x`);
body('twice', 'the JSON twice', (text) => `${text}\n${text}`);
body('xssi', ")]}' before the JSON", (text) => `)]}'\n${text}`);
body('cut', 'half of the JSON', (text) => text.slice(0, text.length / 2));
body('duplicate-key', 'a key twice', (text) => text.replace('{', '{"jsonrpc":"1.0",'), { only: LIST });
body(
  'invalid-utf8',
  'a byte that is no UTF-8, in a description',
  (text) => Buffer.from(text.replace('Says', '\u00e9Says'), 'latin1'),
  { only: LIST },
);
body('utf-16', 'UTF-16, as its content type says', (text) => Buffer.from(text, 'utf16le'), {
  headers: { 'content-type': 'application/json; charset=utf-16' },
});
body('nan', 'NaN in the JSON', (text) => text.replace('"tools":', '"x":NaN,"tools":'), { only: LIST });
body('trailing-comma', 'a comma before the end of the list', (text) => text.replace(']}}', '],}}').replace(']}', '],}'), {
  only: LIST,
});
body('body-empty', 'an empty body', () => '');
body('body-null', 'the body null', () => 'null');
body('body-html', 'a page of HTML, called so', () => '<!doctype html><title>Log in</title>', {
  headers: { 'content-type': 'text/html' },
});
body('body-html-as-json', 'a page of HTML, called JSON', () => '<!doctype html><title>Log in</title>');
for (const status of [201, 202, 203, 204, 205, 206]) {
  shape('envelope', `status-${status}`, `status ${status}${status === 204 || status === 205 ? '' : ' with the answer'}`, {
    status,
  });
}
const TYPES = {
  charset: 'application/json; charset=utf-8',
  'charset-odd': 'application/json;charset=UTF8;;',
  upper: 'Application/JSON',
  suffix: 'application/vnd.api+json',
  'json-rpc': 'application/json-rpc',
  'text-json': 'text/json',
  'text-plain': 'text/plain',
  'octet-stream': 'application/octet-stream',
  'as-stream': 'text/event-stream',
  twice: 'application/json, application/json',
  empty: '',
};
for (const [name, type] of Object.entries(TYPES)) {
  shape('envelope', `type-${name}`, `content-type: ${type}`, { headers: { 'content-type': type } });
}
shape('envelope', 'type-missing', 'no content-type', { headers: { 'content-type': undefined } });
body('gzip', 'gzip, although it is not asked for', (text) => gzipSync(text), { headers: { 'content-encoding': 'gzip' } });
body('deflate', 'deflate, although it is not asked for', (text) => deflateSync(text), {
  headers: { 'content-encoding': 'deflate' },
});
body('gzip-unnamed', 'gzip without content-encoding', (text) => gzipSync(text));
body('gzip-claimed', 'content-encoding: gzip, but plain', (text) => text, { headers: { 'content-encoding': 'gzip' } });
shape('envelope', 'encoding-identity', 'content-encoding: identity', { headers: { 'content-encoding': 'identity' } });
shape('envelope', 'encoding-unknown', 'content-encoding: odd', { headers: { 'content-encoding': 'odd' } });
shape('envelope', 'chunked', 'chunked, in pieces of 7 bytes', { chunked: true });
shape('envelope', 'length-long', 'content-length greater than the body, then the end', { extraLength: 10 });
shape('envelope', 'no-length', 'neither content-length nor chunks: the end of the connection is the end', { noLength: true });

function logged() {
  return { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'working' } };
}

// Event streams. --------------------------------------------------------------------------------------------------------------

const stream = (name, what, events, parts) => shape('stream', `stream-${name}`, what, { events, ...parts });
const json = JSON.stringify;
const event = (message) => `event: message\ndata: ${json(message)}\n\n`;

stream('plain', 'event: message', (message) => [event(message)]);
stream('no-event', 'without event:', (message) => [`data: ${json(message)}\n\n`]);
stream('no-space', 'no space after the colon', (message) => [`event:message\ndata:${json(message)}\n\n`]);
stream('charset', 'content-type with charset', (message) => [event(message)], {
  headers: { 'content-type': 'text/event-stream; charset=utf-8' },
});
stream('type-upper', 'content-type: Text/Event-Stream', (message) => [event(message)], {
  headers: { 'content-type': 'Text/Event-Stream' },
});
stream('as-json', 'an event stream called JSON', (message) => [event(message)], {
  headers: { 'content-type': 'application/json' },
});
stream('status-201', 'status 201', (message) => [event(message)], { status: 201 });
stream('status-202', 'status 202', (message) => [event(message)], { status: 202 });
stream('comment', 'comment lines before, in and after the event', (message) => [
  ': hello\n\n',
  `event: message\n: inside\ndata: ${json(message)}\n\n`,
  ':\n\n',
]);
stream('unknown-field', 'an unknown field', (message) => [`priority: 1\nevent: message\ndata: ${json(message)}\n\n`]);
stream('unknown-line', 'a line without a colon', (message) => [`hello\nevent: message\ndata: ${json(message)}\n\n`]);
stream('bare-id', 'id without a value', (message) => [`id\nevent: message\ndata: ${json(message)}\n\n`]);
stream('id', 'id: 1', (message) => [`id: 1\nevent: message\ndata: ${json(message)}\n\n`]);
stream('id-unicode', 'id: ü', (message) => [`id: ü\nevent: message\ndata: ${json(message)}\n\n`]);
stream('retry-odd', 'retry: 1s', (message) => [`retry: 1s\nevent: message\ndata: ${json(message)}\n\n`]);
stream('retry', 'retry: 1000 in an event of its own', (message) => ['retry: 1000\n\n', event(message)]);
stream('event-twice', 'event: ping, then event: message', (message) => [
  `event: ping\nevent: message\ndata: ${json(message)}\n\n`,
]);
stream('event-empty', 'event: with no name', (message) => [`event:\ndata: ${json(message)}\n\n`]);
stream('event-other', 'the answer in event: response', (message) => [`event: response\ndata: ${json(message)}\n\n`]);
stream('event-upper', 'the answer in event: Message', (message) => [`event: Message\ndata: ${json(message)}\n\n`]);
stream('event-space', 'the answer in event: "message "', (message) => [`event: message \ndata: ${json(message)}\n\n`]);
stream('event-before', 'an event without data before', (message) => ['event: ping\n\n', event(message)]);
stream('ping-json', 'event: ping with data that is no JSON-RPC', (message) => [
  'event: ping\ndata: {"time":1}\n\n',
  event(message),
]);
stream('ping-text', 'event: ping with text', (message) => ['event: ping\ndata: 2026-11-29 10:00\n\n', event(message)]);
stream('heartbeat-empty', 'a message event with {} before', (message) => ['data: {}\n\n', event(message)]);
stream('heartbeat', 'a message event with {"type":"heartbeat"} before', (message) => [
  'data: {"type":"heartbeat"}\n\n',
  event(message),
]);
stream('heartbeat-null', 'a message event with null before', (message) => ['data: null\n\n', event(message)]);
stream('heartbeat-text', 'a message event with a word before', (message) => ['data: heartbeat\n\n', event(message)]);
stream('data-empty', 'a message event with empty data before', (message) => ['id: 7\ndata:\n\n', event(message)]);
stream('heartbeat-after', 'a message event with {} behind the answer', (message) => [event(message), 'data: {}\n\n']);
stream('done', '[DONE] behind the answer', (message) => [event(message), 'data: [DONE]\n\n']);
stream('notification', 'a notification before the answer', (message) => [event(logged()), event(message)]);
stream('progress', 'a progress notification for no token before the answer', (message) => [
  event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'none', progress: 1 } }),
  event(message),
]);
stream('notification-odd', 'an unknown notification before the answer', (message) => [
  event({ jsonrpc: '2.0', method: 'notifications/odd', params: null }),
  event(message),
]);
stream(
  'changed',
  'notifications/tools/list_changed before the answer',
  (message) => [event({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }), event(message)],
  { only: LIST },
);
stream('request-unanswered', 'a ping of the server before the answer, which waits for nothing', (message) => [
  event({ jsonrpc: '2.0', id: 'p1', method: 'ping' }),
  event(message),
]);
stream(
  'request',
  "a ping of the server in the list's stream; the answer waits for the pong",
  (message) => [event({ jsonrpc: '2.0', id: 'p1', method: 'ping' }), { wait: 'p1' }, event(message)],
  { only: LIST },
);
stream(
  'request-initialize',
  'the same in the stream of initialize',
  (message) => [event({ jsonrpc: '2.0', id: 'p1', method: 'ping' }), { wait: 'p1' }, event(message)],
  { only: ['initialize'] },
);
stream(
  'request-roots',
  'roots/list of the server before the list; the answer waits',
  (message) => [event({ jsonrpc: '2.0', id: 'p1', method: 'roots/list' }), { wait: 'p1' }, event(message)],
  { only: LIST },
);
stream(
  'request-unknown',
  'an unknown request of the server before the list; the answer waits',
  (message) => [event({ jsonrpc: '2.0', id: 'p1', method: 'odd/request' }), { wait: 'p1' }, event(message)],
  { only: LIST },
);
stream('other-answer', 'the answer to an unknown request before', (message) => [
  event({ jsonrpc: '2.0', id: 99_999, result: {} }),
  event(message),
]);
stream('answer-twice', 'the answer twice', (message) => [event(message), event(message)]);
stream('batch', 'an array with the answer in an event', (message) => [event([message])]);
stream('id-string', 'id of the answer: the number as a string', (message) => [event({ ...message, id: String(message.id) })]);
stream('jsonrpc-missing', 'jsonrpc missing in the answer', (message) => [event({ ...message, jsonrpc: undefined })]);
stream('envelope-extra', 'an unknown field beside the result', (message) => [event({ ...message, unknown: 1 })]);
stream('crlf', 'CRLF line ends', (message) => [event(message).replaceAll('\n', '\r\n')]);
stream('cr', 'CR line ends', (message) => [event(message).replaceAll('\n', '\r'), ': end\r\r']);
stream('cr-last', 'CR line ends, and nothing behind the last', (message) => [event(message).replaceAll('\n', '\r')]);
stream('mixed', 'mixed line ends', (message) => [`event: message\r\ndata: ${json(message)}\n\r\n`]);
stream('bom', 'a byte order mark at the start', (message) => [BOM + event(message)]);
stream('bom-data', 'a byte order mark at the start, before data:', (message) => [`${BOM}data: ${json(message)}\n\n`]);
stream('lines', 'the JSON over several data: lines', (message) => [
  `event: message\n${json(message, null, 2)
    .split('\n')
    .map((line) => `data: ${line}`)
    .join('\n')}\n\n`,
]);
stream('raw-newline', 'the JSON over several lines, only the first with data:', (message) => [
  `event: message\ndata: ${json(message, null, 2)}\n\n`,
]);
stream('no-blank-line', 'no blank line at the end', (message) => [`event: message\ndata: ${json(message)}\n`]);
stream('no-line-end', 'no line end at the end', (message) => [`event: message\ndata: ${json(message)}`]);
stream('bytewise', 'in pieces of 3 bytes', (message) => [event(message)], { pieces: 3 });
stream('open', 'the stream stays open behind the answer', (message) => [event(message), { hang: true }]);
stream('gzip', 'gzip, although it is not asked for', (message) => [gzipSync(event(message))], {
  headers: { 'content-encoding': 'gzip' },
});
stream('json-body', 'plain JSON called an event stream', (message) => [json(message)]);
stream('empty', 'an empty stream', () => []);
stream(
  'closed-id',
  'ended before the list, resumable: id, then GET with Last-Event-ID',
  () => ['id: e1\nretry: 100\ndata:\n\n'],
  { only: LIST, resume: true },
);
stream('closed-id-comment', 'the same, the id in an event without data', () => ['id: e1\nretry: 100\n\n'], {
  only: LIST,
  resume: true,
});
stream('closed-id-initialize', 'ended before the answer to initialize, resumable', () => ['id: e1\nretry: 100\ndata:\n\n'], {
  only: ['initialize'],
  resume: true,
});
stream('closed-id-refused', 'ended before the list with an id, but GET is refused', () => ['id: e1\nretry: 100\ndata:\n\n'], {
  only: LIST,
});
stream(
  'closed-notification',
  'ended before the list, with a notification that has an id, resumable',
  () => [`id: e1\n${event(logged())}`],
  { only: LIST, resume: true },
);
stream('closed', 'ended before the list, without id', () => [': hello\n\n'], { only: LIST });
stream('closed-initialize', 'ended before the answer to initialize, without id', () => [': hello\n\n'], {
  only: ['initialize'],
});
stream('broken', 'broken off before the list, without id', () => [': hello\n\n', { destroy: true }], { only: LIST });
stream('broken-after', 'broken off behind the list', (message) => [event(message), { destroy: true }], { only: LIST });
stream('cut-data', 'broken off in the middle of the list', (message) => [event(message).slice(0, 60), { destroy: true }], {
  only: LIST,
});
stream('huge', 'a list of 1.4 MB in one event', (message) => [event(message)], { list: SHAPES.get('many-tools').list });

// HTTP. -----------------------------------------------------------------------------------------------------------------------

const http = (name, what, handle, parts) => shape('http', name, what, { handle, ...parts });
const redirect = (status, where) => (context) => {
  const target = where(context);
  return target !== undefined && context.reply(status, '', { location: target });
};
const withSlash = ({ path }) => (path.endsWith('/') ? undefined : `${path}/`);
const absolute = ({ path, origin }) => (path.endsWith('/') ? undefined : `${origin}${path}/`);
const elsewhere = ({ path, origin, otherOrigin }) => (origin === otherOrigin ? undefined : `${otherOrigin}${path}`);

for (const status of [301, 302, 303, 307, 308])
  http(`redirect-${status}`, `${status} to the path with a slash`, redirect(status, withSlash));
http('redirect-307-absolute', '307 to the path with a slash, as a whole URL', redirect(307, absolute));
for (const status of [307, 308, 302])
  http(`redirect-${status}-origin`, `${status} to another port`, redirect(status, elsewhere));
http(
  'redirect-list',
  '307 to the path with a slash for tools/list only',
  (context) => context.rpc === 'tools/list' && redirect(307, withSlash)(context),
);
http(
  'redirect-loop',
  '307 to itself',
  redirect(307, ({ path }) => path),
);
http('redirect-no-location', '307 without location', (context) => context.reply(307, ''));
http('redirect-login', '302 to a page of HTML on another port', ({ reply, origin, otherOrigin }) =>
  origin === otherOrigin
    ? reply(200, '<!doctype html><title>Log in</title>', { 'content-type': 'text/html' })
    : reply(302, '', { location: `${otherOrigin}/http/login` }),
);

http('session', 'a session, correct', undefined, { session: true });
http('session-get', 'a session, and a stream for GET', undefined, { session: true, get: 'stream' });
http('session-delete-405', 'a session, DELETE answered with 405', undefined, { session: true, end: 405 });
http('session-delete-500', 'a session, DELETE answered with 500', undefined, { session: true, end: 500 });
http('session-delete-hangs', 'a session, DELETE never answered', undefined, { session: true, end: 'hang' });
http('session-lost', '404 for the first session, at tools/list', undefined, { session: true, lost: 'first' });
http('session-lost-400', '400 for the first session, at tools/list', undefined, {
  session: true,
  lost: 'first',
  lostStatus: 400,
});
http('session-lost-rpc', '404 with error -32001 for the first session, at tools/list', undefined, {
  session: true,
  lost: 'first',
  lostBody: true,
});
http('session-lost-always', '404 for every session, at tools/list', undefined, { session: true, lost: 'every' });
http('session-odd', 'a session id with a space', undefined, { session: 'two words' });
http('session-changes', 'another session id with every answer', undefined, { session: 'changes' });

http('get-stream', 'GET answered with a stream', undefined, { get: 'stream' });
for (const status of [200, 400, 401, 403, 404, 406, 500])
  http(`get-${status}`, `GET answered with ${status}`, undefined, { get: status });
http('get-hangs', 'GET never answered', undefined, { get: 'hang' });

for (const status of [200, 204, 400, 401, 404, 500])
  http(
    `initialized-${status}`,
    `notifications/initialized answered with ${status}`,
    ({ rpc, reply }) => rpc === 'notifications/initialized' && reply(status, ''),
  );
http(
  'initialized-200-json',
  'notifications/initialized answered with 200 and {}',
  ({ rpc, reply }) => rpc === 'notifications/initialized' && reply(200, '{}', { 'content-type': 'application/json' }),
);
http(
  'initialized-200-error',
  'notifications/initialized answered with 200 and error -32601',
  ({ rpc, reply }) =>
    rpc === 'notifications/initialized' &&
    reply(200, json({ jsonrpc: '2.0', id: null, error: { code: -32601, message: 'Method not found' } }), {
      'content-type': 'application/json',
    }),
);
http(
  'initialized-stream',
  'notifications/initialized answered with an empty event stream',
  ({ rpc, reply }) => rpc === 'notifications/initialized' && reply(200, '', { 'content-type': 'text/event-stream' }),
);
http(
  'initialized-hangs',
  'notifications/initialized never answered',
  ({ rpc, hang }) => rpc === 'notifications/initialized' && hang(),
);
http(
  'initialized-cut',
  'notifications/initialized answered by the end of the connection',
  ({ rpc, destroy }) => rpc === 'notifications/initialized' && destroy(),
);

const BEARER = 'Bearer error="invalid_token", error_description="The token is unknown"';
const SCOPE = 'Bearer error="insufficient_scope", error_description="Not allowed", scope="mcp:tools"';
const problem = { 'content-type': 'application/json' };
const at = (method, answer) => (context) => context.rpc === method && answer(context);
const once = (method, answer) => (context) => context.rpc === method && context.first(method) && answer(context);
const refuse =
  (status, headers, text = json({ error: 'no' })) =>
  ({ reply }) =>
    reply(status, text, { ...problem, ...headers });
const always = (answer) => (context) => context.rpc !== undefined && answer(context);

http('401', '401 with WWW-Authenticate', always(refuse(401, { 'www-authenticate': BEARER })));
http('401-scope', '401 with a scope', always(refuse(401, { 'www-authenticate': `${BEARER}, scope="mcp:tools"` })));
http(
  '401-resource',
  '401 with resource_metadata',
  always(
    refuse(401, {
      'www-authenticate': `${BEARER}, resource_metadata="http://127.0.0.1:9/.well-known/oauth-protected-resource"`,
    }),
  ),
);
http('401-bare', '401 without WWW-Authenticate', always(refuse(401)));
http(
  '401-html',
  '401 with a page of HTML',
  always(refuse(401, { 'content-type': 'text/html' }, '<!doctype html><title>No</title>')),
);
http('401-list', '401 for tools/list only', at('tools/list', refuse(401, { 'www-authenticate': BEARER })));
http('401-once', '401 once, for initialize', once('initialize', refuse(401, { 'www-authenticate': BEARER })));
http('401-list-once', '401 once, for tools/list', once('tools/list', refuse(401, { 'www-authenticate': BEARER })));
http(
  '401-initialized',
  '401 for notifications/initialized with WWW-Authenticate',
  at('notifications/initialized', refuse(401, { 'www-authenticate': BEARER })),
);
http('403', '403', always(refuse(403)));
http('403-scope', '403 with insufficient_scope', always(refuse(403, { 'www-authenticate': SCOPE })));
http('403-list', '403 for tools/list only', at('tools/list', refuse(403)));
http(
  '403-list-scope',
  '403 with insufficient_scope for tools/list only',
  at('tools/list', refuse(403, { 'www-authenticate': SCOPE })),
);
for (const status of [400, 404, 405, 406, 410, 415, 500]) http(`${status}`, `${status} for all`, always(refuse(status)));
for (const status of [408, 429, 500, 502, 503, 504]) {
  http(
    `${status}-once`,
    `${status} once, for initialize`,
    once('initialize', refuse(status, status === 429 ? { 'retry-after': '1' } : {})),
  );
  http(
    `${status}-list-once`,
    `${status} once, for tools/list`,
    once('tools/list', refuse(status, status === 429 ? { 'retry-after': '1' } : {})),
  );
}
http('503-always', '503 for all', always(refuse(503)));
http(
  'reset-once',
  'the connection ends without an answer once, for initialize',
  once('initialize', ({ destroy }) => destroy()),
);
http(
  'reset-list-once',
  'the connection ends without an answer once, for tools/list',
  once('tools/list', ({ destroy }) => destroy()),
);
http(
  'reset',
  'the connection ends without an answer, always',
  always(({ destroy }) => destroy()),
);
http(
  'hangs',
  'initialize never answered',
  at('initialize', ({ hang }) => hang()),
);
http(
  'hangs-list',
  'tools/list never answered',
  at('tools/list', ({ hang }) => hang()),
);
http('slow-list', 'tools/list answered after 3 s', async (context) => {
  if (context.rpc === 'tools/list') await new Promise((done) => setTimeout(done, 3000));
});
http(
  'version-header',
  '400 for a request behind initialize without MCP-Protocol-Version',
  ({ rpc, request, reply }) => rpc === 'tools/list' && request.headers['mcp-protocol-version'] === undefined && reply(400, ''),
);
http('old-sse', 'the older transport, HTTP with SSE: 404 to POST, an endpoint event to GET', undefined, { oldTransport: true });

// The newest protocol revision, 2026-07-28, has neither initialize nor sessions.

const NEWEST = '2026-07-28';
const newest = (name, what, refusal) =>
  shape('newest', `newest-${name}`, `2026-07-28 only; initialize gets ${what}`, { newest: refusal });
const unsupported = ({ id }) => ({
  jsonrpc: '2.0',
  id,
  error: {
    code: -32022,
    message: 'Unsupported protocol version: 2025-11-25',
    data: { supported: [NEWEST], requested: '2025-11-25' },
  },
});
newest('400-rpc', '400 and error -32022', (message) => [400, unsupported(message)]);
newest('200-rpc', '200 and error -32022', (message) => [200, unsupported(message)]);
newest('400', '400 and no JSON-RPC', () => [400, { error: 'no' }]);
newest('404', '404 and no JSON-RPC', () => [404, { error: 'no' }]);
newest('404-rpc', '404 and error -32601', ({ id }) => [
  404,
  { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } },
]);
newest('200-method', '200 and error -32601', ({ id }) => [
  200,
  { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } },
]);
newest('200-params', '200 and error -32602', ({ id }) => [
  200,
  { jsonrpc: '2.0', id, error: { code: -32602, message: 'Invalid params' } },
]);
shape('newest', 'newest-both', 'both revisions, correct', { newest: undefined, both: true });

const odd = (name, what, parts) =>
  shape('newest', `newest-${name}`, `2026-07-28 only; ${what}`, { newest: (message) => [400, unsupported(message)], ...parts });
const discovered = (name, what, fields) => odd(name, what, { discover: (result) => ({ ...result, ...fields }) });
const kept = (name, what, fields) => odd(name, what, { list: (result) => ({ ...result, ...fields }) });
discovered('discover-no-type', 'server/discover without resultType', { resultType: undefined });
discovered('discover-no-ttl', 'server/discover without ttlMs and cacheScope', { ttlMs: undefined, cacheScope: undefined });
discovered('discover-no-info', 'server/discover without serverInfo', { _meta: undefined });
discovered('discover-info-odd', 'serverInfo without version', {
  _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'shapes' } },
});
discovered('discover-meta-null', 'server/discover with _meta: null', { _meta: null });
discovered('discover-no-capabilities', 'server/discover without capabilities', { capabilities: undefined });
discovered('discover-no-tools', 'capabilities without tools, but tools/list works', { capabilities: {} });
discovered('discover-instructions-null', 'instructions: null', { instructions: null });
discovered('discover-versions-other', 'supportedVersions: ["2099-01-01"]', { supportedVersions: ['2099-01-01'] });
discovered('discover-versions-more', 'supportedVersions with one that nobody knows', {
  supportedVersions: ['2099-01-01', NEWEST],
});
kept('list-no-type', 'tools/list without resultType', { resultType: undefined });
kept('list-type-odd', 'tools/list with resultType "odd"', { resultType: 'odd' });
kept('list-no-ttl', 'tools/list without ttlMs', { ttlMs: undefined });
kept('list-no-scope', 'tools/list without cacheScope', { cacheScope: undefined });
kept('list-scope-odd', 'tools/list with cacheScope "odd"', { cacheScope: 'odd' });
kept('list-ttl-negative', 'tools/list with ttlMs -1', { ttlMs: -1 });
kept('list-cursor-null', 'nextCursor: null', { nextCursor: null });
odd('input-no-type', 'a tool with inputSchema {}', between({ ...good('odd'), inputSchema: {} }));
odd(
  'input-properties-null',
  'a tool with inputSchema.properties: null',
  between({ ...good('odd'), inputSchema: { type: 'object', properties: null } }),
);
odd(
  'input-required-null',
  'a tool with inputSchema.required: null',
  between({ ...good('odd'), inputSchema: { type: 'object', required: null } }),
);
odd(
  'input-property-true',
  'a tool with a property true',
  between({ ...good('odd'), inputSchema: { type: 'object', properties: { any: true } } }),
);
odd('output-array', 'a tool with outputSchema {"type": "array"}', between({ ...good('odd'), outputSchema: { type: 'array' } }));
odd('description-null', 'a tool with description: null', between({ ...good('odd'), description: null }));
odd('execution-null', 'a tool with execution: null', between({ ...good('odd'), execution: null }));
odd(
  'header',
  'a tool with x-mcp-header that is no header name',
  between({
    ...good('odd'),
    inputSchema: { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'not a name' } } },
  }),
);

// Both revisions, and only one of them is odd: who asks for server/discover first, stays in the newest.

const both = (name, what, parts) => shape('newest', `both-${name}`, `both revisions; ${what}`, { newest: undefined, both: true, ...parts });
const inNewest = (change) => (result) => ('ttlMs' in result ? change(result) : result);
const inOthers = (change) => (result) => ('ttlMs' in result ? result : change(result));
const withOdd = (result) => ({ ...result, tools: [...result.tools, { ...good('odd'), inputSchema: {} }] });
both('discover-no-tools', 'server/discover has capabilities without tools', {
  discover: (result) => ({ ...result, capabilities: {} }),
});
both('discover-instructions-null', 'server/discover has instructions: null', {
  discover: (result) => ({ ...result, instructions: null }),
});
both('list-odd-newest', 'in 2026-07-28 a tool with inputSchema {}', { list: inNewest(withOdd) });
both('list-odd-others', 'in the others a tool with inputSchema {}', { list: inOthers(withOdd) });
both('initialize-odd', 'initialize without serverInfo', { initialize: (result) => ({ ...result, serverInfo: undefined }) });

// What a server of the revisions before answers to server/discover, which clients that know the newest ask first.

const discover = (name, what, answer) =>
  shape('discover', `discover-${name}`, `server/discover gets ${what}`, {
    handle: (context) => context.rpc === 'server/discover' && answer(context),
  });
const rpcError = (id, code, message) => json({ jsonrpc: '2.0', id, error: { code, message } });
discover('400', '400 and error -32000, id null, as the reference SDK with sessions does', ({ reply }) =>
  reply(400, rpcError(null, -32000, 'Bad Request: Server not initialized'), problem),
);
discover('400-empty', '400 and nothing', ({ reply }) => reply(400, ''));
discover('404', '404 and nothing', ({ reply }) => reply(404, ''));
discover('404-rpc', '404 and error -32601', ({ reply, message }) =>
  reply(404, rpcError(message.id, -32601, 'Method not found'), problem),
);
discover('405', '405', ({ reply }) => reply(405, ''));
discover('422', '422', ({ reply }) => reply(422, ''));
discover('500', '500', ({ reply }) => reply(500, ''));
discover('503', '503', ({ reply }) => reply(503, ''));
discover('401', '401', refuse(401, { 'www-authenticate': BEARER }));
discover('403', '403', refuse(403));
discover('202', '202 and nothing', ({ reply }) => reply(202, ''));
discover('200-empty', '200 and nothing', ({ reply }) => reply(200, '', problem));
discover('200-html', '200 and a page of HTML', ({ reply }) =>
  reply(200, '<!doctype html><title>No</title>', { 'content-type': 'text/html' }),
);
discover('internal', '200 and error -32603', ({ reply, message }) =>
  reply(200, rpcError(message.id, -32603, 'Internal error'), problem),
);
discover('result-empty', '200 and an empty result', ({ reply, message }) =>
  reply(200, json({ jsonrpc: '2.0', id: message.id, result: {} }), problem),
);
discover('hangs', 'no answer', ({ hang }) => hang());
discover('reset', 'the end of the connection', ({ destroy }) => destroy());

shape('correct', 'good', 'all correct', {});

export { SHAPES };
