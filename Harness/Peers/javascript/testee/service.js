// The conformance service: what a testee answers on every connection, in both roles.

import { createHash } from 'node:crypto';
import { RequestError } from '../index.js';
import { MAX_VALUES, decimal } from '../source/values.js';

const LARGEST_NUMBER = 4294967295;
const LONGEST_TIMER_MILLISECONDS = 2147483647;
const EMPTY = Buffer.alloc(0);

const REQUESTS = {
  echo: (parts) => ['echo', ...parts],

  fail([code, message, ...details], { isAtom }) {
    if (!isAtom(code) || !isAtom(message)) throw unknown();
    throw new RequestError(code.toString('utf8'), message.toString('utf8'), details);
  },

  crash(parts) {
    expectCount(parts, 0);
    return parts.nothing.atAll; // a TypeError
  },

  async sleep(parts, { signal }) {
    const [milliseconds] = numbers(parts, 1);
    await sleep(milliseconds, signal);
    return ['slept', milliseconds];
  },

  blob(parts, { connection }) {
    const [length] = numbers(parts, 1);
    const atom = Buffer.alloc(length);
    if (length <= connection.maxMessage) { // a longer one is not sent
      for (let index = 0; index < length; index += 1) atom[index] = index % 251;
    }
    return atom;
  },

  digest([atom, ...more], { isAtom }) {
    if (!isAtom(atom) || more.length > 0) throw unknown();
    return createHash('sha256').update(atom).digest();
  },

  callback(parts, { connection, signal }) {
    const [count] = numbers(parts, 1);
    const answers = [];
    for (let index = 1; index <= count; index += 1) answers.push(connection.request(['echo', index], { signal }));
    return Promise.all(answers);
  },

  async nest(parts, { connection, signal }) {
    const [depth] = numbers(parts, 1);
    return depth === 0 ? ['nested'] : [await connection.request(['nest', depth - 1], { signal })];
  },

  whoami(parts, { connection }) {
    expectCount(parts, 0);
    return connection.user === null ? [] : [connection.user];
  },

  hang(parts, { signal }) {
    expectCount(parts, 0);
    return cancellation(signal);
  },

  async stubborn(parts, { signal }) {
    const [milliseconds] = numbers(parts, 1);
    await cancellation(signal).catch(() => {});
    await sleep(milliseconds);
    throw signal.reason;
  },

  many(parts) {
    const [count] = numbers(parts, 1);
    return new Array(Math.min(count, MAX_VALUES)).fill(EMPTY); // more cannot be sent either
  },
};

/** The handler of the service. */
export async function serveConformance(payload, { connection, signal }) {
  const isAtom = (value) => value instanceof Uint8Array;
  const name = Array.isArray(payload) && isAtom(payload[0]) ? payload[0].toString('latin1') : '';
  if (!Object.hasOwn(REQUESTS, name)) throw unknown();
  return REQUESTS[name](payload.slice(1), { connection, signal, isAtom });
}

function unknown() {
  return new RequestError('unknown-request', 'the conformance service has no such request');
}

function expectCount(parts, count) {
  if (parts.length !== count) throw unknown();
}

function numbers(parts, count) {
  expectCount(parts, count);
  return parts.map((part) => {
    const number = part instanceof Uint8Array ? decimal(part, LARGEST_NUMBER) : undefined;
    if (number === undefined || number === Infinity) throw unknown();
    return number;
  });
}

/** Rejects when the signal is aborted. */
function cancellation(signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** Waits; longer than a timer of Node can, too. Rejects when the signal is aborted. */
async function sleep(milliseconds, signal) {
  for (let left = milliseconds; left > 0 || milliseconds === 0; left -= LONGEST_TIMER_MILLISECONDS) {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, Math.min(left, LONGEST_TIMER_MILLISECONDS));
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      }, { once: true });
      if (signal?.aborted) reject(signal.reason);
    });
    if (milliseconds === 0) return;
  }
}
