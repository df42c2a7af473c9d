// Replays one side of a session of the vectors on a machine, and compares what the specification leaves no choice in
// (see "Replaying a session" in Vectors/FORMAT.md).

import assert from 'node:assert/strict';
import { RemoteError, RequestError } from '../index.js';
import { decode, encode } from '../source/values.js';
import { Kind, readCodeAndMessage, readError, readSettings } from '../source/wire.js';
import { Driven, messagesIn, recordsIn } from './driven.js';
import { Handshake } from '../source/noise.js';
import { bytesOf } from './vectors.js';
import { isReservedCode } from '../source/text.js';

const KIND_NAMES = Object.entries(Kind);
const SETTINGS = { 'max-message': 'maxMessage', 'max-requests': 'maxRequests', 'max-partial': 'maxPartial' };
const LIMITS = {
  handshakeMs: 'handshakeMilliseconds',
  drainMs: 'drainMilliseconds',
  keepaliveMs: 'keepaliveMilliseconds',
  keepaliveTimeoutMs: 'keepaliveTimeoutMilliseconds',
};

export class Replay {
  #vector;
  #side;
  #clock = { now: 0 };
  #driven;
  #onTheWay = []; // bytes that the other side has sent
  #requests = new Map(); // own requests by the transcript's id
  #ids = new Map(); // the transcript's id by own request
  #exchanges = new Map(); // of the other side, whose handlers are at work
  #reports = [];
  #unsendable = new Set();
  #open; // opens the records that this side sends
  #openingLeft; // bytes of this side's opening that are not records of frames

