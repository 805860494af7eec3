// What `anthropics/claude-code-action@v1` makes of `claude_args`, with the npm package that it uses. Reads a JSON string from
// standard input, and prints the flags with their values.
//
//     node split.mjs shell-quote|shell-quote-newest
//
// Rewritten from `base-action/src/parse-sdk-options.ts`.

import { readFileSync } from 'node:fs';

const { parse } = (await import(process.argv[2])).default;

// Shell operators stand as private-use characters while the package splits.
const OPERATORS = '()|&;<>';
const FIRST = 0xe000;
const hide = (text) => text.replace(/[()|&;<>]/g, (c) => String.fromCharCode(FIRST + OPERATORS.indexOf(c)));
const show = (text) => text.replace(/[\uE000-\uE006]/g, (c) => OPERATORS[c.charCodeAt(0) - FIRST]);
const ACCUMULATING = ['allowedTools', 'allowed-tools', 'disallowedTools', 'disallowed-tools', 'mcp-config', 'add-dir'];

function flags(claudeArgs) {
  const uncommented = claudeArgs.split('\n').filter((line) => !line.trim().startsWith('#')).join('\n');
  const words = parse(hide(uncommented))
    .map((word) => (typeof word === 'string' ? word : word?.pattern))
    .filter((word) => typeof word === 'string')
    .map(show);
  const found = {};
  while (words.length) {
    const word = words.shift();
    if (!word.startsWith('--')) continue;
    const values = [];
    while (words.length && words[0] && !words[0].startsWith('--')) {
      values.push(words.shift());
      if (!ACCUMULATING.includes(word.slice(2))) break;
    }
    (found[word.slice(2)] ??= []).push(...values);
  }
  return found;
}

console.log(JSON.stringify(flags(JSON.parse(readFileSync(0, 'utf8')))));
