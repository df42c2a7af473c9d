import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CipherState, Handshake, NoiseError } from '../source/noise.js';
import { Kind, framesIn, readSettings } from '../source/wire.js';
import { bytesOf, expanded, fileNames, subjectOf, valueOf, vectorsOf } from './vectors.js';
import { decode, encode } from '../source/values.js';
import { Driven } from './driven.js';
import { Replay } from './replay.js';
import { Violation } from '../source/errors.js';

const CHECKS = {
  values({ result, bytes, value }) {
    if (result === 'invalid') {
      assert.throws(() => decode(bytesOf(bytes)), { kind: 'malformed' });
      return;
    }
    assert.ok(encode(decode(bytesOf(bytes))).equals(bytesOf(bytes)));
    assert.ok(encode(valueOf(value)).equals(bytesOf(bytes)));
  },

  frames({ result, record, frames }) {
    const taken = [];
    const take = () => {
      for (const frame of framesIn(bytesOf(record))) taken.push(frame);
    };
    if (result === 'valid') take();
    else assert.throws(take, Violation);
    const expected = expanded(frames);
    assert.equal(taken.length, expected.length);
    taken.forEach(({ kind, id, more, body }, index) => {
      const frame = expected[index];
      assert.deepEqual({ kind, id, more }, {
        kind: Kind[frame.kind.toLowerCase()], id: frame.id ?? 0, more: frame.more ?? false,
      });
      assert.ok(body.equals(bytesOf(frame.body ?? '')));
    });
  },

  records({ result, mode, key, counter, stream, contents, rest, error }) {
    const bytes = bytesOf(stream);
    const state = () => (mode === 'sealed' ? new CipherState(bytesOf(key), BigInt(counter)) : undefined);
    const opened = [];
    const receiving = state();
    let at = 0;
    let outcome;
    while (outcome === undefined && bytes.length - at >= 2) {
      const length = bytes.readUInt16BE(at);
      if (bytes.length - at - 2 < length) break;
      try {
        if (mode === 'plain' && length === 0) throw new Violation();
        const content = bytes.subarray(at + 2, at + 2 + length);
        opened.push(receiving ? receiving.open(content) : content);
        at += 2 + length;
      } catch (failure) {
        outcome = failure instanceof Violation ? 'violation' : 'tampered';
        assert.ok(failure instanceof Violation || failure instanceof NoiseError);
        if (receiving?.exhausted) outcome = 'lost';
      }
    }
    const expected = contents.map(bytesOf);
    assert.deepEqual(opened.map((content) => content.toString('hex')), expected.map((content) => content.toString('hex')));
    if (result === 'invalid') {
      assert.equal(outcome, error.outcome);
      return;
    }
    assert.equal(outcome, undefined);
    assert.equal(bytes.length - at, rest);
    if (mode === 'sealed') {
      const sending = state();
      const sealed = expected.map((content) => sending.seal(content));
      const lengths = sealed.map(({ length }) => Buffer.of(length >> 8, length & 255));
      assert.ok(Buffer.concat(sealed.flatMap((content, index) => [lengths[index], content]))
        .equals(bytes.subarray(0, bytes.length - rest)));
    }
  },

  settings({ result, body, settings }) {
    if (result === 'invalid') {
      assert.throws(() => readSettings(bytesOf(body)), Violation);
      return;
    }
    const { maxMessage, maxRequests, maxPartial } = readSettings(bytesOf(body));
    assert.deepEqual({ 'max-message': maxMessage, 'max-requests': maxRequests, 'max-partial': maxPartial }, settings);
  },

  refusals({ result, role, mode, busy, received, ends, refusal, error }) {
    const sealed = mode === 'sealed';
    const driven = new Driven({
      role,
      sealed,
      isBusy: () => busy ?? false,
      unknownUserKey: Buffer.alloc(32, 1),
      ...(role === 'client' && sealed && { user: 'alice', key: Buffer.alloc(32, 2) }),
    });
    driven.start();
    const sentBefore = driven.takeBytes();
    driven.receive(bytesOf(received));
    if (ends) driven.do((machine) => machine.inputEnded());
    const actions = driven.takeActions();
    if (actions[0]?.type === 'lookUp') driven.do((machine) => machine.keyFound(undefined));
    const { end } = [...actions, ...driven.takeActions()].find(({ type }) => type === 'ended');
    const sent = driven.takeBytes();
    if (role === 'client') {
      assert.equal(sent.length, 0);
      assert.equal(driven.closed, true);
      if (result === 'valid') {
        assert.deepEqual({ code: end.error.code, message: end.error.text }, refusal);
      } else {
        assert.equal(end.error.kind, error.outcome);
      }
      return;
    }
    assert.equal(sentBefore.length, 0); // O-2.a
    if (error.outcome === 'refused') assert.equal(refusalCode(sent), error.code);
    else assert.equal(sent.length, 0);
  },

  noise(vector) {
    const bytes = (hex) => Buffer.from(hex, 'hex');
    const handshakes = [true, false].map((initiator) => {
      const side = initiator ? 'init' : 'resp';
      const handshake = new Handshake({
        initiator,
        prologue: bytes(vector[`${side}_prologue`]),
        ephemeralSecret: bytes(vector[`${side}_ephemeral`]),
        protocolName: vector.protocol_name,
      });
      for (const key of vector[`${side}_psks`]) handshake.addKey(bytes(key));
      return handshake;
    });
    let states;
    vector.messages.forEach(({ payload, ciphertext }, index) => {
      const [from, to] = index % 2 === 0 ? [0, 1] : [1, 0];
      if (index < 2) {
        assert.equal(handshakes[from].writeMessage(bytes(payload)).toString('hex'), ciphertext);
        assert.equal(handshakes[to].readMessage(bytes(ciphertext)).toString('hex'), payload);
        return;
      }
      states ??= handshakes.map((handshake) => handshake.split());
      assert.equal(states[from].sending.seal(bytes(payload)).toString('hex'), ciphertext);
      assert.equal(states[to].receiving.open(bytes(ciphertext)).toString('hex'), payload);
    });
    if (vector.handshake_hash) assert.equal(handshakes[0].hash.toString('hex'), vector.handshake_hash);
  },

  handshakes(vector) {
    if (vector.result === 'valid') checkHandshake(vector);
    else if (vector.role === 'server') checkServerHandshake(vector);
    else checkClientHandshake(vector);
  },

  sessions(vector) {
    for (const side of vector.conforming) new Replay(vector, side).run();
  },
};

