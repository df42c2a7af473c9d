// The machine alone: no stream, no time but the test's.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Kind, MAX_RECORD, frame, framesIn, preamble, readError, record } from '../source/wire.js';
import { decode, encode } from '../source/values.js';
import { Driven, messagesIn, recordsIn } from './driven.js';
import { CipherState } from '../source/noise.js';
import { RequestError } from '../index.js';

const SETTINGS = frame(Kind.settings, 0, Buffer.from('()'));
const OPENING = Buffer.concat([preamble(0), record(SETTINGS)]);
const KEY = Buffer.alloc(32, 7);

const request = (id, value, more = false) => frame(Kind.request, id, encode(value), more);
const frames = (...parts) => record(Buffer.concat(parts));
const types = (actions) => actions.map(({ type }) => type);

/** A server that is open and admitted, whose peer is the test. */
function openServer({ admitted = true, opening = OPENING, ...options } = {}) {
  const server = new Driven({ role: 'server', ...options });
  server.start();
  server.receive(opening);
  if (admitted) server.do((machine) => machine.admit());
  server.takeBytes();
  server.takeActions();
  return server;
}

/** A client that is open, whose peer is the test. */
function openClient({ settings = Buffer.from('()'), ...options } = {}) {
  const client = new Driven({ role: 'client', ...options });
  client.start();
  client.receive(Buffer.concat([preamble(0), record(frame(Kind.settings, 0, settings))]));
  client.do((machine) => machine.admit());
  client.takeBytes();
  client.takeActions();
  return client;
}

const sentBy = (driven) => messagesIn(recordsIn(driven.takeBytes()));
const framesBy = (driven) => recordsIn(driven.takeBytes()).flatMap((content) => [...framesIn(content)]);
const endOf = (driven) => driven.takeActions().find(({ type }) => type === 'ended')?.end;

/** Moves bytes between two machines, in pieces of at most this size, until none are left. */
function exchange(first, second, size = Infinity) {
  for (;;) {
    let moved = false;
    for (const [from, to] of [[first, second], [second, first]]) {
      const bytes = from.takeBytes();
      for (let at = 0; at < bytes.length; at += Math.min(size, bytes.length)) {
        to.receive(bytes.subarray(at, at + Math.min(size, bytes.length)));
        const lookUp = to.actions.find(({ type }) => type === 'lookUp');
        if (lookUp && !lookUp.done) {
          lookUp.done = true;
          to.do((machine) => machine.keyFound(KEY));
        }
      }
      moved ||= bytes.length > 0;
    }
    if (!moved) return;
  }
}

for (const sealed of [false, true]) {
  for (const size of [1, 2, 3, 7, 16, 100, Infinity]) {
    test(`a ${sealed ? 'sealed' : 'plain'} connection in pieces of ${size} bytes`, () => {
      const client = new Driven({ role: 'client', sealed, ...(sealed && { user: 'zoë', key: KEY }) });
      const server = new Driven({ role: 'server', sealed, unknownUserKey: Buffer.alloc(32) });
      client.start();
      server.start();
      exchange(client, server, size);
      const opened = [client, server].map((side) => side.takeActions().find(({ type }) => type === 'opened'));
      assert.deepEqual(opened.map(({ user }) => user), sealed ? ['zoë', 'zoë'] : [null, null]);
      for (const side of [client, server]) side.do((machine) => machine.admit());
      const long = Buffer.alloc(70000, 'x');
      for (const [requester, responder] of [[client, server], [server, client]]) {
        requester.do((machine) => machine.request(['echo', long]));
        exchange(client, server, size);
        const [{ exchange: taken, payload }] = responder.takeActions();
        responder.do((machine) => machine.answer(taken, payload));
        exchange(client, server, size);
        const [{ type, value }] = requester.takeActions();
        assert.equal(type, 'answered');
        assert.ok(value[1].equals(long));
      }
      client.do((machine) => machine.close('normal', ''));
      exchange(client, server, size);
      for (const side of [client, server]) {
        assert.equal(endOf(side).reason, 'clean');
        assert.ok(side.shutDown);
        side.do((machine) => machine.inputEnded());
        assert.ok(side.closed);
      }
    });
  }
}

