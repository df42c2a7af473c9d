// Both roles of this library against each other, over every transport, plain and sealed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { atomText, connect, encode, serve } from '../index.js';
import { serveConformance } from '../testee/service.js';

const KEY = Buffer.alloc(32, 9);
const TESTEE = new URL('../testee.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'bokbok-live-'));
const usersFile = join(folder, 'users.json');
writeFileSync(usersFile, JSON.stringify({ alice: KEY.toString('hex') }), { mode: 0o600 });

const text = (value) => (Array.isArray(value) ? value.map(text) : atomText(value));

for (const sealed of [false, true]) {
  for (const transport of ['tcp', 'unix', 'exec']) {
    describe(`${sealed ? 'sealed' : 'plain'} over ${transport}`, () => {
      const ends = [];
      let server;
      const open = async (options = {}, serverOptions = {}) => {
        const common = { handler: serveConformance, ...(sealed && { user: 'alice', key: KEY }), ...options };
        if (transport === 'exec') {
          const users = sealed ? ` --users-file '${usersFile}'` : '';
          return connect(`exec:"${process.execPath}" "${TESTEE}" --stdio${users}`, { ...common, allowExec: true });
        }
        server = await serve(transport === 'tcp' ? 'tcp:127.0.0.1:0' : `unix:${join(folder, 's')}`, {
          handler: serveConformance,
          onClose: (_, end) => ends.push(end),
          ...(sealed && { users: { alice: KEY } }),
          ...serverOptions,
        });
        return connect(server.address, common);
      };
      const finish = async (connection) => {
        const end = await connection.close('bye', 'so long');
        assert.deepEqual({ reason: end.reason, code: end.code, text: end.text },
          { reason: 'clean', code: 'bye', text: 'so long' });
        if (transport === 'exec') {
          assert.deepEqual(await connection.command.exited, { status: 0, signal: null });
        } else {
          await server.stop();
          assert.equal(ends.at(-1).code, 'bye');
        }
      };

      test('the conformance service', async () => {
        const connection = await open();
        const ask = async (...payload) => text(await connection.request(payload));
        assert.deepEqual(await ask('echo', 'é', ['x', []]), ['echo', 'é', ['x', []]]);
        assert.deepEqual(await ask('whoami'), sealed ? ['alice'] : []);
        assert.deepEqual(await ask('sleep', 1), ['slept', '1']);
        assert.deepEqual(await ask('callback', 3), [['echo', '1'], ['echo', '2'], ['echo', '3']]);
        assert.deepEqual(await ask('nest', 5), [[[[[['nested']]]]]]);
        assert.equal((await ask('many', 1000)).length, 1000);
        const digest = await connection.request(['digest', 'abc']);
        assert.ok(digest.equals(createHash('sha256').update('abc').digest()));
        for (const wrong of [['nothing'], ['sleep'], ['sleep', '01'], ['sleep', 4294967296], 'echo', [], [['echo']]]) {
          await assert.rejects(connection.request(wrong), { kind: 'remote', code: 'unknown-request' });
        }
        await assert.rejects(connection.request(['fail', 'my.code', 'why', ['d'], 'e']), (error) => {
          assert.deepEqual([error.code, error.text, text(error.details)], ['my.code', 'why', [['d'], 'e']]);
          return true;
        });
        for (const code of ['closing', 'NO', '', 'a'.repeat(65)]) {
          await assert.rejects(connection.request(['fail', code, 'why', 'd']),
            (error) => error.code === 'handler-failed' && error.text === 'why' && text(error.details)[0] === 'd');
        }
        await assert.rejects(connection.request(['crash']), { code: 'handler-failed' });
        await assert.rejects(connection.request(['many', 1048576]), { code: 'handler-failed' });
        await finish(connection);
      });

      test('large messages, many at once, and cancelling', async () => {
        const connection = await open({ settings: { maxMessage: 300000 } });
        const large = Buffer.alloc(290000, 'z');
        const [echo, blob, ...small] = await Promise.all([
          connection.request(['echo', large]),
          connection.request(['blob', 200000]),
          ...Array.from({ length: 300 }, (_, index) => connection.request(['echo', index])),
        ]);
        assert.ok(echo[1].equals(large));
        assert.ok(blob.every((byte, index) => byte === index % 251));
        assert.deepEqual(small.map((answer) => text(answer)[1]), Array.from({ length: 300 }, (_, index) => `${index}`));
        await assert.rejects(connection.request(['blob', 300000]), { code: 'too-large' });
        await assert.rejects(connection.request(Buffer.alloc(16777216)), { kind: 'tooLarge' });
        const controllers = [new AbortController(), new AbortController()];
        const cancelled = [['hang'], ['stubborn', 1]].map((payload, index) => assert.rejects(
          connection.request(payload, { signal: controllers[index].signal }), { kind: 'cancelled' },
        ));
        await connection.ping();
        for (const controller of controllers) controller.abort();
        await Promise.all(cancelled);
        await finish(connection);
      });
    });
  }
}

test('what cannot be sent fails at the caller, and the connection goes on (E-4.a)', async () => {
  const server = await serve('tcp:127.0.0.1:0', { handler: serveConformance });
  const connection = await connect(server.address);
  const loop = [];
  loop.push(loop);
  await assert.rejects(connection.request(loop), { kind: 'malformed' });
  await assert.rejects(connection.request(new Array(1048576).fill('')), { kind: 'malformed' });
  await assert.rejects(connection.request([undefined]), TypeError);
  await assert.rejects(connection.request(-1), TypeError);
  await assert.rejects(connection.request('\ud800'), TypeError);
  await assert.rejects(connection.close('Not A Code'), TypeError);
  await assert.rejects(connection.close('protocol-error'), TypeError); // C-9.g
  assert.equal(atomText(await connection.request(['echo', 10n ** 20n]).then(([, number]) => number)), `1${'0'.repeat(20)}`);
  await connection.close();
  await assert.rejects(connection.request('x'), { kind: 'closing' });
  await assert.rejects(connection.ping(), { kind: 'closing' });
  await server.stop();
});

test('users are told apart byte for byte, and failures are all the same (H-4, H-12)', async () => {
  const [composed, decomposed] = ['é', 'e\u0301'];
  const other = Buffer.alloc(32, 1);
  const lines = [];
  const server = await serve('tcp:127.0.0.1:0', {
    users: new Map([[composed, KEY], [decomposed, other]]), handler: serveConformance, log: (line) => lines.push(line),
  });
  for (const [user, key] of [[composed, KEY], [decomposed, other]]) {
    const connection = await connect(server.address, { user, key });
    assert.deepEqual(text(await connection.request(['whoami'])), [user]);
    connection.abort();
  }
  for (const [user, key] of [[composed, other], ['nobody', KEY], ['__proto__', KEY]]) {
    await assert.rejects(connect(server.address, { user, key }), { kind: 'refused', code: 'authentication-failed' });
  }
  assert.equal(lines.length, 3);
  await assert.rejects(connect(server.address), { kind: 'refused', code: 'mode-mismatch' });
  await server.stop();
});

test('a lookup that fails, or gives no key, finds nobody (H-4.g, H-4.h)', async () => {
  const answers = { throws: () => { throw new Error('no'); }, rejects: () => Promise.reject(new Error('no')),
    short: () => Buffer.alloc(31), text: () => 'x'.repeat(32), good: () => KEY };
  const server = await serve('tcp:127.0.0.1:0', { lookup: (user) => answers[user](), log: () => {} });
  for (const user of ['throws', 'rejects', 'short', 'text']) {
    await assert.rejects(connect(server.address, { user, key: KEY }), { code: 'authentication-failed' });
  }
  (await connect(server.address, { user: 'good', key: KEY })).abort();
  await server.stop({ graceful: false });
});

test('an open handler lets connections in and turns them down (C-9)', async () => {
  const { TurnedDown } = await import('../index.js');
  const told = [];
  let decide;
  const server = await serve('tcp:127.0.0.1:0', {
    handler: serveConformance,
    onOpen: () => new Promise((resolve, reject) => { decide = { resolve, reject }; }),
    onClose: (_, end) => told.push(end),
    log: () => {},
  });
  const first = await connect(server.address);
  const answer = first.request(['echo']);
  await first.ping();
  decide.resolve();
  assert.deepEqual(text(await answer), ['echo']);
  for (const [error, code] of [[new TurnedDown('no.room', 'sorry'), 'no.room'], [new Error('x'), 'shutdown'],
    [new TurnedDown('protocol-error'), 'shutdown']]) {
    const connection = await connect(server.address);
    const refused = assert.rejects(connection.request(['echo']), { kind: 'closing', code: 'closing' });
    await connection.ping();
    decide.reject(error);
    await refused;
    assert.equal((await connection.closed).code, code);
  }
  assert.deepEqual(told, []);
  await first.close();
  await server.stop();
  assert.equal(told.length, 1);
});

test('a server that stops says so, finishes what is under way, and removes its socket (C-1.b)', async () => {
  const path = join(folder, 'stopping');
  const server = await serve(path, { handler: serveConformance });
  const connection = await connect(path);
  const answer = connection.request(['sleep', 50]);
  await connection.ping();
  const stopped = server.stop();
  assert.deepEqual(text(await answer), ['slept', '50']);
  assert.equal((await connection.closed).code, 'shutdown');
  await stopped;
  await assert.rejects(connect(path), { kind: 'address' });
});

test('requests and PINGs fail with the end of their connection (C-6.c, P-2.b)', async () => {
  const server = await serve('tcp:127.0.0.1:0', { handler: serveConformance });
  const cancelled = [];
  const connection = await connect(server.address, {
    handler: (_, { signal }) => new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(cancelled.push(true)));
    }),
  });
  const lost = assert.rejects(connection.request(['nest', 1]), { kind: 'lost' });
  await connection.ping();
  await server.stop({ graceful: false });
  await lost;
  assert.equal((await connection.closed).reason, 'lost');
  assert.deepEqual(cancelled, [true]);
  await assert.rejects(connection.request('x'), { kind: 'lost' });
});

test('connecting can be given up', async () => {
  const { Raw } = await import('./raw.js');
  const { address, accepted } = await Raw.listen();
  const controller = new AbortController();
  const refused = assert.rejects(connect(address, { signal: controller.signal }), { kind: 'cancelled' });
  const raw = await accepted;
  controller.abort();
  await refused;
  raw.destroy();
  await assert.rejects(connect(address, { signal: AbortSignal.abort() }), { kind: 'cancelled' });
});

test('the encoding is the one of the specification', () => {
  assert.equal(encode(['ping', 12345]).toString(), '(4:ping5:12345)');
});