function refusalCode(bytes) {
  assert.equal(bytes.subarray(0, 8).toString('hex'), '424f4b424f4b01ff');
  assert.equal(bytes.readUInt16BE(8), bytes.length - 10);
  return decode(bytes.subarray(10))[0].toString();
}

function checkHandshake(vector) {
  const user = bytesOf(vector.user).toString('utf8');
  const client = new Driven({
    role: 'client', sealed: true, user, key: bytesOf(vector.userKey),
    entropy: [bytesOf(vector.sessionKey), bytesOf(vector.clientEphemeral)],
  });
  client.start();
  const clientSends = client.takeBytes();
  assert.equal(clientSends.toString('hex'), vector.clientSends);

  const server = new Driven({
    role: 'server', sealed: true, unknownUserKey: Buffer.alloc(32), entropy: [bytesOf(vector.serverEphemeral)],
  });
  server.start();
  server.receive(clientSends);
  assert.deepEqual(server.takeActions(), [{ type: 'lookUp', user }]);
  server.do((machine) => machine.keyFound(bytesOf(vector.userKey)));
  const serverSends = server.takeBytes();
  const { length } = bytesOf(vector.serverSends);
  assert.equal(serverSends.subarray(0, length).toString('hex'), vector.serverSends);
  client.receive(serverSends);
  server.receive(client.takeBytes());
  for (const side of [client, server]) assert.equal(side.takeActions()[0].type, 'opened');

  for (const [key, records] of [['clientToServerKey', 'clientRecords'], ['serverToClientKey', 'serverRecords']]) {
    const [sending, receiving] = [0, 1].map(() => new CipherState(bytesOf(vector[key])));
    for (const { frames, record } of vector[records]) {
      const content = bytesOf(record).subarray(2);
      assert.ok(sending.seal(bytesOf(frames)).equals(content));
      assert.ok(receiving.open(content).equals(bytesOf(frames)));
    }
  }
}

function checkServerHandshake({ users, decoyKey, serverEphemeral, received }) {
  const server = new Driven({
    role: 'server', sealed: true, unknownUserKey: bytesOf(decoyKey), entropy: [bytesOf(serverEphemeral)],
  });
  server.start();
  server.receive(bytesOf(received));
  const lookUp = server.takeActions().find(({ type }) => type === 'lookUp');
  if (lookUp) {
    const name = Buffer.from(lookUp.user, 'utf8').toString('hex');
    const found = users.find(({ user }) => user === name);
    server.do((machine) => machine.keyFound(found && bytesOf(found.key)));
  }
  assert.equal(refusalCode(server.takeBytes()), 'authentication-failed');
}

function checkClientHandshake({ user, userKey, sessionKey, clientEphemeral, received }) {
  const client = new Driven({
    role: 'client', sealed: true, user: bytesOf(user).toString('utf8'), key: bytesOf(userKey),
    entropy: [bytesOf(sessionKey), bytesOf(clientEphemeral)],
  });
  client.start();
  client.takeBytes();
  client.receive(bytesOf(received));
  assert.equal(client.takeBytes().length, 0);
  assert.equal(client.closed, true);
  assert.equal(client.takeActions()[0].end.error.kind, 'authentication');
}

for (const subject of new Set(fileNames.map(subjectOf))) {
  test(`the vectors of ${subject}`, async (context) => {
    if (subject === 'keys') {
      context.skip('keys from passphrases are not part of this implementation: Node has no Argon2id');
      return;
    }
    for (const vector of vectorsOf(subject)) {
      await context.test(vector.id, () => CHECKS[subject](vector));
    }
  });
}
