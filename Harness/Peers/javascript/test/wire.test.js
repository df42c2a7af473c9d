// What goes over real sockets, and how they end, against a peer that keeps to no rule.

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { Kind, frame, preamble, record } from '../source/wire.js';
import { OPENING, PLAIN, Raw, SETTINGS, SealedClient } from './raw.js';
import { connect, serve } from '../index.js';
import { decode, encode } from '../source/values.js';
import { serveConformance } from '../testee/service.js';

const KEY = Buffer.alloc(32, 9);
const USERS = { alice: KEY };
const EMPTY = Buffer.alloc(0);
const request = (id, value) => record(frame(Kind.request, id, encode(value)));
const closeOf = (code) => record(frame(Kind.close, 0, encode([code, ''])));

/** A server for one test, that notes the ends of its connections. */
async function start(context, options = {}, address = 'tcp:127.0.0.1:0') {
  const ends = [];
  const waiting = [];
  const server = await serve(address, {
    handler: serveConformance,
    log: () => {},
    onClose: (_, end) => {
      ends.push(end);
      for (const wake of waiting.splice(0)) wake();
    },
    ...options,
  });
  context.after(() => server.stop({ graceful: false }));
  const nextEnd = async () => {
    while (ends.length === 0) await new Promise((resolve) => { waiting.push(resolve); });
    return ends.shift();
  };
  return { server, nextEnd, raw: () => Raw.connect(server.address) };
}

async function openRaw(raw) {
  raw.send(OPENING);
  assert.ok((await raw.read(8)).equals(PLAIN));
  assert.equal((await raw.readFrames())[0].kind, Kind.settings);
}

async function expectRefusal(raw, code) {
  const { bytes, how } = await raw.readToEnd();
  assert.equal(how, 'end');
  assert.ok(bytes.subarray(0, 8).equals(preamble(0xff)));
  assert.equal(bytes.length, 10 + bytes.readUInt16BE(8));
  const value = decode(bytes.subarray(10));
  assert.deepEqual([value[0].toString(), value.length], [code, 2]);
  return bytes;
}

test('other protocols get no byte (O-3)', async (context) => {
  const { raw } = await start(context);
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'BOKBOX', '\0']) {
    const peer = await raw();
    peer.send(Buffer.from(bytes, 'latin1'));
    assert.equal((await peer.readToEnd()).bytes.length, 0);
    peer.destroy();
  }
});

test('refusals reach a client that goes on sending, and are followed by the end (O-4, O-5, O-6, F-3)', async (context) => {
  const plain = await start(context);
  const sealed = await start(context, { users: USERS });
  const cases = [
    [plain, '0200', 'unsupported-version'], [plain, '0009', 'unsupported-version'], [plain, 'ffff', 'unsupported-version'],
    [plain, '0101', 'mode-mismatch'], [plain, '0102', 'mode-mismatch'], [plain, '01ff', 'mode-mismatch'],
    [sealed, '0100', 'mode-mismatch'], [sealed, '0001', 'unsupported-version'],
  ];
  for (const [{ raw }, rest, code] of cases) {
    const peer = await raw();
    peer.send(Buffer.from('BOKBOK'), Buffer.from(rest, 'hex'), Buffer.alloc(300000, 'x'));
    await expectRefusal(peer, code);
    peer.end();
  }
});

test('a server that has enough connections is busy, and judges the preamble before (O-6.c, O-6.d)', async (context) => {
  const { raw, nextEnd } = await start(context, { limits: { maxConnections: 1 } });
  const first = await raw();
  await openRaw(first);
  const second = await raw();
  second.send(OPENING);
  await expectRefusal(second, 'busy');
  const third = await raw();
  third.send(Buffer.from('BOKBOK\x03\x00', 'latin1'));
  await expectRefusal(third, 'unsupported-version');
  first.send(closeOf('normal'));
  await nextEnd();
  const fourth = await raw();
  await openRaw(fourth);
  for (const peer of [first, second, third, fourth]) peer.destroy();
});

test('failed authentications are the same bytes (H-4, H-5, H-6)', async (context) => {
  const { raw } = await start(context, { users: { ...USERS, short: KEY } });
  const good = new SealedClient('alice', KEY);
  const name = (bytes) => Buffer.concat([preamble(1), record(bytes)]);
  const openings = [
    new SealedClient('bob', KEY).opening,
    new SealedClient('alice', Buffer.alloc(32)).opening,
    name(EMPTY),
    name(Buffer.alloc(256, 'a')),
    Buffer.concat([name(Buffer.from('c328', 'hex')), record(Buffer.alloc(80))]),
    Buffer.concat([name(Buffer.from('eda080', 'hex')), record(Buffer.alloc(80))]),
    Buffer.concat([name(Buffer.from('alice')), record(Buffer.alloc(81))]),
    Buffer.concat([name(Buffer.from('alice')), record(EMPTY)]),
    Buffer.concat([name(Buffer.from('alice')), record(Buffer.alloc(80))]),
    Buffer.concat([name(Buffer.from('bob')), record(good.message1)]), // the prologue differs (H-1.a)
  ];
  const seen = new Set();
  for (const opening of openings) {
    const peer = await raw();
    peer.send(opening);
    seen.add((await expectRefusal(peer, 'authentication-failed')).toString('hex'));
    peer.destroy();
  }
  assert.equal(seen.size, 1);
});

