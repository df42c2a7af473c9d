// Servers.

import { createServer } from 'node:net';
import { randomBytes } from 'node:crypto';
import { BokbokError, TurnedDown } from './errors.js';
import { Link, handleNothing } from './connection.js';
import { checkClose, checkNames, checkedKey, commonOptions } from './options.js';
import { parseAddress, tcpText } from './addresses.js';
import { describedWithStack } from './text.js';
import { KEY_LENGTH } from './noise.js';
import { Machine } from './machine.js';
import { SocketTransport } from './transports.js';
import { listenOnPath } from './unix-listening.js';
import { takeStandardStreams } from './standard-streams.js';

/** Starts a server; see index.d.ts for the options. Gives a promise of the Server, which listens then. */
export async function serve(address, options = {}) {
  return start(address, options);
}

/** As `serve`, with what is for tests only: `machineOptions` go to the machine of each connection (H-7.c). */
export async function start(address, options, machineOptions = {}) {
  const target = parseAddress(address, 'server');
  const server = new Server(checkedOptions(options), machineOptions);
  await server[LISTEN](target);
  return server;
}

function checkedOptions(options) {
  checkNames(options, ['users', 'lookup', 'onOpen', 'mode']);
  const { users, lookup, onOpen, onClose, mode = 0o600 } = options;
  if (users && lookup) throw new TypeError('give either users or lookup, not both');
  if (lookup !== undefined && typeof lookup !== 'function') throw new TypeError('lookup is a function');
  return {
    ...commonOptions({ handler: handleNothing, ...options }),
    lookup: users ? lookupIn(users) : lookup,
    onOpen,
    onClose,
    mode,
  };
}

// H-12.a: strings of UTF-8 that JavaScript takes for the same have the same bytes, since it does not normalize.
function lookupIn(users) {
  const keys = new Map();
  for (const [user, key] of users instanceof Map ? users : Object.entries(users)) {
    keys.set(user, Buffer.from(checkedKey(key, user)));
  }
  return (user) => keys.get(user);
}

const LISTEN = Symbol('listen');

/** A server that listens, or that serves standard input and output. Made by `serve`. */
export class Server {
  #options;
  #machineOptions;
  #unknownUserKey = randomBytes(KEY_LENGTH); // H-4.f
  #listening; // of node:net; undefined on standard input and output
  #stopListening;
  #counted = new Map(); // the streams that are not open or are ending, from the one that is so for longest (O-12)
  #links = new Set(); // all streams
  #open = new Set(); // the links that are open (O-6.c)
  #admissions = new Map(); // the AbortControllers of open handlers that have not decided, by link
  #turnedDown = new WeakSet();
  #stopped = false;
  #resolveClosed;

