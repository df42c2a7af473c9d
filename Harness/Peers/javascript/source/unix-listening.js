// Listening on a UNIX socket.

import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import {
  chmodSync, closeSync, constants, fchmodSync, lstatSync, mkdtempSync, openSync, renameSync, rmSync, unlinkSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { BokbokError } from './errors.js';

// Commands that lock their descriptor 3 without waiting, and end with 0 if they could. The lock belongs to the open
// file, which this process has too: it holds until this process closes the file, or ends. Node has no flock of its own.
const LOCKING_COMMANDS = [
  ['flock', ['-x', '-n', '3']],
  ['perl', ['-e', 'use Fcntl ":flock"; open(my $f, "+<&=", 3) or exit 2; exit(flock($f, LOCK_EX | LOCK_NB) ? 0 : 1)']],
];

/**
 * Makes a server of node:net listen on a path. Gives a function that removes the socket file, if it is still this
 * server's own, and gives the lock back; to be called when the server stops.
 */
export async function listenOnPath(server, path, mode = 0o600) {
  const lock = await takeLock(path);
  try {
    await removeDeadSocket(path);
    const own = await bind(server, path, mode);
    return () => {
      removeOwnSocket(path, own);
      closeSync(lock);
    };
  } catch (error) {
    closeSync(lock);
    throw error;
  }
}

// A-1.h, A-1.i
async function takeLock(path) {
  const descriptor = openLockFile(`${path}.lock`);
  try {
    for (const [command, parameters] of LOCKING_COMMANDS) {
      const status = await run(command, parameters, descriptor);
      if (status === 0) return descriptor;
      if (status === 1) throw new BokbokError('address', `another server holds the lock of ${path} (${path}.lock)`);
      if (status !== 'missing') throw new BokbokError('address', `${command} could not lock ${path}.lock (${status})`);
    }
    throw new BokbokError('address', 'a server on a UNIX socket needs the command flock, of util-linux, or perl');
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function openLockFile(name) {
  const flags = constants.O_RDWR | constants.O_NOFOLLOW;
  try {
    const descriptor = openSync(name, flags | constants.O_CREAT | constants.O_EXCL, 0o600);
    fchmodSync(descriptor, 0o600); // whatever the umask is
    return descriptor;
  } catch (error) {
    if (error.code !== 'EEXIST') throw cannotListen(name, error);
  }
  try {
    return openSync(name, flags);
  } catch (error) {
    throw cannotListen(name, error);
  }
}

function run(command, parameters, descriptor) {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
    child.on('error', (error) => resolve(error.code === 'ENOENT' ? 'missing' : error.message));
    child.on('exit', (status, signal) => resolve(status ?? signal));
  });
}

// A-1.e, A-1.f
async function removeDeadSocket(path) {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status) return;
  if (!status.isSocket()) throw new BokbokError('address', `${path} exists and is not a socket; it is left alone`);
  const answer = await tryToConnect(path);
  if (answer === 'ECONNREFUSED') unlinkSync(path);
  else if (answer !== 'ENOENT') throw new BokbokError('address', `${path} is in use (${answer})`);
}

function tryToConnect(path) {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve('it accepts connections');
    });
    socket.on('error', (error) => resolve(error.code ?? error.message));
  });
}

// The socket is made in a directory that nobody else can enter, gets its mode there, and is then moved to its path: it
// listens before, but at no time can one whom the mode shuts out connect (A-1.d). When Node closes a socket it removes
// whatever stands at the path that the socket was made with: nothing does, by then, at a name that nobody else has (A-1.g).
async function bind(server, path, mode) {
  let directory;
  let descriptor;
  try {
    directory = mkdtempSync(join(dirname(path), '.bokbok-'));
    // By way of its descriptor, where there is /proc: the name in the directory may be too long for a socket.
    if (process.platform === 'linux') descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    const parent = descriptor === undefined ? directory : `/proc/self/fd/${descriptor}`;
    const name = join(parent, randomBytes(8).toString('hex'));
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(name, () => {
        server.off('error', reject);
        resolve();
      });
    });
    chmodSync(name, mode); // A-1.c
    const { dev, ino } = lstatSync(name);
    renameSync(name, path);
    return { dev, ino };
  } catch (error) {
    server.close();
    throw cannotListen(path, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  }
}

function removeOwnSocket(path, own) {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status?.dev === own.dev && status?.ino === own.ino) unlinkSync(path); // A-1.g
}

function cannotListen(path, error) {
  return new BokbokError('address', `cannot listen on ${path}: ${error.message}`, { cause: error });
}