test('a violation is answered with CLOSE protocol-error and the end, and nothing after it counts (F-2)', async (context) => {
  const { raw, nextEnd } = await start(context);
  const peer = await raw();
  await openRaw(peer);
  peer.send(record(Buffer.concat([frame(Kind.ping, 0, Buffer.alloc(8)), frame(0x20, 0, EMPTY),
    frame(Kind.ping, 0, Buffer.alloc(8, 1))])), Buffer.alloc(100000, 1));
  const { bytes, how } = await peer.readToEnd();
  const content = bytes.subarray(2);
  assert.equal(how, 'end');
  assert.equal(content[0], Kind.pong);
  assert.equal(content[16], Kind.close);
  assert.equal(decode(content.subarray(24))[0].toString(), 'protocol-error');
  const end = await nextEnd();
  assert.deepEqual([end.reason, end.error.side], ['violation', 'local']);
  peer.destroy();
});

test('after its last word a server reads on for a second, and then closes (F-3.b)', async (context) => {
  const { raw, server } = await start(context);
  const peer = await raw();
  peer.send(Buffer.from('BOKBOK\x01\x07', 'latin1'));
  await expectRefusal(peer, 'mode-mismatch');
  const begun = performance.now();
  await server.stop();
  const waited = performance.now() - begun;
  assert.ok(waited > 800 && waited < 3000, `it waited ${waited} ms`);
  peer.destroy();
});

test('a stream that is not open in time is closed without a word (O-10)', async (context) => {
  const limits = { handshakeMilliseconds: 100 };
  const plain = await start(context, { limits });
  const sealed = await start(context, { limits, users: USERS });
  for (const [{ raw }, bytes, length] of [[plain, EMPTY, 0], [plain, PLAIN, 8 + 12],
    [sealed, new SealedClient('alice', KEY).opening.subarray(0, 50), 0],
    [sealed, new SealedClient('alice', KEY).opening, 8 + 50 + 2 + 26]]) {
    const peer = await raw();
    peer.send(bytes);
    const all = (await peer.readToEnd()).bytes;
    assert.equal(all.length, length);
    peer.destroy();
  }
});

test('the bound on streams that are not open closes the oldest of them, and no connection (O-12)', async (context) => {
  const { raw } = await start(context, { limits: { maxOpening: 2 } });
  const open = await raw();
  await openRaw(open);
  const silent = [];
  for (let index = 0; index < 4; index += 1) {
    silent.push(await raw());
    silent[index].send(PLAIN);
    await silent[index].read(8); // it has been accepted
  }
  for (const peer of silent.slice(0, 2)) await peer.readToEnd();
  open.send(record(frame(Kind.ping, 0, Buffer.alloc(8))));
  assert.equal((await open.readFrames())[0].kind, Kind.pong);
  for (const peer of silent.slice(2)) {
    peer.send(record(SETTINGS), request(1, ['echo']));
    await peer.readFrames();
    assert.equal((await peer.readFrames())[0].kind, Kind.response);
  }
  for (const peer of [open, ...silent]) peer.destroy();
});

test('ends of input and resets are lost connections, whatever the stream could still carry (C-6)', async (context) => {
  const { raw, nextEnd } = await start(context);
  for (const how of ['end', 'reset', 'destroy']) {
    const peer = await raw();
    await openRaw(peer);
    peer.send(request(1, ['hang']), record(frame(Kind.ping, 0, Buffer.alloc(8))));
    await peer.readFrames();
    peer[how]();
    assert.equal((await nextEnd()).reason, 'lost');
    if (how === 'end') await peer.readToEnd();
    peer.destroy();
  }
  const peer = await raw();
  await openRaw(peer);
  peer.send(closeOf('over'));
  peer.end();
  assert.deepEqual((await nextEnd()).code, 'over'); // C-6.d
  assert.equal((await peer.readToEnd()).how, 'end');
});

test('the last word does not get lost when the peer has more to say (F-3.b)', async (context) => {
  const { raw, nextEnd } = await start(context);
  const peer = await raw();
  await openRaw(peer);
  peer.send(closeOf('normal'), Buffer.alloc(500000));
  assert.equal((await nextEnd()).reason, 'clean');
  assert.equal((await peer.readFrames())[0].kind, Kind.close);
  assert.equal((await peer.readToEnd()).how, 'end');
  peer.destroy();
});

