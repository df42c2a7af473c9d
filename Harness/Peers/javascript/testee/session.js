// The commands of the testee contract.

import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';

import { decode, encode } from '../index.js';
import { bytesOf, errorOf, jsonOf, limitsOf, lookupOf, settingsOf, valueOf } from './json.js';
import { begin } from '../source/client.js';
import { serveConformance } from './service.js';
import { start } from '../source/server.js';

const HELLO = Object.freeze({
  contract: 1,
  name: 'bokbok-javascript',
  version: '1.0.0',
  roles: ['client', 'server'],
  transports: ['tcp', 'unix', 'stdio'],
  security: ['plain', 'sealed'],
  features: ['value-codec', 'keepalive', 'exec', 'control-fd', 'key-log'],
});

// The kit asks `hello` before it looks at the memory of this process. What is garbage then had better be gone: V8 would
// let tens of megabytes of it come together first.
const collect = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
})();
const GARBAGE_MAX = 4 << 20;
let heldBytes = 0; // after the last collection

function collectGarbage() {
  if (held() - heldBytes < GARBAGE_MAX) return;
  collect();
  heldBytes = held();
}

function held() {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

// So many are remembered: a request on one gets the kind of its end.
const ENDED_CONNECTIONS_MAX = 64;

/** All that one testee does. `emit` takes replies and events, `machineOptions` go to every connection. */
export class Session {
  #emit;
  #machineOptions;
  #connections = new Map(); // by id
  #ids = new Map(); // of connections
  #ended = new Set(); // ids of connections that have ended, the oldest first
  #servers = new Map();
  #requests = new Map(); // the AbortControllers of requests under way, by seq
  #commands = new Set(); // of `exec:` connections, until they have exited
  #lastId = 0;

  constructor(emit, machineOptions = {}) {
    this.#emit = emit;
    this.#machineOptions = machineOptions;
  }

  /** Carries out the command of one line, and replies. */
  async take(line) {
    let seq = null;
    try {
      const command = JSON.parse(line);
      seq = command.seq ?? null;
      if (!Object.hasOwn(this.#table, command.command)) {
        this.#emit({ seq, error: { kind: 'unsupported', message: `there is no command ${command.command}` } });
        return;
      }
      await this.#table[command.command](command, (result = {}) => this.#emit({ seq, ok: result }));
    } catch (error) {
      this.#emit({ seq, error: errorOf(error, encode) });
    }
  }

  /** Drops all connections, removes all sockets, and waits for the commands to end. */
  async end() {
    for (const connection of this.#connections.values()) connection.abort();
    await Promise.all([...this.#servers.values()].map((server) => server.stop({ graceful: false })));
    await Promise.all(this.#commands);
  }

  /** Starts a server; gives its id and the server. */
  async listen({ address, users, settings, limits }) {
    const id = this.#newId('server');
    const server = await start(address, {
      lookup: lookupOf(users),
      settings: settingsOf(settings),
      limits: limitsOf(limits),
      handler: (payload, context) => this.#handle(payload, context),
      onOpen: (connection) => {
        const name = this.#add(connection);
        this.#emit({ event: 'opened', server: id, connection: name, user: connection.user });
      },
      onClose: (connection, end) => this.#closed(connection, end),
    }, this.#machineOptions);
    this.#servers.set(id, server);
    return { id, server };
  }

  // Each command replies by `reply`, or throws.
  #table = {
    hello: (_, reply) => {
      collectGarbage();
      reply(HELLO);
    },

    listen: async (command, reply) => {
      const { id, server } = await this.listen(command);
      reply({ server: id, address: server.address });
    },

    connect: async ({ address, user, key, settings, limits }, reply) => {
      // The reply comes before any event of the connection.
      let replied = false;
      let end;
      const connection = await begin(address, {
        user: user ?? undefined,
        key: typeof key === 'string' ? bytesOf(key) : undefined,
        settings: settingsOf(settings),
        limits: limitsOf(limits),
        allowExec: true,
        handler: (payload, context) => this.#handle(payload, context),
        onClose: (closed, itsEnd) => {
          if (replied) this.#closed(closed, itsEnd);
          else end = itsEnd;
        },
      }, this.#machineOptions);
      this.#watchCommand(connection);
      reply({ connection: this.#add(connection) });
      replied = true;
      if (end) this.#closed(connection, end);
    },

    request: async ({ seq, connection, payload }, reply) => {
      const controller = new AbortController();
      this.#requests.set(seq, controller);
      try {
        const value = decode(bytesOf(payload));
        const response = await this.#connection(connection).request(value, { signal: controller.signal });
        reply({ response: encode(response).toString('hex') });
      } finally {
        this.#requests.delete(seq);
      }
    },

    cancel: ({ request }, reply) => {
      this.#requests.get(request)?.abort();
      reply();
    },

    ping: async ({ connection }, reply) => {
      await this.#connection(connection).ping();
      reply();
    },

    close: async ({ connection, code, message }, reply) => {
      await this.#connection(connection).close(code ?? undefined, message ?? undefined);
      reply();
    },

    abort: ({ connection }, reply) => {
      this.#connection(connection).abort();
      reply();
    },

    stop: async ({ server, graceful }, reply) => {
      if (!this.#servers.has(server)) throw new TypeError(`there is no server ${server}`);
      await this.#servers.get(server).stop({ graceful: graceful ?? true });
      reply();
    },

    decodeValue: ({ bytes }, reply) => reply({ value: jsonOf(decode(bytesOf(bytes))) }),

    encodeValue: ({ value }, reply) => reply({ bytes: encode(valueOf(value)).toString('hex') }),

    quit: async (_, reply) => {
      await this.end();
      reply();
      this.onQuit?.();
    },
  };

  #newId(kind) {
    this.#lastId += 1;
    return `${kind}-${this.#lastId}`;
  }

  #add(connection) {
    const id = this.#newId('connection');
    this.#connections.set(id, connection);
    this.#ids.set(connection, id);
    return id;
  }

  #connection(id) {
    const connection = this.#connections.get(id);
    if (!connection) throw new TypeError(`there is no connection ${id}`);
    return connection;
  }

  #closed(connection, { reason, code, text }) {
    const event = { event: 'closed', connection: this.#ids.get(connection), reason };
    if (code !== undefined) Object.assign(event, { code, message: text });
    this.#emit(event);
    this.#ended.add(event.connection);
    if (this.#ended.size > ENDED_CONNECTIONS_MAX) this.#forget(this.#ended.values().next().value);
  }

  #forget(id) {
    this.#ended.delete(id);
    this.#ids.delete(this.#connections.get(id));
    this.#connections.delete(id);
  }

  #watchCommand({ command }) {
    if (!command) return;
    this.#commands.add(command.exited);
    command.exited.then(() => this.#commands.delete(command.exited));
  }

  #handle(payload, context) {
    const { connection, signal } = context;
    const common = { connection: this.#ids.get(connection), payload: encode(payload).toString('hex') };
    this.#emit({ event: 'request', ...common });
    const cancelled = () => this.#emit({ event: 'cancelled', ...common });
    signal.addEventListener('abort', cancelled, { once: true });
    return serveConformance(payload, context).finally(() => signal.removeEventListener('abort', cancelled));
  }
}

