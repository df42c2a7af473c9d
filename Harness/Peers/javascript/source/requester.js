// The requests of this side, from the call to the last frame of their answer; and its PINGs.

import { BokbokError, RemoteError, Violation } from './errors.js';
import { Kind, MAX_NUMBER, readError } from './wire.js';
import { decode, encode } from './values.js';
import { Collector } from './bytes.js';
import { Queue } from './queue.js';

const EMPTY = Buffer.alloc(0);

// What a request is in: waiting for a place, with a place but nothing sent, sent in part, or sent whole.
const Stage = Object.freeze({ waiting: 0, placed: 1, begun: 2, sent: 3, over: 4 });

/** Sends the requests of one side of one connection, and takes their answers. */
export class Requester {
  #exchanges = new Map(); // by id; an exchange is under way until the last frame of its answer has come (X-6.d)
  #waiting = new Queue(); // requests that wait for a place (X-6.b)
  #unsent = 0; // requests that have a place and are neither sent whole nor cancelled
  #nextId = 1;
  #pings = []; // PINGs without a PONG, from the oldest
  #nextPing = 1n;
  #outbox;
  #settings;
  #peer;
  #partial;
  #act;

  constructor({ outbox, settings, peer, partial, act }) {
    this.#outbox = outbox;
    this.#settings = settings;
    this.#peer = peer;
    this.#partial = partial;
    this.#act = act;
  }

  /** How many exchanges of this side are under way. */
  get underWay() {
    return this.#exchanges.size;
  }

  /** Whether requests with a place still have to go out whole (C-1.g). */
  get hasUnsent() {
    return this.#unsent > 0;
  }