test('a peer that does not read gets all its PONGs and answers when it does (P-4, P-5)', async (context) => {
  const limits = { ownOutputBytes: 20000, answersBytes: 1000000 };
  const { raw } = await start(context, { limits, settings: { maxRequests: 64 } });
  const peer = await raw();
  await openRaw(peer);
  peer.pause();
  const count = 64 * 1024;
  for (let id = 1; id <= 64; id += 1) {
    peer.send(request(id, ['blob', 300000]));
    const pings = new Array(1024).fill(frame(Kind.ping, 0, Buffer.alloc(8)));
    peer.send(record(Buffer.concat(pings)));
  }
  let pongs = 0;
  const answers = new Map();
  peer.resume();
  while (pongs < count || answers.size < 64 || [...answers.values()].some((length) => length !== 300007)) {
    for (const { kind, id, body } of await peer.readFrames()) {
      if (kind === Kind.pong) pongs += 1;
      else answers.set(id, (answers.get(id) ?? 0) + body.length);
    }
  }
  assert.equal(pongs, count);
  peer.destroy();
});

test('a sealed record that does not authenticate ends the connection without a word (R-3)', async (context) => {
  const { raw, nextEnd } = await start(context, { users: USERS });
  const open = async () => {
    const peer = await raw();
    const client = new SealedClient('alice', KEY);
    peer.send(client.opening);
    assert.ok((await peer.read(8)).equals(preamble(1)));
    client.takeMessage2(await peer.readRecord());
    const [{ kind }] = await peer.readFrames((content) => client.receiving.open(content));
    assert.equal(kind, Kind.settings); // H-10.a
    return { peer, client };
  };
  for (const spoil of [(bytes) => { bytes[5] ^= 1; }, (bytes) => { bytes[bytes.length - 1] ^= 128; },
    (bytes) => { bytes[1] = 15; }]) {
    const { peer, client } = await open();
    peer.send(client.sealed(SETTINGS), client.sealed(frame(Kind.ping, 0, Buffer.alloc(8))));
    await peer.readFrames((content) => client.receiving.open(content));
    const bytes = client.sealed(frame(Kind.request, 1, encode(['echo'])));
    spoil(bytes);
    peer.send(bytes);
    assert.equal((await peer.readToEnd()).bytes.length, 0);
    assert.equal((await nextEnd()).reason, 'tampered');
    peer.destroy();
  }
  const { peer, client } = await open();
  peer.send(client.sealed(SETTINGS), client.sealed(frame(Kind.close, 0, encode(['done', '']))));
  assert.equal((await nextEnd()).code, 'done');
  peer.destroy();
});

test('keepalive ends a connection whose peer is silent (P-3)', async (context) => {
  const limits = { keepaliveMilliseconds: 30, keepaliveTimeoutMilliseconds: 20 };
  const { raw, nextEnd } = await start(context, { limits });
  const peer = await raw();
  await openRaw(peer);
  const [ping] = await peer.readFrames();
  peer.send(record(frame(Kind.pong, 0, ping.body)));
  assert.equal((await peer.readFrames())[0].kind, Kind.ping);
  assert.equal((await nextEnd()).reason, 'lost');
  await peer.readToEnd();
  peer.destroy();
});

test('a client tells what it met apart (O-9, O-10.c, H-11)', async () => {
  const sealed = { user: 'alice', key: KEY };
  const cases = [
    [{}, Buffer.from('HTTP/1.1'), 'notBokbok'],
    [{}, Buffer.from('BOKBOK\x02\x00', 'latin1'), 'notBokbok'],
    [sealed, PLAIN, 'notBokbok'],
    [{}, Buffer.concat([preamble(0xff), record(EMPTY)]), 'notBokbok'],
    [{}, Buffer.concat([Buffer.from('BOKBOK\x07\xff', 'latin1'), record(encode(['later.code', 'x\n']))]), 'refused'],
    [{}, PLAIN, 'lost', 'end'],
    [sealed, Buffer.concat([preamble(1), record(Buffer.alloc(48))]), 'authentication'],
    [sealed, Buffer.concat([preamble(1), record(Buffer.alloc(47))]), 'authentication'],
    [{ limits: { handshakeMilliseconds: 50 } }, PLAIN, 'timeout'],
    [{}, Buffer.concat([PLAIN, record(frame(Kind.ping, 0, Buffer.alloc(8)))]), 'violation'],
  ];
  for (const [options, bytes, kind, end] of cases) {
    const { address, accepted } = await Raw.listen();
    const outcome = assert.rejects(connect(address, options), { kind });
    const peer = await accepted;
    await peer.read(8);
    peer.send(bytes);
    if (end) peer.end();
    await outcome;
    await peer.readToEnd();
    peer.destroy();
  }
});

test('an answer that came before the peer went is not lost with it (F-4)', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'bokbok-wire-')), 's');
  const { address, accepted } = await Raw.listen(path);
  const connecting = connect(address);
  const peer = await accepted;
  peer.send(OPENING);
  const connection = await connecting;
  const answer = connection.request(['first']);
  await peer.read(OPENING.length);
  await peer.readFrames();
  peer.send(record(frame(Kind.response, 1, encode('here'))));
  peer.destroy();
  const lost = assert.rejects(connection.request(['second']), { kind: 'lost' }); // whose write fails at once
  assert.equal((await answer).toString(), 'here');
  await lost;
  assert.equal((await connection.closed).reason, 'lost');
});