  constructor(vector, side) {
    this.#vector = vector;
    this.#side = side;
    const given = vector[side];
    const sealed = vector.mode === 'sealed';
    const common = {
      role: side,
      sealed,
      settings: renamed(given.settings, SETTINGS),
      limits: renamed(given.limits, LIMITS),
      clock: () => this.#clock.now,
    };
    if (!sealed) {
      this.#openingLeft = 8;
      this.#driven = new Driven(common);
    } else if (side === 'client') {
      this.#openingLeft = 8 + 2 + given.user.length / 2 + 2 + 80;
      this.#driven = new Driven({
        ...common,
        user: bytesOf(given.user).toString('utf8'),
        key: bytesOf(given.userKey),
        entropy: [bytesOf(given.sessionKey), bytesOf(given.ephemeral)],
      });
    } else {
      this.#openingLeft = 8 + 2 + 48;
      this.#driven = new Driven({
        ...common,
        unknownUserKey: bytesOf(given.decoyKey),
        entropy: [bytesOf(given.ephemeral)],
      });
    }
    if (sealed) this.#open = opener(vector, side);
  }

  run() {
    const { steps } = this.#vector;
    this.#driven.start();
    let expected = { messages: [], reports: [], ends: [] };
    for (const step of steps) {
      const input = this.#inputOf(step);
      if (input) {
        this.#compare(expected);
        expected = { messages: [], reports: [], ends: [] };
        input();
      } else if (step.side === this.#side) {
        if (step.sends) expected.messages.push(...this.#expectedMessages(step.sends));
        if (step.reports) expected.reports.push(...this.#expectedReports(step.reports));
        if (step.ends) expected.ends.push(step.ends);
      } else if (step.sends) {
        for (const part of step.sends) this.#onTheWay.push(bytesOf(part.bytes));
      }
    }
    this.#compare(expected);
  }

  #inputOf(step) {
    if ('waits' in step) return () => this.#wait(step.waits);
    if (step.side !== this.#side) return undefined;
    if ('receives' in step) return () => this.#driven.receive(this.#take(step.receives));
    if ('receivesEnd' in step) return () => this.#driven.do((machine) => machine.inputEnded());
    if ('does' in step) return () => this.#does(step.does);
    return undefined;
  }

  #take(length) {
    const all = Buffer.concat(this.#onTheWay);
    assert.ok(all.length >= length, 'the transcript gives more bytes than were sent');
    this.#onTheWay = [all.subarray(length)];
    return all.subarray(0, length);
  }

  #wait(milliseconds) {
    const end = this.#clock.now + milliseconds;
    for (;;) {
      const next = this.#driven.machine.nextDeadline;
      if (next === undefined || next > end) break;
      this.#clock.now = next;
      this.#driven.do((machine) => machine.tick());
    }
    this.#clock.now = end;
  }

  #does({ call, ...given }) {
    this.#driven.do((machine) => {
      switch (call) {
        case 'request':
          this.#request(machine, given);
          break;
        case 'cancel':
          machine.cancel(this.#requests.get(given.id));
          break;
        case 'respond':
          this.#respond(machine, given);
          break;
        case 'ping':
          this.#ids.set(machine.ping(bytesOf(given.token)), given.token);
          break;
        case 'close':
          machine.close(given.code, given.message);
          break;
        case 'abort':
          machine.abort();
          break;
        case 'letIn':
          machine.admit();
          break;
        case 'turnDown':
          machine.turnDown(given.code, given.message);
          break;
        default:
          assert.fail(`unknown call ${call}`);
      }
    });
  }

  #request(machine, { bytes, depth, id, fails }) {
    const value = depth === undefined ? decode(bytesOf(bytes)) : nested(depth);
    if (fails !== undefined) {
      assert.throws(() => machine.request(value), (error) => error.kind === fails);
      return;
    }
    const request = machine.request(value);
    this.#requests.set(id, request);
    this.#ids.set(request, id);
  }

  // A handler that cannot have its answer sent fails with a text of the protocol layer.
  #isOurWording(id) {
    return this.#unsendable.has(id);
  }

  #respond(machine, { id, bytes, depth, code, message, details, failure }) {
    const exchange = this.#exchanges.get(id);
    this.#exchanges.delete(id);
    if (depth !== undefined) this.#unsendable.add(id);
    if (bytes !== undefined || depth !== undefined) {
      machine.answer(exchange, depth === undefined ? decode(bytesOf(bytes)) : nested(depth));
    } else if (failure !== undefined) {
      machine.fail(exchange, failure); // what is thrown need not be an Error
    } else {
      machine.fail(exchange, new RequestError(code, message, (details ?? []).map((part) => decode(bytesOf(part)))));
    }
  }

  // ----------------------------------------------------------------------------------------------- what is expected

  #expectedMessages(parts) {
    const records = [];
    const others = [];
    for (const part of parts) {
      if (part.frames) records.push(Buffer.concat(part.frames.map(frameBytes)));
      else if (part.is === 'refusal') others.push({ refusal: readCodeAndMessage(bytesOf(part.bytes).subarray(10)).code });
      else others.push({ [part.is]: bytesOf(part.bytes).toString('hex') });
    }
    return [...others, ...messagesIn(records).map((message) => this.#comparable(message))];
  }

  #expectedReports(report) {
    const { event, reads, ...rest } = report; // `reads` is for people
    if (event === 'closeReceived') return []; // this implementation tells it with the end only
    if (Array.isArray(rest.bytes)) rest.bytes = bytesOf(rest.bytes).toString('hex');
    if (event === 'ended' && rest.outcome === 'violation') delete rest.message;
    if (event === 'failed' && rest.kind === 'remote') rest.details ??= [];
    if (event === 'failed' && isWording(rest.code)) delete rest.message;
    return [{ event, ...rest }];
  }

  // ---------------------------------------------------------------------------------------------- what has happened

  #compare(expected) {
    const sent = this.#sent();
    assert.deepEqual(sorted(sent), sorted(expected.messages));
    for (const action of this.#driven.takeActions()) this.#report(action);
    // A key is looked up, and the machine goes on, before anything else happens.
    assert.deepEqual(sorted(this.#reports.splice(0)), sorted(expected.reports));
    const ends = [];
    if (this.#driven.shutDown) ends.push('sending');
    if (this.#driven.closed) ends.push('stream');
    this.#driven.shutDown = false;
    this.#driven.closed = false;
    assert.deepEqual(ends, expected.ends);
  }

  #sent() {
    let bytes = this.#driven.takeBytes();
    if (this.#lookedUp()) bytes = Buffer.concat([bytes, this.#driven.takeBytes()]);
    const others = [];
    if (bytes.length > 0 && this.#openingLeft > 0) {
      if (bytes[7] === 0xff) return [{ refusal: readCodeAndMessage(bytes.subarray(10)).code }];
      const opening = bytes.subarray(0, this.#openingLeft);
      bytes = bytes.subarray(opening.length);
      this.#openingLeft = 0;
      others.push({ preamble: opening.subarray(0, 8).toString('hex') });
      const records = recordsIn(opening.subarray(8));
      const names = this.#side === 'client' ? ['userName', 'message1'] : ['message2'];
      let at = 8;
      records.forEach((content, index) => {
        others.push({ [names[index]]: opening.subarray(at, at + 2 + content.length).toString('hex') });
        at += 2 + content.length;
      });
    }
    return [...others, ...messagesIn(recordsIn(bytes, this.#open)).map((message) => this.#comparable(message))];
  }

  #lookedUp() {
    const index = this.#driven.actions.findIndex(({ type }) => type === 'lookUp');
    if (index === -1) return false;
    const [{ user }] = this.#driven.actions.splice(index, 1);
    this.#reports.push({ event: 'lookUpKey', user: Buffer.from(user, 'utf8').toString('hex') });
    const name = Buffer.from(user, 'utf8').toString('hex');
    const found = this.#vector.server.users.find((candidate) => candidate.user === name);
    this.#driven.do((machine) => machine.keyFound(found && bytesOf(found.key)));
    return true;
  }

  // A message without what an implementation chooses.
  #comparable({ kind, id, body, whole }) {
    const message = { kind: KIND_NAMES.find(([, number]) => number === kind)[0], id, whole };
    switch (kind) {
      case Kind.settings:
        return { ...message, settings: readSettings(body) };
      case Kind.error: {
        const error = readError(body);
        if (isWording(error.code) || this.#isOurWording(id)) return { ...message, code: error.code };
        return { ...message, body: body.toString('hex') };
      }
      case Kind.close: {
        const close = readCodeAndMessage(body);
        return close.code === 'protocol-error' ? { ...message, code: close.code } : { ...message, ...close };
      }
      case Kind.ping:
        return message;
      default:
        return { ...message, body: body.toString('hex') };
    }
  }

  #report(action) {
    switch (action.type) {
      case 'opened':
        if (!this.#vector[this.#side].openHandler) this.#driven.do((machine) => machine.admit());
        this.#reports.push({ event: 'opened', user: action.user && Buffer.from(action.user, 'utf8').toString('hex') });
        for (const next of this.#driven.takeActions()) this.#report(next);
        break;
      case 'handle':
        this.#exchanges.set(action.exchange.id, action.exchange);
        this.#reports.push({ event: 'request', id: action.exchange.id, bytes: encode(action.payload).toString('hex') });
        break;
      case 'cancel':
        this.#reports.push({ event: 'cancelled', id: action.exchange.id });
        break;
      case 'answered':
        this.#reports.push(action.value === undefined
          ? { event: 'ponged', token: this.#ids.get(action.request) }
          : { event: 'answered', id: this.#ids.get(action.request), bytes: encode(action.value).toString('hex') });
        break;
      case 'failed':
        this.#failed(action);
        break;
      case 'ended':
        this.#reports.push(ended(action.end));
        break;
      default:
        assert.equal(action.type, 'log');
    }
  }

  #failed({ request, error }) {
    if (error.kind === 'cancelled') return; // the caller gave it up itself
    const id = this.#ids.get(request);
    if (error instanceof RemoteError) {
      const details = error.details.map((detail) => encode(detail).toString('hex'));
      const report = { event: 'failed', id, kind: 'remote', code: error.code, details };
      if (!isWording(error.code)) report.message = error.text;
      this.#reports.push(report);
    } else if (!['lost', 'violation', 'tampered'].includes(error.kind)) { // those fail with the end
      this.#reports.push({ event: 'failed', id, kind: error.kind });
    }
  }
}

function ended({ reason, code, text, error }) {
  if (reason === 'clean') return { event: 'ended', outcome: 'clean', code, message: text };
  if (error.kind === 'violation') return { event: 'ended', outcome: 'violation', side: error.side };
  return { event: 'ended', outcome: reason === 'aborted' ? 'aborted' : error.kind };
}

// Whether the text that goes with a code is the protocol layer's own.
function isWording(code) {
  return isReservedCode(code) && code !== 'handler-failed';
}

function frameBytes({ kind, more, id = 0, body = '' }) {
  const bytes = bytesOf(body);
  const header = Buffer.alloc(8);
  header[0] = Kind[kind.toLowerCase()];
  header[1] = more ? 1 : 0;
  header.writeUInt16BE(bytes.length, 2);
  header.writeUInt32BE(id, 4);
  return Buffer.concat([header, bytes]);
}

function nested(depth) {
  let value = [];
  for (let level = 1; level < depth; level += 1) value = [value];
  return value;
}

function renamed(given, names) {
  return Object.fromEntries(Object.entries(given ?? {}).map(([name, value]) => [names[name], value]));
}

// In an order that does not depend on the order of exchanges.
function sorted(list) {
  return list.map((element) => JSON.stringify(Object.fromEntries(Object.entries(element).sort()))).sort();
}

// Opens what a side sends, with the key that its own random inputs and the other side's bytes give.
function opener(vector, side) {
  const { client, server } = vector;
  let cipher;
  return (content) => {
    cipher ??= sendingState(client, server, side, vector);
    return cipher.open(content);
  };
}

function sendingState(client, server, side, vector) {
  const sent = (who) => Buffer.concat(vector.steps.filter((step) => step.side === who && step.sends)
    .flatMap((step) => step.sends.map((part) => bytesOf(part.bytes))));
  const name = bytesOf(client.user);
  const prologue = Buffer.concat([Buffer.from('424f4b424f4b0101', 'hex'), name]);
  const at = 8 + 2 + name.length + 2;
  const message1 = sent('client').subarray(at, at + 80);
  const message2 = sent('server').subarray(10, 58);
  const initiator = side === 'client';
  const mine = initiator ? client : server;
  const handshake = new Handshake({ initiator, prologue, ephemeralSecret: bytesOf(mine.ephemeral) });
  handshake.addKey(bytesOf(initiator ? client.userKey : server.users.find(({ user }) => user === client.user).key));
  if (initiator) {
    const sessionKey = bytesOf(client.sessionKey);
    handshake.writeMessage(sessionKey);
    handshake.addKey(sessionKey);
    handshake.readMessage(message2);
  } else {
    handshake.addKey(handshake.readMessage(message1));
    handshake.writeMessage(Buffer.alloc(0));
  }
  return handshake.split().sending;
}
