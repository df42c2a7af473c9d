// The commands of `exec:` addresses.

import { spawn } from 'node:child_process';
import { openSync, readFileSync, readdirSync } from 'node:fs';
import { BokbokError } from './errors.js';
import { PairTransport } from './transports.js';

const FLAG_CLOSE_ON_EXEC = 0o2000000; // of Linux, as /proc shows it
let nothing; // a descriptor of /dev/null

/**
 * Starts a command; gives the transport over its standard input and output, and the command: `pid`, and `exited`, a
 * promise of its {status, signal}.
 */
export async function startCommand([name, ...parameters], limits) {
  const child = spawn(name, parameters, { stdio: ['pipe', 'pipe', 'inherit', ...inheritedByMistake()] });
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

// A-3.d: Node closes its own descriptors in a command, but not all of those that it was itself started with. Each of
// these is covered with /dev/null.
function inheritedByMistake() {
  const covers = [];
  let numbers;
  try {
    numbers = readdirSync('/proc/self/fdinfo').map(Number);
  } catch {
    return covers; // no Linux
  }
  for (const number of numbers.filter((candidate) => candidate > 2)) {
    if (!isInherited(number)) continue;
    nothing ??= openSync('/dev/null', 'r');
    while (covers.length < number - 3) covers.push('ignore');
    covers[number - 3] = nothing;
  }
  return covers;
}

function isInherited(number) {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${number}`, 'latin1'));
    return flags !== null && (Number.parseInt(flags[1], 8) & FLAG_CLOSE_ON_EXEC) === 0;
  } catch {
    return false; // closed meanwhile
  }
}
