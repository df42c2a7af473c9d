// The requests of the other side, from their first fragment to the last frame of their answer.

import { BokbokError, RemoteError, RequestError, Violation } from './errors.js';
import { HEADER_LENGTH, Kind, recordCapacity } from './wire.js';
import { cutBetweenCharacters, described, describedWithStack, isCode, isReservedCode } from './text.js';
import { decode, encode, measure } from './values.js';
import { Collector } from './bytes.js';
import { Queue } from './queue.js';

const HIDDEN_ERROR = 'the request failed';
const MESSAGE_LENGTH_WITHOUT_ROOM = 1024;

// What an exchange is in: arriving, waiting for its handler, being handled, or answered but not yet sent.
const Stage = Object.freeze({ arriving: 0, waiting: 1, handled: 2, answered: 3 });

/** Answers the requests of the other side of one connection. */
export class Responder {
  #exchanges = new Map(); // by id; an exchange is under way until its answer has been put into a record (X-6.c)
  #waiting = new Queue(); // whole requests that wait for their handler
  #admitted = false; // whether the open handler has let the connection in (C-9.d)
  #turnedDown = false;
  #outbox;
  #settings; // this side's
  #peer; // what is known of the other side: `settings`, once they have come
  #partial; // what this side holds of messages begun and not ended: `held`, `limit` (X-10.e)
  #bodyCapacity;
  #hideErrors;
  #act; // takes the actions

  constructor({ outbox, settings, peer, partial, sealed, hideErrors, act }) {
    this.#outbox = outbox;
    this.#settings = settings;
    this.#peer = peer;
    this.#partial = partial;
    this.#bodyCapacity = recordCapacity(sealed) - HEADER_LENGTH;
    this.#hideErrors = hideErrors;
    this.#act = act;
  }

  /** How many exchanges of the other side are under way. */
  get underWay() {
    return this.#exchanges.size;
  }

  /** Takes a REQUEST frame. `closing` is what this connection is (C-3), `peerClosed` whether the peer's CLOSE came. */
  takeRequest({ id, more, body }, { closing, peerClosed }) {
    const exchange = this.#exchanges.get(id) ?? this.#begin(id, peerClosed); // X-1.b, X-1.c
    if (exchange.stage !== Stage.arriving) {
      throw new Violation(`a REQUEST for the exchange ${id}, whose request is whole or cancelled`); // X-3.a, X-3.b
    }
    exchange.length += body.length;
    if (exchange.length > this.#settings.maxMessage) {
      throw new Violation(`the request ${id} is longer than max-message (${this.#settings.maxMessage})`); // X-5.a
    }
    if (more) {
      exchange.held += body.length;
      this.#partial.hold(body.length); // X-10.e
      (exchange.parts ??= new Collector()).append(body);
      return;
    }
    this.#partial.release(exchange.held); // X-10.f
    exchange.parts?.append(body); // X-4.f
    const message = exchange.parts?.take() ?? body;
    exchange.parts = undefined;
    exchange.stage = Stage.waiting;
    this.#whole(exchange, message, closing);
  }