describe('sending', () => {
  test('small messages get through beside large ones, and PONGs before them (X-4.d, P-1.b)', () => {
    const client = openClient();
    client.machine.request(['large', Buffer.alloc(300000)]);
    client.machine.takeOutput();
    client.machine.request(['small']);
    client.machine.receive(record(frame(Kind.ping, 0, Buffer.alloc(8, 1))));
    client.flush();
    const order = framesBy(client).map(({ kind, id }) => [kind, id]);
    assert.deepEqual(order[0], [Kind.pong, 0]);
    const small = order.findIndex(([kind, id]) => kind === Kind.request && id === 2);
    assert.ok(small > 0 && small <= 2, `the small request is frame ${small}`);
  });

  test('messages of more than one frame wait for room in max-partial, and others pass (X-10.a to X-10.d)', () => {
    const settings = encode([['max-message', 200000], ['max-partial', 250000]]);
    const client = openClient({ settings });
    const lengths = [199000, 99000, 199000];
    const requests = lengths.map((length) => client.machine.request(Buffer.alloc(length)));
    client.machine.request('short');
    const begun = () => recordsIn(client.machine.takeOutput()).flatMap((content) => [...framesIn(content)])
      .map(({ id, more }) => `${id}${more ? '+' : ''}`);
    // 2 waits for room, 3 behind it; 4 is one frame.
    assert.deepEqual(begun(), ['1+']);
    assert.deepEqual(begun(), ['4', '1+']);
    client.machine.cancel(requests[0]); // makes room for 2, and not yet for 3 (98 + 199 KB)
    assert.deepEqual(begun()[1], '2+');
    assert.deepEqual(begun(), ['2', '3+']);
  });

  test('a request is cancelled before its place, before its first frame, and in the middle (X-7)', () => {
    const client = openClient({ settings: encode([['max-requests', 2]]) });
    const [large, placed, waiting] = [Buffer.alloc(200000), 'b', 'c'].map((value) => client.machine.request([value]));
    client.machine.takeOutput(); // the first fragment of the first
    for (const given of [placed, waiting, large]) client.machine.cancel(given);
    client.flush();
    const sent = framesBy(client);
    // The first is the fragment of 'a' that went before; nothing of the others was sent.
    assert.deepEqual(sent.map(({ kind, id }) => [kind, id]), [[Kind.cancel, 1]]);
    assert.deepEqual(types(client.takeActions()), ['failed', 'failed', 'failed']);
    client.do((machine) => machine.request(['d']));
    client.do((machine) => machine.request(['e']));
    assert.deepEqual(framesBy(client).map(({ kind }) => kind), [Kind.request], 'one place stays taken (X-7.i)');
    client.receive(record(frame(Kind.error, 1, encode(['cancelled', '']))));
    assert.deepEqual(framesBy(client).map(({ kind }) => kind), [Kind.request]);
    assert.deepEqual(client.takeActions(), []);
  });

  test('requests that have a place go out whole before the CLOSE, and others fail (C-1.g, C-1.h)', () => {
    const client = openClient({ settings: encode([['max-requests', 2]]) });
    const large = ['a', Buffer.alloc(200000)];
    client.machine.request(large);
    client.machine.request(['b']);
    client.machine.request(['c']);
    client.do((machine) => machine.close('bye', ''));
    assert.deepEqual(sentBy(client).map(({ kind, id }) => [kind, id]),
      [[Kind.request, 2], [Kind.request, 1], [Kind.close, 0]]);
    const actions = client.takeActions();
    assert.deepEqual(types(actions), ['failed']);
    assert.equal(actions[0].error.kind, 'closing');
    assert.throws(() => client.machine.request(['d']), { kind: 'closing' });
  });

  test('a CLOSE that comes while the own one waits is answered at once (C-2.b to C-2.e)', () => {
    const client = openClient();
    client.machine.request(['a', Buffer.alloc(200000)]);
    client.machine.takeOutput();
    client.machine.request(['b']); // has a place, and nothing is sent of it
    client.machine.close('bye', 'own');
    client.machine.receive(record(frame(Kind.close, 0, encode(['theirs', 'first']))));
    client.flush();
    const order = framesBy(client);
    assert.equal(order[0].kind, Kind.close);
    assert.deepEqual(decode(order[0].body).map(String), ['normal', '']);
    assert.ok(order.slice(1).every(({ kind, id }) => kind === Kind.request && id === 1));
    assert.equal(order.at(-1).more, false, 'what was sent in part goes on to its end');
    assert.equal(client.takeActions()[0].error.kind, 'closing');
    client.receive(record(frame(Kind.error, 1, encode(['closing', '']))));
    const { reason, code, text } = endOf(client);
    assert.deepEqual({ reason, code, text }, { reason: 'clean', code: 'theirs', text: 'first' }); // C-4.d
  });

  test('ids wrap around after the largest (X-1.a)', () => {
    const client = openClient();
    const ids = [];
    for (let index = 0; index < 3; index += 1) {
      client.do((machine) => machine.request(['a']));
      const [{ id }] = framesBy(client);
      ids.push(id);
      client.receive(record(frame(Kind.response, id, encode('x'))));
    }
    assert.deepEqual(ids, [1, 2, 3]);
  });

  test('an error is cut between characters to fit a frame, and then loses details from the end (E-3)', () => {
    const bodyOf = (error) => {
      const server = openServer();
      server.receive(record(request(1, 'x')));
      const [{ exchange: taken }] = server.takeActions();
      server.do((machine) => machine.fail(taken, error));
      const [{ body }] = framesBy(server);
      return { length: body.length, ...readError(body) };
    };
    const cut = bodyOf(new RequestError('a', 'é'.repeat(40000), ['d']));
    assert.equal(cut.length, 65527 - 1); // one byte less, since é has two
    assert.equal(cut.details.length, 1);
    assert.match(cut.text, /^é+$/);
    const dropped = bodyOf(new RequestError('a', 'é'.repeat(600), [Buffer.alloc(40000), Buffer.alloc(30000)]));
    assert.equal(dropped.text, 'é'.repeat(512));
    assert.equal(dropped.details.length, 1);
    const whole = bodyOf(new RequestError('a', 'm', [Buffer.alloc(65000)]));
    assert.deepEqual([whole.text, whole.details.length], ['m', 1]);
    let deep = [];
    for (let level = 1; level < 64; level += 1) deep = [deep];
    assert.deepEqual(bodyOf(new RequestError('a', 'm', ['x', deep])), // E-4.c
      { length: 22, code: 'handler-failed', text: 'm', details: [] });
    assert.equal(bodyOf(new RequestError('a', 'm', ['x', deep[0]])).details.length, 2);
  });

  test('hidden errors say nothing, and are logged (E-1.h)', () => {
    const server = openServer({ hideErrors: true });
    server.receive(frames(request(1, 'x'), request(2, 'x')));
    const [first, second] = server.takeActions().map(({ exchange: taken }) => taken);
    server.do((machine) => machine.fail(first, new RequestError('closing', 'secret', ['secret'])));
    server.do((machine) => machine.fail(second, new RequestError('mine', 'open')));
    const errors = framesBy(server).map(({ body }) => readError(body));
    assert.deepEqual(errors[0], { code: 'handler-failed', text: 'the request failed', details: [] });
    assert.equal(errors[1].text, 'open');
    assert.match(server.takeActions()[0].text, /secret/);
  });
});

