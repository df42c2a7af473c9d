// Servers on standard input and output, and the commands of `exec:` addresses.

import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { tmpdir } from 'node:os';
import { atomText, connect } from '../index.js';

const NODE = `"${process.execPath}"`;
const program = (name) => new URL(`programs/${name}`, import.meta.url).pathname;
const PRINTING = program('printing-server.js');
const folder = mkdtempSync(join(tmpdir(), 'bokbok-stdio-'));

async function ask(connection, what) {
  for (let round = 0; round < 3; round += 1) {
    assert.equal(atomText((await connection.request([what, 'x']))[1]), 'x');
  }
  const large = Buffer.alloc(500000, 1);
  assert.ok((await connection.request([what, large]))[1].equals(large));
}

test('what is printed on two pipes does not reach the protocol (A-2.b, A-2.d)', async () => {
  const log = join(folder, 'pipes');
  const shell = `exec:sh -c 'cat | ${NODE} "${PRINTING}" 2>>"${log}" | cat'`;
  const connection = await connect(shell, { allowExec: true });
  await ask(connection, 'print-everywhere');
  assert.equal((await connection.close()).reason, 'clean');
  assert.deepEqual(await connection.command.exited, { status: 0, signal: null });
  const printed = readFileSync(log, 'utf8');
  for (const line of ['printed by console.log', 'printed by process.stdout', 'written to descriptor 1', 'printed by a child']) {
    assert.equal(printed.split(`${line}\n`).length, 5, line);
  }
});

test('what is printed by way of Node on two sockets does not reach the protocol (A-2.b, A-2.d)', async () => {
  // Node gives a child sockets.
  const connection = await connect(`exec:sh -c 'exec ${NODE} "${PRINTING}" 2>>"${join(folder, 'sockets')}"'`, { allowExec: true });
  await ask(connection, 'print');
  assert.equal((await connection.close()).reason, 'clean');
  await connection.command.exited;
  assert.match(readFileSync(join(folder, 'sockets'), 'utf8'), /^(printed by (console\.log|process\.stdout)\n){8}$/);
});

test('one socket is both standard input and output, as inetd passes it (A-2.c)', async () => {
  const path = join(folder, 'inetd');
  const inetd = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  inetd.listen(path);
  await once(inetd, 'listening');
  const connecting = connect(path);
  const [socket] = await once(inetd, 'connection');
  const log = join(folder, 'inetd-log');
  const child = spawn(process.execPath, [PRINTING], { stdio: [socket, socket, openSync(log, 'a')] });
  socket.destroy();
  inetd.close();
  const connection = await connecting;
  await ask(connection, 'print-everywhere');
  assert.equal((await connection.close()).reason, 'clean');
  await once(child, 'close');
  assert.equal(readFileSync(log, 'utf8').split('written to descriptor 1\n').length, 5);
});

test('standard input that is no stream is refused with a clear error', async () => {
  const child = spawn(process.execPath, [PRINTING], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stderr.on('data', (bytes) => { text += bytes; });
  const [status] = await once(child, 'close');
  assert.notEqual(status, 0);
  assert.match(text, /needs a pipe or a socket as standard input/);
});

test('a command that does not end gets SIGTERM, and then SIGKILL (A-3.a, A-3.b)', async () => {
  for (const [mode, limits, signal] of [
    ['stay', { terminateMilliseconds: 100 }, 'SIGTERM'],
    ['stay for-ever', { terminateMilliseconds: 0, killMilliseconds: 100 }, 'SIGKILL'],
  ]) {
    const connection = await connect(`exec:${NODE} "${PRINTING}" ${mode}`, { allowExec: true, limits });
    await connection.close();
    assert.deepEqual(await connection.command.exited, { status: null, signal });
  }
});

test('a command that goes away loses the connection, and is reaped (A-3.c)', async () => {
  const connection = await connect(`exec:${NODE} "${PRINTING}"`, { allowExec: true });
  process.kill(connection.command.pid, 'SIGKILL');
  assert.equal((await connection.closed).reason, 'lost');
  assert.equal((await connection.command.exited).signal, 'SIGKILL');
  assert.throws(() => process.kill(connection.command.pid, 0), { code: 'ESRCH' });
  await assert.rejects(connect('exec:true', { allowExec: true }), { kind: 'lost' });
  await assert.rejects(connect('exec:echo HTTP', { allowExec: true }), { kind: 'notBokbok' });
});

test('a command inherits no descriptor but its three (A-3.d)', async () => {
  // The client is started with more: one that Node takes care of, and one that it does not.
  const stdio = ['ignore', 'inherit', 'inherit', 'pipe', ...new Array(36).fill('ignore'), 'pipe'];
  // The link to the directory that ls reads is one of its own.
  const descriptors = async (environment) => {
    const list = join(folder, 'descriptors');
    const address = `exec:sh -c 'ls -l /proc/self/fd > "${list}"'`;
    const child = spawn(process.execPath, [program('exec-client.js'), address], { stdio, env: environment });
    await once(child, 'close');
    const links = readFileSync(list, 'utf8').trim().split('\n').slice(1).map((line) => line.split(' ').at(-3).concat(line.split(' -> ')[1]));
    return links.filter((link) => !/^[012]\D/.test(link) && !link.includes('/proc/'));
  };
  assert.deepEqual(await descriptors(process.env), []);
  // Where no shell can close it, it leads nowhere.
  const bin = mkdtempSync(join(tmpdir(), 'bokbok-bin-'));
  for (const name of ['sh', 'ls']) symlinkSync(`/bin/${name}`, join(bin, name));
  const covered = await descriptors({ PATH: bin });
  assert.ok(covered.includes('40/dev/null'), covered.join());
  assert.ok(covered.every((link) => link.endsWith('/dev/null')), covered.join());
});

test('a command that is not there is an error of the kind address, with descriptors to close too', async () => {
  const stdio = ['ignore', 'pipe', 'inherit', ...new Array(37).fill('ignore'), 'pipe'];
  for (const more of [[], stdio.slice(3)]) {
    const child = spawn(process.execPath, [program('exec-client.js'), 'exec:/no/such/command'],
      { stdio: [...stdio.slice(0, 3), ...more] });
    let text = '';
    child.stdout.on('data', (bytes) => { text += bytes; });
    await once(child, 'close');
    assert.match(text, /^address: the command "\/no\/such\/command" cannot be started/);
  }
});
