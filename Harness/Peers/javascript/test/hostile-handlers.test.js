// What an application does wrong stays its own trouble: the process goes on, and the other side gets an answer.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BokbokError, TurnedDown, atomText, connect, serve } from '../index.js';

// What cannot be made a string, or throws when it is looked at.
const nameless = () => Object.create(null);
const treacherous = () => Object.defineProperty(new Error('x'), 'message', { get() { throw new Error('looked at'); } });

const THROWN = { nothing: () => undefined, text: () => 'text', nameless, treacherous, symbol: () => Symbol('s') };
const RETURNED = {
  'no value': () => undefined,
  'a value that throws': () => new Proxy([], { get() { throw nameless(); } }),
};
const logged = [];
let server;
let connection;

before(async () => {
  server = await serve('tcp:127.0.0.1:0', {
    log: (line) => logged.push(line),
    onClose: async () => { throw nameless(); },
    handler: async (payload, { signal }) => {
      const [kind, name] = payload.map((atom) => atomText(atom));
      if (kind === 'throw') throw THROWN[name]();
      if (kind === 'return') return RETURNED[name]();
      if (kind === 'hang') await new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); });
      return payload;
    },
  });
  connection = await connect(server.address);
});

after(() => server.stop());

for (const [kind, names] of [['throw', Object.keys(THROWN)], ['return', Object.keys(RETURNED)]]) {
  for (const name of names) {
    test(`a handler may ${kind} ${name}: handler-failed (E-1.b, E-4.b)`, async () => {
      await assert.rejects(connection.request([kind, name]), { kind: 'remote', code: 'handler-failed' });
      assert.equal(atomText((await connection.request(['echo']))[0]), 'echo');
    });
  }
}

test('a close handler whose promise rejects is logged, and ends nothing', async () => {
  const other = await connect(server.address);
  await other.close();
  while (!logged.some((line) => line.startsWith('a function of the application failed'))) {
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  assert.equal(atomText((await connection.request(['echo']))[0]), 'echo');
});

test('an open handler that throws what has no text turns the connection down (C-9.e)', async () => {
  const strict = await serve('tcp:127.0.0.1:0', { log: () => {}, onOpen: () => { throw nameless(); } });
  const turnedDown = await connect(strict.address);
  assert.equal((await turnedDown.closed).code, 'shutdown');
  await strict.stop();
  assert.ok(new TurnedDown('later') instanceof Error);
});

test('a request that its signal cancels fails with the reason of the signal as its cause', async () => {
  const reason = new Error('no longer wanted');
  const controller = new AbortController();
  const hanging = connection.request(['hang'], { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(hanging, (error) => error instanceof BokbokError && error.kind === 'cancelled' && error.cause === reason);
  const timed = connection.request(['hang'], { signal: AbortSignal.timeout(1) });
  await assert.rejects(timed, (error) => error.kind === 'cancelled' && error.cause.name === 'TimeoutError');
});

test('wrong options of a request are named, and nothing is sent', async () => {
  await assert.rejects(connection.request(['hang'], { sginal: AbortSignal.abort() }), /there is no option sginal/);
  await assert.rejects(connection.request(['hang'], { signal: 5000 }), /signal is an AbortSignal/);
  await assert.rejects(connection.request(['hang'], 5000), /options of a request are an object/);
});
