// A connection as the application sees it, whichever side began it.

import { BokbokError, RequestError } from './errors.js';
import { Channel } from './channel.js';
import { Machine } from './machine.js';
import { checkClose, checkedSignal } from './options.js';
import { described, describedWithStack, shown } from './text.js';

/** What a handler gets beside the payload. */
class RequestContext {
  #controller;
  #cancelled = false;

  constructor(connection) {
    this.connection = connection;
  }

  /** Aborted when the request is cancelled (X-7.b), or its connection ends. */
  get signal() {
    if (!this.#controller) { // most handlers never ask
      this.#controller = new AbortController();
      if (this.#cancelled) this.cancel();
    }
    return this.#controller.signal;
  }

  cancel() {
    this.#cancelled = true;
    this.#controller?.abort(new BokbokError('cancelled', 'the request was cancelled, or its connection has ended'));
  }
}

/** An open connection. Made by `connect`, and by servers. */
export class Connection {
  #link;

  constructor(link) {
    this.#link = link;
    /** The user that was authenticated, or null on a plain connection. */
    this.user = link.user;
    /** A promise of the end; it never rejects. */
    this.closed = link.end;
  }

  /** The largest message that the other side takes, in bytes. */
  get maxMessage() {
    return this.#link.machine.peerSettings.maxMessage;
  }

  /** The number of requests that the other side takes at once. */
  get maxRequests() {
    return this.#link.machine.peerSettings.maxRequests;
  }

  /** The process of the command, on a connection to an `exec:` address; else undefined. */
  get command() {
    return this.#link.command;
  }

  /** Sends a request; gives a promise of the answer. With `signal` it can be cancelled. */
  async request(payload, options = {}) {
    const signal = checkedSignal(options);
    return this.#link.call((machine) => machine.request(payload), signal);
  }

  /** Asks whether the other side is there; the promise is fulfilled when it has answered. */
  async ping() {
    await this.#link.call((machine) => machine.ping());
  }

  /** Closes in order: what is under way is finished first. Gives the promise of the end. */
  async close(code = 'normal', text = '') {
    checkClose(code, text);
    this.#link.run((machine) => machine.close(code, text));
    return this.closed;
  }

  /** Closes the stream at once. */
  abort() {
    this.#link.run((machine) => machine.abort());
  }
}

/** The handler of a side that has none. */
export function handleNothing() {
  throw new RequestError('unknown-request', 'this side answers no requests');
}

/**
 * The life of one stream: its machine, its channel, and the calls that wait. The `owner` has the methods
 * opened(link), ended(link, end) and streamClosed(link), and if it is a server lookUp(user, signal).
 */
export class Link {
  #owner;
  #options;
  #channel;
  #contexts = new Map(); // by exchange: the requests whose handlers are at work
  #lookup; // the AbortController of a key lookup
  #resolveEnded;
  user = null;
  connection; // once it is open

  constructor({ machine, transport, options, owner, command }) {
    this.machine = machine;
    this.command = command;
    this.#owner = owner;
    this.#options = options;
    this.end = new Promise((resolve) => { this.#resolveEnded = resolve; });
    this.#channel = new Channel(machine, transport, this);
  }

  start() {
    this.#channel.start();
  }

  run(call) {
    return this.#channel.run(() => call(this.machine));
  }

  /** Makes a call that is answered later: gives a promise of the answer. */
  call(begin, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(new BokbokError('cancelled', 'the request was cancelled before it was sent', { cause: signal.reason }));
        return;
      }
      this.run((machine) => {
        const request = begin(machine); // what it throws rejects the promise
        const cancel = () => this.run(() => machine.cancel(request));
        signal?.addEventListener('abort', cancel, { once: true });
        request.settle = (error, value) => {
          signal?.removeEventListener('abort', cancel);
          if (error?.kind === 'cancelled' && signal?.aborted) {
            Object.defineProperty(error, 'cause', { value: signal.reason, writable: true, configurable: true });
          }
          if (error) reject(error);
          else resolve(value);
        };
      });
    });
  }

  /** Calls a function of the application that gives no answer: what it throws is logged. */
  async notify(call, ...parameters) {
    try {
      await call?.(...parameters);
    } catch (error) {
      this.log({ text: `a function of the application failed: ${describedWithStack(error)}` });
    }
  }

  // ----------------------------------------------------------------------------------- the actions of the machine

  lookUp({ user }) {
    this.#lookup = new AbortController();
    const { signal } = this.#lookup;
    const found = Promise.resolve(user).then((name) => this.#owner.lookUp(name, signal)).catch((error) => {
      this.log({ text: `the lookup of the key of ${JSON.stringify(shown(user))} failed: ${described(error)}` });
      return undefined; // H-4.g
    });
    found.then((key) => this.run((machine) => machine.keyFound(key)));
  }

  opened({ user }) {
    this.user = user;
    this.connection = new Connection(this);
    this.#owner.opened(this);
  }

  handle({ exchange, payload }) {
    const context = new RequestContext(this.connection);
    this.#contexts.set(exchange, context);
    this.#answer(exchange, payload, context);
  }

  async #answer(exchange, payload, context) {
    let end;
    try {
      const value = await this.#options.handler(payload, context);
      end = (machine) => machine.answer(exchange, value);
    } catch (error) {
      end = (machine) => machine.fail(exchange, error);
    }
    this.#contexts.delete(exchange);
    this.run(end);
  }

  cancel({ exchange }) {
    this.#contexts.get(exchange).cancel();
  }

  answered({ request, value }) {
    request.settle(undefined, value);
  }

  failed({ request, error }) {
    request.settle(error);
  }

  ended({ end: { reason, error, code, text }, handled }) {
    this.#lookup?.abort();
    for (const exchange of handled) this.#contexts.get(exchange)?.cancel();
    const end = Object.freeze({ reason, code, text, error: reason === 'clean' ? undefined : error });
    this.#owner.ended(this, end);
    this.#resolveEnded(end);
  }

  log({ text }) {
    try {
      this.#options.log(text);
    } catch {
      // A log that fails is no reason to end a connection.
    }
  }

  streamClosed() {
    this.#owner.streamClosed(this);
  }
}
