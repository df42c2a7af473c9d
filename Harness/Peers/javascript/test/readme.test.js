// The README's server and client run, and the client prints what the README says.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { tmpdir } from 'node:os';

const text = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'bokbok-readme-'));

function blocks(language) {
  return [...text.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code);
}

function start(name, code) {
  const file = join(folder, `${name}.mjs`);
  const library = new URL('../index.js', import.meta.url).href;
  writeFileSync(file, code.replaceAll('/tmp/example.sock', join(folder, 's')).replace("'bokbok'", `'${library}'`));
  return spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('the examples run and print what they say', async () => {
  const [serverCode, clientCode, ...more] = blocks('js');
  const [printed] = blocks('text');
  assert.deepEqual(more, []);
  const server = start('server', serverCode);
  const serverExited = once(server, 'exit');
  const [line] = await once(server.stdout, 'data');
  assert.match(line.toString(), /^serving on unix:/);
  const client = start('client', clientCode);
  let output = '';
  client.stdout.on('data', (bytes) => { output += bytes; });
  const [status] = await once(client, 'close');
  server.kill('SIGTERM');
  assert.equal(status, 0);
  assert.equal(output, printed);
  assert.deepEqual(await serverExited, [0, null], 'the server stops in order');
});