  /** Sends a request; throws a BokbokError if its value cannot be sent (E-4.a, X-5.b). Gives the request. */
  send(value) {
    const bytes = encode(value, this.#peer.settings.maxMessage);
    const request = { stage: Stage.waiting, bytes, id: 0, message: undefined, cancelled: false, parts: undefined,
      length: 0, held: 0 };
    this.#waiting.push(request);
    this.#givePlaces();
    return request;
  }

  // X-6.b, X-8.b: first come, first served.
  #givePlaces() {
    while (this.#waiting.length > 0 && this.#exchanges.size < this.#peer.settings.maxRequests) {
      const request = this.#waiting.shift();
      if (request.stage !== Stage.waiting) continue; // given up meanwhile
      request.stage = Stage.placed;
      request.id = this.#freeId();
      this.#exchanges.set(request.id, request);
      this.#unsent += 1;
      const { bytes } = request;
      request.bytes = undefined;
      request.message = this.#outbox.pushMessage({
        kind: Kind.request,
        id: request.id,
        bytes,
        begun: () => { request.stage = Stage.begun; },
        sent: () => { this.#sentWhole(request); },
      });
    }
  }

  // X-1.a, X-7.i: an id is free when it has no exchange under way.
  #freeId() {
    while (this.#exchanges.has(this.#nextId)) this.#nextId = this.#nextId === MAX_NUMBER ? 1 : this.#nextId + 1;
    const id = this.#nextId;
    this.#nextId = id === MAX_NUMBER ? 1 : id + 1;
    return id;
  }

  #sentWhole(request) {
    request.stage = Stage.sent;
    request.message = undefined;
    this.#unsent -= 1;
  }

  /** Gives up a request. Its caller is told at once; its id and place stay taken until the answer (X-7.i). */
  cancel(request) {
    if (request.stage === Stage.over || request.cancelled) return;
    this.#act({ type: 'failed', request, error: new BokbokError('cancelled', 'the request was cancelled') });
    if (request.stage === Stage.waiting || request.stage === Stage.placed) { // nothing has been sent
      this.#takeBack(request);
      return;
    }
    request.cancelled = true;
    if (request.stage === Stage.begun) {
      this.#outbox.drop(request.message); // X-7.h, X-10.d
      request.message = undefined;
      this.#unsent -= 1;
    }
    this.#outbox.pushFrame(Kind.cancel, request.id, EMPTY);
  }

  // Takes a request back of which nothing has been sent.
  #takeBack(request) {
    if (request.stage === Stage.placed) {
      this.#outbox.drop(request.message);
      this.#exchanges.delete(request.id);
      this.#unsent -= 1;
    }
    request.stage = Stage.over;
    request.bytes = undefined;
    request.message = undefined;
    this.#givePlaces();
  }

  /** Takes a RESPONSE frame. */
  takeResponse({ id, more, body }) {
    const request = this.#answered(id, 'RESPONSE');
    request.length += body.length;
    if (request.length > this.#settings.maxMessage) {
      throw new Violation(`the response ${id} is longer than max-message (${this.#settings.maxMessage})`); // X-5.a
    }
    if (more) {
      request.held += body.length;
      this.#partial.hold(body.length); // X-10.e
      (request.parts ??= new Collector()).append(body);
      return;
    }
    request.parts?.append(body);
    const message = request.parts?.take() ?? body;
    this.#over(request);
    if (request.cancelled) return; // X-7.e
    let value;
    try {
      value = decode(message);
    } catch (error) { // E-2.d
      this.#fail(request, new BokbokError('malformed', `the response is ${error.message}`));
      return;
    }
    this.#act({ type: 'answered', request, value });
  }

  /** Takes an ERROR frame. */
  takeError({ id, body }) {
    const request = this.#answered(id, 'ERROR');
    this.#over(request); // X-3.e: what had come of a RESPONSE is dropped
    if (request.cancelled) return; // X-7.e
    const error = readError(body);
    this.#fail(request, error
      ? new RemoteError(error.code, error.text, error.details) // E-1.i
      : new BokbokError('malformed', 'the answer is an ERROR that has not the form of one')); // E-2.e
  }

  #answered(id, name) {
    const request = this.#exchanges.get(id);
    if (!request) throw new Violation(`the ${name} ${id} answers no request under way`); // X-3.c
    if (request.stage !== Stage.sent && !request.cancelled) {
      throw new Violation(`the ${name} ${id} answers a request that is not sent whole`); // X-3.d
    }
    return request;
  }

  #over(request) {
    this.#partial.release(request.held);
    this.#exchanges.delete(request.id);
    request.stage = Stage.over;
    request.parts = undefined;
    this.#givePlaces();
  }

  #fail(request, error) {
    this.#act({ type: 'failed', request, error });
  }

  /** This side closes: what waits for a place fails as closing (C-1.h). */
  close() {
    for (const request of this.#waiting.drain()) {
      if (request.stage === Stage.waiting) this.#failAsClosing(request);
    }
  }

  /** The other side's CLOSE has come: all of which nothing has been sent fails as closing (C-2.d, C-2.e). */
  peerClosed() {
    this.close();
    for (const request of [...this.#exchanges.values()]) {
      if (request.stage === Stage.placed) this.#failAsClosing(request);
    }
  }

  #failAsClosing(request) {
    this.#takeBack(request);
    this.#fail(request, new BokbokError('closing', 'the connection is closing; the request was not sent'));
  }

  /** Sends a PING; gives it. */
  ping(body = this.pingBody()) {
    const ping = { body };
    this.#pings.push(ping);
    this.#outbox.pushFrame(Kind.ping, 0, ping.body);
    return ping;
  }

  /** Eight bytes that no other PING of this connection has. */
  pingBody() {
    const body = Buffer.alloc(8);
    body.writeBigUInt64BE(this.#nextPing);
    this.#nextPing += 1n;
    return body;
  }

  /** Takes a PONG: it belongs to the oldest PING with the same bytes; others are ignored (P-2.a). */
  takePong(body) {
    const index = this.#pings.findIndex((ping) => ping.body.equals(body));
    if (index === -1) return;
    const [ping] = this.#pings.splice(index, 1);
    this.#act({ type: 'answered', request: ping });
  }

  /** The connection has ended: everything without an answer fails with this error (P-2.b, C-5.b, C-6.c, F-2.e). */
  end(error) {
    const requests = [...this.#exchanges.values(), ...this.#waiting.drain()];
    this.#exchanges.clear();
    for (const request of requests) {
      if (request.stage !== Stage.over && !request.cancelled) this.#fail(request, error);
      request.stage = Stage.over;
      request.bytes = undefined;
      request.message = undefined;
      request.parts = undefined;
    }
    for (const ping of this.#pings.splice(0)) this.#fail(ping, error);
  }
}