  constructor(options, machineOptions) {
    this.#options = options;
    this.#machineOptions = machineOptions;
    /** The address, with the port that was got (A-1.b). */
    this.address = undefined;
    /** Fulfilled when the server has stopped and all its streams are closed. */
    this.closed = new Promise((resolve) => { this.#resolveClosed = resolve; });
  }

  /** The connections that are open. */
  get connections() {
    return [...this.#open].map((link) => link.connection);
  }

  /**
   * Stops listening and closes the open connections: with `graceful` in order, with the code `shutdown` (C-1.b), else
   * at once. The promise is fulfilled when all streams are closed.
   */
  async stop({ graceful = true } = {}) {
    this.#stop();
    for (const link of [...this.#links]) {
      if (!graceful) link.run((machine) => machine.abort());
      else if (this.#open.has(link)) link.run((machine) => machine.close('shutdown', 'the server is stopping'));
      else if (!link.machine.hasEnded) link.run((machine) => machine.abort()); // it was not open yet
    }
    this.#closeWhenDone();
    return this.closed;
  }

  async [LISTEN](target) {
    if (target.scheme === 'stdio') {
      this.address = 'stdio:';
      this.#stopped = true; // A-2.a: exactly one connection
      this.#accept(takeStandardStreams());
      return;
    }
    const listening = createServer({ allowHalfOpen: true });
    listening.on('connection', (socket) => this.#accept(new SocketTransport(socket)));
    if (target.scheme === 'unix') {
      this.#stopListening = await listenOnPath(listening, target.path, this.#options.mode);
      this.address = `unix:${target.path}`;
    } else {
      await listenOnPort(listening, target);
      this.address = tcpText(target.host, listening.address().port);
    }
    this.#listening = listening;
    // O-12.c: a failed accept, such as for want of descriptors, ends nothing.
    listening.on('error', (error) => this.#options.log(`could not accept a connection: ${error.message}`));
  }

  #stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopListening?.();
    this.#listening.close();
  }

  #closeWhenDone() {
    if (this.#stopped && this.#links.size === 0) this.#resolveClosed();
  }

  #accept(transport) {
    const { lookup, limits, settings, hideErrors } = this.#options;
    const machine = new Machine({
      role: 'server',
      sealed: lookup !== undefined,
      settings,
      limits,
      hideErrors,
      unknownUserKey: this.#unknownUserKey,
      isBusy: () => this.#open.size >= limits.maxConnections,
      ...this.#machineOptions,
    });
    const link = new Link({ machine, transport, options: this.#options, owner: this.#owner });
    this.#links.add(link);
    this.#count(link);
    link.start();
  }

  // O-12.a, O-12.b
  #count(link) {
    if (this.#counted.size >= this.#options.limits.maxOpening) {
      const [oldest] = this.#counted.keys();
      this.#counted.delete(oldest);
      oldest.run((machine) => machine.abort());
    }
    this.#counted.set(link, true);
  }

  // What the links tell.
  #owner = {
    lookUp: (user, signal) => this.#options.lookup(user, { signal }),

    opened: (link) => {
      this.#counted.delete(link);
      this.#open.add(link);
      this.#decideAdmission(link);
    },

    ended: (link, end) => {
      this.#admissions.get(link)?.abort(); // C-9.f
      if (!this.#open.delete(link)) return; // it was never open (S-1.g)
      if (!this.#turnedDown.has(link)) link.notify(this.#options.onClose, link.connection, end); // C-8.a, C-9.c
      if (!link.machine.isClosed) this.#count(link); // it is ending (F-3)
    },

    streamClosed: (link) => {
      this.#counted.delete(link);
      this.#links.delete(link);
      this.#closeWhenDone();
    },
  };

  // C-9
  async #decideAdmission(link) {
    const { onOpen } = this.#options;
    if (!onOpen) {
      link.run((machine) => machine.admit());
      return;
    }
    const controller = new AbortController();
    this.#admissions.set(link, controller);
    try {
      await onOpen(link.connection, { signal: controller.signal });
      link.run((machine) => machine.admit());
    } catch (error) {
      if (this.#open.has(link)) this.#turnDown(link, error);
    } finally {
      this.#admissions.delete(link);
    }
  }

  #turnDown(link, error) {
    this.#turnedDown.add(link);
    let code = 'shutdown'; // C-9.e
    let text = '';
    try {
      if (!(error instanceof TurnedDown)) throw error;
      checkClose(error.code, error.text);
      ({ code, text } = error); // C-9.a
    } catch (failure) {
      link.log({ text: `the open handler failed: ${describedWithStack(failure)}` });
    }
    link.run((machine) => machine.turnDown(code, text));
  }
}

function listenOnPort(listening, { host, port }) {
  return new Promise((resolve, reject) => {
    const failed = (error) => {
      const text = `cannot listen on ${tcpText(host, port)}: ${error.message}`;
      reject(new BokbokError('address', text, { cause: error }));
    };
    listening.once('error', failed);
    listening.listen({ host, port, backlog: 1024 }, () => {
      listening.off('error', failed);
      resolve();
    });
  });
}
