// The commands of `exec:` addresses (A-3).

import { spawn } from 'node:child_process';
import { accessSync, constants, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BokbokError } from './errors.js';
import { PairTransport } from './transports.js';

const FLAG_CLOSE_ON_EXEC = 0o2000000; // of Linux, as /proc shows it
const CLOSING_SHELL = 'bash'; // `sh` may know descriptors of one digit only
let nothing; // a descriptor of /dev/null

/**
 * Starts a command; gives the transport over its standard input and output, and the command: `pid`, and `exited`, a
 * promise of its {status, signal}.
 */
export async function startCommand([name, ...parameters], limits) {
  const { words, more } = withoutInherited([name, ...parameters]);
  const child = spawn(words[0], words.slice(1), { stdio: ['pipe', 'pipe', 'inherit', ...more] });
  const exited = new Promise((resolve) => {
    child.on('exit', (status, signal) => resolve({ status, signal })); // A-3.c: Node reaps it
  });
  await new Promise((resolve, reject) => {
    child.on('spawn', resolve);
    child.on('error', (error) => {
      reject(new BokbokError('address', `the command ${JSON.stringify(name)} cannot be started: ${error.message}`,
        { cause: error }));
    });
  });
  const transport = new PairTransport(child.stdout, child.stdin, { afterClose: () => end(child, exited, limits) });
  return { transport, command: Object.freeze({ pid: child.pid, exited }) };
}

// A-3.a, A-3.b: the stream has been closed, and with it the command's input.
function end(child, exited, { terminateMilliseconds, killMilliseconds }) {
  let timer = setTimeout(() => {
    child.kill('SIGTERM');
    timer = setTimeout(() => child.kill('SIGKILL'), killMilliseconds);
  }, terminateMilliseconds);
  exited.then(() => clearTimeout(timer));
}

// A-3.d: Node closes its own descriptors in a command, but not all of those that it was itself started with, such as
// one that a shell opened. It cannot change them: a shell that knows numbers of two digits closes them and becomes the
// command, in the same process. Where there is none, /dev/null takes their place.
function withoutInherited(words) {
  const numbers = inheritedByMistake();
  if (numbers.length === 0) return { words, more: [] };
  if (isCommand(CLOSING_SHELL) && isCommand(words[0])) {
    const script = `exec ${numbers.map((number) => `${number}>&-`).join(' ')}; exec -- "$@"`;
    return { words: [CLOSING_SHELL, '-c', script, CLOSING_SHELL, ...words], more: [] };
  }
  nothing ??= openSync('/dev/null', 'r');
  const more = [];
  for (const number of numbers) more[number - 3] = nothing;
  return { words, more: Array.from(more, (cover) => cover ?? 'ignore') };
}

/** Whether a name is that of a program that can be started, so that a failure is found before the shell is one. */
function isCommand(name) {
  const paths = name.includes('/') ? [name] : (process.env.PATH ?? '').split(':').map((folder) => join(folder || '.', name));
  return paths.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function inheritedByMistake() {
  try {
    return readdirSync('/proc/self/fdinfo').map(Number).filter((number) => number > 2 && isInherited(number));
  } catch {
    return []; // no Linux
  }
}

function isInherited(number) {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${number}`, 'latin1'));
    return flags !== null && (Number.parseInt(flags[1], 8) & FLAG_CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // closed meanwhile
  }
}
