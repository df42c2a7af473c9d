// Clients.

import { Socket, isIP } from 'node:net';
import { lookup } from 'node:dns/promises';
import { Link, handleNothing } from './connection.js';
import { checkNames, checkedIdentity, commonOptions } from './options.js';
import { BokbokError } from './errors.js';
import { Machine } from './machine.js';
import { SocketTransport } from './transports.js';
import { parseAddress } from './addresses.js';
import { startCommand } from './commands.js';

/** Connects to a server; see index.d.ts for the options. Gives a promise of the Connection, which is open then. */
export async function connect(address, options = {}) {
  return begin(address, options);
}

/** As `connect`, with what is for tests only: `machineOptions` go to the machine of the connection (H-7.c). */
export async function begin(address, options, machineOptions = {}) {
  checkNames(options, ['user', 'key', 'allowExec', 'signal']);
  const target = parseAddress(address, 'client');
  if (target.scheme === 'exec' && options.allowExec !== true) { // A-4.a
    throw new BokbokError('address', 'an "exec:" address starts a command; it is taken only with allowExec: true');
  }
  const { sealed, user, key } = checkedIdentity(options.user, options.key);
  const common = commonOptions({ handler: handleNothing, ...options });
  const { settings, limits, hideErrors } = common;
  const started = performance.now();
  const { transport, command } = await openStream(target, common, options.signal);
  // O-10: the limit counts the connecting too.
  const handshakeMilliseconds = Math.max(1, limits.handshakeMilliseconds - Math.round(performance.now() - started));
  const machine = new Machine({
    role: 'client',
    sealed,
    user,
    key,
    settings,
    limits: { ...limits, handshakeMilliseconds },
    hideErrors,
    ...machineOptions,
  });
  return open({ machine, transport, command, common, options });
}

function open({ machine, transport, command, common, options: { onClose, signal } }) {
  return new Promise((resolve, reject) => {
    let link;
    const giveUp = () => {
      reject(cancelled(signal));
      link.run(() => machine.abort());
    };
    const owner = {
      opened: () => {
        signal?.removeEventListener('abort', giveUp);
        resolve(link.connection);
        // The caller has the connection before the first request reaches its handler.
        setImmediate(() => link.run(() => machine.admit()));
      },
      ended: (_, end) => {
        signal?.removeEventListener('abort', giveUp);
        if (link.connection) link.notify(onClose, link.connection, end); // C-8.a
        else reject(end.error); // S-1.g
      },
      streamClosed: () => {},
    };
    link = new Link({ machine, transport, options: common, owner, command });
    link.start();
    if (signal?.aborted) giveUp();
    else signal?.addEventListener('abort', giveUp, { once: true });
  });
}

function cancelled(signal) {
  return new BokbokError('cancelled', 'connecting was given up', { cause: signal.reason });
}

async function openStream(target, { limits }, signal) {
  if (signal?.aborted) throw cancelled(signal);
  switch (target.scheme) {
    case 'exec':
      return startCommand(target.words, limits);
    case 'unix':
      return { transport: await connectSocket({ path: target.path }, target.path, limits, signal) };
    default:
      return { transport: await connectToHost(target, limits, signal) };
  }
}

// The addresses of the host are tried in the order of the resolver.
async function connectToHost({ host, port }, limits, signal) {
  const addresses = isIP(host) ? [host] : await addressesOf(host);
  let failure;
  for (const address of addresses) {
    try {
      return await connectSocket({ host: address, port }, `${host}:${port}`, limits, signal);
    } catch (error) {
      failure = error;
      if (error.kind !== 'address') break;
    }
  }
  throw failure;
}

async function addressesOf(host) {
  try {
    return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
  } catch (error) {
    throw new BokbokError('address', `the host ${host} cannot be found: ${error.message}`, { cause: error });
  }
}

function connectSocket(target, name, limits, signal) {
  return new Promise((resolve, reject) => {
    const socket = new Socket({ allowHalfOpen: true });
    const timer = setTimeout(() => {
      fail(new BokbokError('timeout', `no connection to ${name} within the handshake time limit`)); // O-10.c
    }, limits.handshakeMilliseconds);
    const giveUp = () => fail(cancelled(signal));
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
      socket.removeAllListeners();
    };
    const fail = (error) => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    socket.on('error', (error) => {
      fail(new BokbokError('address', `cannot connect to ${name}: ${error.message}`, { cause: error }));
    });
    socket.connect(target, () => {
      settle();
      resolve(new SocketTransport(socket));
    });
  });
}