describe('limits', () => {
  test('reading stops while too many PONGs wait, and goes on (P-4.b)', () => {
    const server = openServer({ limits: { ownOutputBytes: 1000 } });
    const pings = record(Buffer.concat(new Array(100).fill(frame(Kind.ping, 0, Buffer.alloc(8)))));
    const late = record(request(1, 'late'));
    server.machine.receive(Buffer.concat([pings, late]));
    assert.equal(server.machine.readingPaused, true);
    assert.deepEqual(server.machine.takeActions(), [], 'what follows is not looked at');
    const output = server.machine.takeOutput();
    assert.equal(recordsIn(output)[0].length, 1600);
    assert.equal(server.machine.readingPaused, false);
    assert.deepEqual(types(server.machine.takeActions()), ['handle']);
  });

  test('requests wait for their handler while too many answers wait (P-5)', () => {
    const server = openServer({ limits: { answersBytes: 1000 } });
    const { machine } = server;
    machine.receive(frames(...[1, 2, 3].map((id) => request(id, 'x'))));
    const taken = machine.takeActions().map((action) => action.exchange);
    machine.answer(taken[0], Buffer.alloc(5000)); // the longest does not count
    machine.answer(taken[1], Buffer.alloc(900));
    machine.receive(frames(request(4, 'x')));
    machine.answer(taken[2], Buffer.alloc(900));
    machine.receive(frames(request(5, 'x'), request(6, 'x'), frame(Kind.ping, 0, Buffer.alloc(8))));
    machine.receive(frames(frame(Kind.cancel, 6, Buffer.alloc(0))));
    const handled = () => machine.takeActions().filter(({ type }) => type === 'handle').map(({ exchange: { id } }) => id);
    assert.deepEqual(handled(), [4]);
    const sent = recordsIn(machine.takeOutput()).flatMap((content) => [...framesIn(content)]);
    assert.deepEqual(sent.slice(0, 2).map(({ kind, id }) => [kind, id]), [[Kind.pong, 0], [Kind.error, 6]]);
    assert.deepEqual(handled(), [5]);
  });

  test('the counter of a cipher ends before 2^64 - 1 (R-4.a)', () => {
    const state = new CipherState(Buffer.alloc(32), 2n ** 64n - 2n);
    state.seal(Buffer.alloc(1));
    assert.ok(state.exhausted);
    assert.throws(() => state.seal(Buffer.alloc(1)));
  });

  test('an open handler keeps requests waiting, and turns them down (C-9)', () => {
    const server = openServer({ admitted: false });
    server.receive(frames(request(1, 'x'), request(2, 'y')));
    assert.deepEqual(server.takeActions(), []);
    server.do((machine) => machine.turnDown('not-now', 'later'));
    const sent = framesBy(server);
    assert.deepEqual(sent.map(({ kind }) => kind), [Kind.error, Kind.error, Kind.close]);
    assert.ok(sent.slice(0, 2).every(({ body }) => readError(body).code === 'closing'));
    server.receive(record(frame(Kind.close, 0, encode(['normal', '']))));
    assert.equal(endOf(server).code, 'not-now');
  });

  test('the largest records are taken, sealed and plain (R-1.c)', () => {
    const server = openServer();
    const value = Buffer.alloc(MAX_RECORD - 8 - 6, 'x');
    const whole = record(request(1, value));
    assert.equal(whole.length, MAX_RECORD + 2);
    server.receive(whole);
    assert.ok(server.takeActions()[0].payload.equals(value));
  });
});

