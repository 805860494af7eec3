// Reads a line {"shape", "url"} for each shape, connects as an agent does, lists the tools, calls the first correct one, and
// prints a line {"shape", "tools" or "error", "called"}.

import { createInterface } from 'node:readline';

const PATIENCE = 6000; // milliseconds for one request
const LONGEST = 20_000; // milliseconds for one shape
const GOODBYE = 1000; // milliseconds for the end of a session
const AT_ONCE = 6;
const MOST_PAGES = 5;

/** Runs a client over all shapes that come on standard input. */
export async function run(newClient, Transport, call) {
  console.debug = console.warn = () => {};
  process.on('unhandledRejection', () => {});
  const waiting = [];
  for await (const line of createInterface({ input: process.stdin })) waiting.push(JSON.parse(line));
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const result = await limited(one(newClient(), Transport, call, next.url));
      process.stdout.write(`${JSON.stringify({ shape: next.shape, ...result })}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  process.exit(0);
}

async function limited(work) {
  let timer;
  const late = new Promise((done) => (timer = setTimeout(done, LONGEST, { error: `nothing within ${LONGEST / 1000} s` })));
  const result = await Promise.race([work, late]);
  clearTimeout(timer);
  return result;
}

async function one(client, Transport, call, url) {
  const transport = new Transport(new URL(url), { requestInit: { headers: { Authorization: 'Bearer any' } } });
  const options = { timeout: PATIENCE };
  const asides = [];
  client.onerror = (error) => asides.push(short(error));
  let step = 'initialize';
  try {
    await client.connect(transport, options);
    step = 'tools/list';
    const tools = await list(client, options);
    const called = await call(client, 'good_one', options).then(
      () => true,
      (error) => short(error),
    );
    await Promise.race([transport.terminateSession(), new Promise((done) => setTimeout(done, GOODBYE))]).catch(() => {});
    return { tools, called };
  } catch (error) {
    const aside = asides.find((text) => text !== short(error));
    return { error: `${step}: ${short(error)}${aside && /timed out|closed/i.test(error.message) ? ` (${aside})` : ''}` };
  } finally {
    await client.close().catch(() => {});
  }
}

async function list(client, options) {
  const names = [];
  let cursor;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const result = await client.listTools(cursor === undefined ? undefined : { cursor }, options);
    names.push(...result.tools.map((tool) => tool.name));
    cursor = result.nextCursor;
    if (!cursor) return names;
  }
  return [...names, '…'];
}

/** An error in one line. */
function short(error) {
  const status = error?.data?.status ?? error?.status ?? (error?.code >= 300 && error.code < 600 ? error.code : undefined);
  const cause = error?.cause?.message ? `: ${error.cause.message}` : '';
  const [, said, list] = /^([^[]*)(\[.*\])?/s.exec(error?.message ?? String(error));
  const issues = error?.issues ?? (list && parsed(list));
  const text =
    Array.isArray(issues) && issues.every((issue) => issue.path)
      ? issueTexts(said, issues)
      : `${error?.message ?? error}${cause}`;
  return `${status ? `${status}, ` : ''}${text.replace(/\s+/g, ' ')}`.slice(0, 160);
}

function issueTexts(said, issues) {
  const texts = flat(issues).map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '));
  return texts.slice(0, 2).join('; ') || said;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The issues of the alternative of a union that came nearest. */
function flat(issues) {
  return issues.flatMap((issue) =>
    issue.code === 'invalid_union' && issue.errors?.length
      ? flat([...issue.errors].sort((a, b) => a.length - b.length)[0])
      : [issue],
  );
}
