// The testee, driven as the conformance kit drives it.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import { tmpdir } from 'node:os';
import { readLines, writeLine } from '../testee/lines.js';
import { connect } from '../index.js';

const TESTEE = new URL('../testee.js', import.meta.url).pathname;
const KEY = '11'.repeat(32);
const hex = (text) => Buffer.from(text).toString('hex');
const folder = mkdtempSync(join(tmpdir(), 'bokbok-testee-'));

/** A testee, its replies by seq, and all that it wrote. */
class Driver {
  #seq = 0;
  #waiting = [];
  lines = [];

  constructor(input, output) {
    this.output = output;
    readLines(input, (line) => {
      this.lines.push(JSON.parse(line));
      for (const wake of this.#waiting.splice(0)) wake();
    }, () => {});
  }

  async find(matches) {
    for (;;) {
      const line = this.lines.find(matches);
      if (line) return line;
      await new Promise((resolve) => { this.#waiting.push(resolve); });
    }
  }

  send(command) {
    this.#seq += 1;
    writeLine(this.output, { seq: this.#seq, ...command });
    return this.#seq;
  }

  async command(command) {
    const seq = this.send(command);
    const reply = await this.find((line) => line.seq === seq);
    return reply.ok ?? reply.error;
  }

  event(name, rest = {}) {
    return this.find((line) => line.event === name && Object.entries(rest).every(([key, value]) => line[key] === value));
  }
}

function start(...parameters) {
  const child = spawn(process.execPath, [TESTEE, ...parameters], { stdio: ['pipe', 'pipe', 'inherit'] });
  return { child, driver: new Driver(child.stdout, child.stdin) };
}

test('commands, replies and events', async () => {
  const log = join(folder, 'keys');
  const { child, driver } = start('--key-log', log);
  const hello = await driver.command({ command: 'hello' });
  assert.equal(hello.contract, 1);
  assert.equal((await driver.command({ command: 'make-coffee' })).kind, 'unsupported');
  assert.equal((await driver.command({ command: 'deriveKey', passphrase: 'x' })).kind, 'unsupported');
  assert.deepEqual(await driver.command({ command: 'decodeValue', bytes: hex('(1:a())') }), { value: [{ hex: '61' }, []] });
  assert.equal((await driver.command({ command: 'decodeValue', bytes: hex('(1:a()') })).kind, 'malformed');
  assert.deepEqual(await driver.command({ command: 'encodeValue', value: [{ hex: '61' }, []] }), { bytes: hex('(1:a())') });
  const deep = JSON.parse('['.repeat(65) + ']'.repeat(65));
  assert.equal((await driver.command({ command: 'encodeValue', value: deep })).kind, 'malformed');

  const users = { alice: KEY, short: '11' };
  const { server, address } = await driver.command({
    command: 'listen', address: 'tcp:127.0.0.1:0', users, settings: { 'max-requests': 3 }, limits: { drainMs: 1000 },
  });
  assert.match(address, /^tcp:127\.0\.0\.1:\d+$/);
  for (const [user, key] of [['short', KEY], ['alice', '22'.repeat(32)]]) {
    const { kind, code } = await driver.command({ command: 'connect', address, user, key });
    assert.deepEqual([kind, code], ['refused', 'authentication-failed']);
  }
  assert.equal((await driver.command({ command: 'connect', address: '' })).kind, 'other');
  const { connection } = await driver.command({ command: 'connect', address, user: 'alice', key: KEY });
  const opened = await driver.event('opened', { server });
  assert.equal(opened.user, 'alice');
  const ask = (payload, on = connection) => driver.command({ command: 'request', connection: on, payload: hex(payload) });
  assert.deepEqual(await ask('(6:whoami)'), { response: hex('(5:alice)') });
  assert.deepEqual(await ask('(6:whoami)', opened.connection), { response: hex('(5:alice)') });
  const failed = await ask('(4:fail1:x1:y(1:z))');
  assert.deepEqual(failed, { kind: 'remote', code: 'x', message: 'y', details: [hex('(1:z)')] });

  const hanging = driver.send({ command: 'request', connection, payload: hex('(4:hang)') });
  await driver.event('request', { payload: hex('(4:hang)') });
  assert.deepEqual(await driver.command({ command: 'cancel', request: hanging }), {});
  assert.equal((await driver.find(({ seq }) => seq === hanging)).error.kind, 'cancelled');
  await driver.event('cancelled', { payload: hex('(4:hang)') });
  assert.deepEqual(await driver.command({ command: 'ping', connection }), {});
  assert.deepEqual(await driver.command({ command: 'cancel', request: hanging }), {});

  const closing = driver.send({ command: 'close', connection, code: 'bye' });
  await driver.find(({ seq }) => seq === closing);
  const order = driver.lines.map((line) => line.seq ?? `${line.event} ${line.connection}`);
  assert.equal(order[order.indexOf(closing) - 1].startsWith('closed'), true);
  assert.equal((await driver.event('closed', { connection: opened.connection })).code, 'bye');
  assert.equal((await ask('(6:whoami)')).kind, 'closing');

  const second = await driver.command({ command: 'connect', address, user: 'alice', key: KEY });
  assert.deepEqual(await driver.command({ command: 'abort', connection: second.connection }), {});
  assert.equal((await driver.event('closed', { connection: second.connection })).reason, 'aborted');
  assert.deepEqual(await driver.command({ command: 'stop', server }), {});

  const secrets = readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(secrets.map(({ role }) => role).sort(), ['client', 'client', 'server', 'server']);
  assert.equal(new Set(secrets.map(({ sessionKey }) => sessionKey)).size, 2);
  assert.equal(new Set(secrets.map(({ ephemeral }) => ephemeral)).size, 4);

  assert.deepEqual(await driver.command({ command: 'quit' }), {});
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('it ends when its input ends', async () => {
  const { child, driver } = start();
  await driver.command({ command: 'listen', address: join(folder, 's') });
  child.stdin.end();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('on standard input and output it is driven over the control descriptor', async () => {
  const users = join(folder, 'users');
  writeFileSync(users, JSON.stringify({ alice: KEY }), { mode: 0o600 });
  const child = spawn(process.execPath, [TESTEE, '--stdio', '--users-file', users, '--settings', '{"max-requests": 5}',
    '--limits', '{"drainMs": 100}'], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'], env: { ...process.env, BOKBOK_CONTROL_FD: '3' },
  });
  const driver = new Driver(child.stdio[3], child.stdio[3]);
  const { features } = await driver.command({ command: 'hello' });
  assert.ok(features.includes('control-fd'));
  child.stdin.write('GET / HTTP/1.1\r\n');
  await once(child.stdout, 'close'); // closed, while the process is there
  assert.equal((await driver.command({ command: 'hello' })).contract, 1);
  child.stdio[3].end();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a testee is the client of another on its standard input and output', async () => {
  const connection = await connect(`exec:"${process.execPath}" "${TESTEE}" --stdio --settings '{"max-message": 1024}'`,
    { allowExec: true });
  assert.equal(connection.maxMessage, 1024);
  await connection.close();
  assert.equal((await connection.command.exited).status, 0);
});