  #begin(id, peerClosed) {
    if (peerClosed) throw new Violation(`the request ${id} begins after the CLOSE`); // C-1.f
    if (this.#exchanges.size >= this.#settings.maxRequests) {
      throw new Violation(`the request ${id} exceeds max-requests (${this.#settings.maxRequests})`); // X-6.a
    }
    const exchange = { id, stage: Stage.arriving, length: 0, held: 0, parts: undefined, payload: undefined,
      cancelled: false };
    this.#exchanges.set(id, exchange);
    return exchange;
  }

  #whole(exchange, message, closing) {
    if (closing || this.#turnedDown) { // C-3.a, C-3.b
      this.#refuse(exchange, 'closing', 'the connection is closing; the request was not processed');
      return;
    }
    try {
      exchange.payload = decode(message);
    } catch (error) {
      this.#refuse(exchange, 'malformed', error.message); // E-2.a, E-2.b, E-2.c
      return;
    }
    this.#waiting.push(exchange);
    this.dispatch();
  }

  /** Takes a CANCEL. */
  takeCancel(id) {
    const exchange = this.#exchanges.get(id);
    if (!exchange || exchange.cancelled) return; // X-7.d
    if (exchange.stage === Stage.answered) return; // X-7.a: the ordinary answer was already decided
    exchange.cancelled = true;
    if (exchange.stage === Stage.handled) {
      this.#act({ type: 'cancel', exchange }); // X-7.b; answered when the handler has ended (X-7.c)
      return;
    }
    this.#partial.release(exchange.held); // X-7.f; or whole, and waiting for its handler
    this.#refuse(exchange, 'cancelled', 'the request was cancelled'); // X-7.g
  }

  /** Hands over as many waiting requests as may be: the connection let in (C-9.d), and not too many answers (P-5.a). */
  dispatch() {
    while (this.#admitted && this.#waiting.length > 0 && !this.#outbox.holdsRequests) {
      const exchange = this.#waiting.shift();
      if (exchange.stage !== Stage.waiting) continue;
      exchange.stage = Stage.handled;
      const { payload } = exchange;
      exchange.payload = undefined;
      this.#act({ type: 'handle', exchange, payload });
    }
  }

  /** The open handler has let the connection in. */
  admit() {
    this.#admitted = true;
    this.dispatch();
  }

  /** The open handler has turned the connection down (C-9.b). */
  turnDown() {
    this.#turnedDown = true;
    for (const exchange of this.#waiting.drain()) {
      if (exchange.stage === Stage.waiting) this.#refuse(exchange, 'closing', 'the connection was turned down');
    }
  }

  /** The handler of an exchange has ended with this value. */
  answer(exchange, value) {
    if (!this.#ends(exchange)) return;
    let bytes;
    try {
      bytes = encode(value, this.#peer.settings.maxMessage);
    } catch (error) {
      if (error.kind === 'tooLarge') { // X-5.c
        this.#sendError(exchange, ['too-large', error.message]);
      } else { // E-4.b, and what is no value at all
        this.#sendHandlerError(exchange, error);
      }
      return;
    }
    this.#send(exchange, Kind.response, bytes);
  }

  /** The handler of an exchange has ended with this error. */
  fail(exchange, error) {
    if (this.#ends(exchange)) this.#sendHandlerError(exchange, error);
  }

  // X-7.a: a handler that ends after it was told to stop has not decided on an answer before.
  #ends(exchange) {
    if (exchange.stage !== Stage.handled) return false; // the connection has ended
    exchange.stage = Stage.answered;
    if (exchange.cancelled) this.#sendError(exchange, ['cancelled', 'the request was cancelled']);
    return !exchange.cancelled;
  }

  #sendHandlerError(exchange, error) {
    if (this.#hideErrors && codeOf(error) === 'handler-failed') { // E-1.h
      this.#act({ type: 'log', text: `a handler failed: ${describedWithStack(error)}` });
      this.#sendError(exchange, ['handler-failed', HIDDEN_ERROR]);
      return;
    }
    this.#sendError(exchange, errorValue(error));
  }

  #sendError(exchange, value) {
    this.#send(exchange, Kind.error, errorBody(value, this.#bodyCapacity));
  }

  #send(exchange, kind, bytes) {
    const { id } = exchange;
    this.#outbox.pushMessage({ kind, id, bytes, sent: () => this.#exchanges.delete(id) }); // X-2.a, X-2.b, X-6.c
  }

  // The answer of the protocol layer to a request that does not reach its handler.
  #refuse(exchange, code, text) {
    const { id } = exchange;
    exchange.stage = Stage.answered;
    exchange.parts = undefined;
    exchange.payload = undefined;
    const body = errorBody([code, text], this.#bodyCapacity);
    this.#outbox.pushFrame(Kind.error, id, body, { own: true, sent: () => this.#exchanges.delete(id) });
  }

  /** The connection has ended: nothing is answered any more. Gives the exchanges whose handlers are still at work. */
  end() {
    const handled = [...this.#exchanges.values()].filter((exchange) => exchange.stage === Stage.handled);
    for (const exchange of this.#exchanges.values()) {
      exchange.stage = Stage.answered;
      exchange.parts = undefined;
      exchange.payload = undefined;
    }
    this.#exchanges.clear();
    this.#waiting.drain();
    return handled;
  }
}

// The code that an error of a handler gets (E-1.b to E-1.f).
function codeOf(error) {
  const hasCode = error instanceof RequestError || error instanceof RemoteError;
  return hasCode && isCode(error.code) && !isReservedCode(error.code) ? error.code : 'handler-failed';
}

function textOf(error) {
  return typeof error.text === 'string' ? error.text : described(error.text);
}

// The value of the ERROR for an error of a handler.
function errorValue(error) {
  if (error instanceof RequestError || error instanceof RemoteError) {
    return [codeOf(error), textOf(error), ...(Array.isArray(error.details) ? error.details : [])]; // E-1.c, d, f
  }
  if (error instanceof BokbokError) return ['handler-failed', `${error.kind}: ${error.message}`]; // E-1.e
  return ['handler-failed', described(error)]; // E-1.b, E-1.g
}

/** The body of an ERROR that fits one frame (E-3, E-4.c). */
export function errorBody([code, text, ...details], capacity) {
  const message = Buffer.from(text, 'utf8');
  const detailsLengths = [0]; // of the first 0, 1, 2, … details together
  for (const detail of details) {
    let length = Infinity; // more values than fit any frame
    try {
      length = measure([detail]) - 2; // a detail nests one deeper in the ERROR
    } catch (error) {
      if (error instanceof TypeError || error?.tooDeep) return errorBody(['handler-failed', text], capacity); // E-4.c
    }
    detailsLengths.push(detailsLengths.at(-1) + length);
  }
  const room = (count) => capacity - 2 - atomLength(code.length) - detailsLengths[count]; // for the message
  const body = (messageBytes, count) => encode([code, messageBytes, ...details.slice(0, count)]);

  let count = details.length;
  if (room(count) >= atomLength(0)) return body(longestThatFits(message, room(count)), count); // E-3.a
  const short = cutBetweenCharacters(message, MESSAGE_LENGTH_WITHOUT_ROOM); // E-3.b
  while (atomLength(short.length) > room(count)) count -= 1;
  return body(short, count);
}

function atomLength(length) {
  return String(length).length + 1 + length;
}

// The longest beginning of a message whose atom takes no more than this room.
function longestThatFits(message, room) {
  if (atomLength(message.length) <= room) return message;
  let limit = room;
  while (atomLength(limit) > room) limit -= 1;
  return cutBetweenCharacters(message, limit);
}