describe('time', () => {
  const driveWith = (limits, open) => {
    const clock = { now: 0 };
    const driven = open({ limits, clock: () => clock.now });
    return {
      driven,
      pass(milliseconds) {
        clock.now += milliseconds;
        driven.do((machine) => machine.tick());
      },
    };
  };

  test('keepalive: a PING after silence, and the end without an answer (P-3)', () => {
    const limits = { keepaliveMilliseconds: 100, keepaliveTimeoutMilliseconds: 50 };
    const { driven, pass } = driveWith(limits, openServer);
    pass(99);
    driven.receive(record(frame(Kind.pong, 0, Buffer.alloc(8)))); // any record
    pass(99);
    assert.deepEqual(framesBy(driven), []);
    driven.receive(record(request(1, 'x')).subarray(0, 5)); // not a whole one
    pass(1);
    assert.deepEqual(framesBy(driven).map(({ kind }) => kind), [Kind.ping]);
    pass(49);
    assert.equal(driven.closed, false);
    pass(1);
    assert.equal(driven.closed, true);
    assert.equal(endOf(driven).reason, 'lost');
  });

  test('the drain time limit ends what does not end (C-5)', () => {
    const { driven, pass } = driveWith({ drainMilliseconds: 500 }, openServer);
    driven.receive(record(request(1, 'x')));
    driven.do((machine) => machine.close('normal', ''));
    pass(499);
    assert.equal(driven.closed, false);
    pass(1);
    assert.equal(driven.closed, true);
    const end = driven.takeActions().find(({ type }) => type === 'ended');
    assert.equal(end.end.reason, 'lost');
    assert.equal(end.handled.length, 1, 'the handler is told to stop');
  });

  test('a side that did not ask waits for ever (C-5.c)', () => {
    const { driven, pass } = driveWith({ drainMilliseconds: 500 }, openServer);
    driven.receive(frames(request(1, 'x'), frame(Kind.close, 0, encode(['normal', '']))));
    pass(100000);
    assert.equal(driven.closed, false);
  });

  test('a word that cannot be written is given up after 1 s, and one that was written is left for 1 s (F-3)', () => {
    const clock = { now: 0 };
    const { machine } = openServer({ clock: () => clock.now });
    machine.receive(record(frame(9, 0, Buffer.alloc(0)))); // takeOutput is not called: nothing is written
    clock.now = 999;
    machine.tick();
    assert.deepEqual(types(machine.takeActions()), ['ended']);
    clock.now = 1000;
    machine.tick();
    assert.deepEqual(types(machine.takeActions()), ['close']);
    const late = driveWith({}, openServer);
    late.driven.receive(record(frame(9, 0, Buffer.alloc(0))));
    assert.ok(late.driven.shutDown);
    late.pass(999);
    assert.equal(late.driven.closed, false);
    late.pass(1);
    assert.equal(late.driven.closed, true);
  });

  test('after a failed write what comes is still taken, for 1 s (F-4)', () => {
    const { driven, pass } = driveWith({}, openClient);
    driven.do((machine) => machine.request(['a']));
    driven.do((machine) => machine.writeFailed());
    driven.receive(record(frame(Kind.response, 1, encode('x'))));
    assert.deepEqual(types(driven.takeActions()), ['answered']);
    pass(999);
    assert.equal(driven.closed, false);
    pass(1);
    assert.equal(endOf(driven).reason, 'lost');
    const closed = driveWith({}, openClient).driven;
    closed.do((machine) => machine.writeFailed());
    closed.receive(record(frame(Kind.close, 0, encode(['over', '']))));
    assert.equal(endOf(closed).reason, 'clean'); // C-6.d
    assert.ok(closed.closed);
  });
});

test('a lookup that hangs ends with the handshake time limit, without a word (H-4.i)', () => {
  const clock = { now: 0 };
  const client = new Driven({ role: 'client', sealed: true, user: 'a', key: KEY });
  const server = new Driven({ role: 'server', sealed: true, unknownUserKey: KEY, clock: () => clock.now });
  client.start();
  server.start();
  const opening = client.takeBytes();
  server.receive(opening.subarray(0, opening.length - 1));
  assert.deepEqual(server.takeActions(), [], 'nobody is looked up before message 1 is whole (H-4.e)');
  server.receive(opening.subarray(opening.length - 1));
  assert.deepEqual(types(server.takeActions()), ['lookUp']);
  assert.equal(server.machine.readingPaused, true);
  clock.now = 10000;
  server.do((machine) => machine.tick());
  assert.ok(server.closed);
  server.do((machine) => machine.keyFound(KEY));
  assert.equal(server.takeBytes().length, 0);
});
