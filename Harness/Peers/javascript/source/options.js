// The options of servers and clients: their checks and their defaults.

import { KEY_LENGTH } from './noise.js';
import { checkedSettings } from './wire.js';
import { isCode, isWellFormed } from './text.js';

const LONGEST_TIME = 2147483647; // of Node's timers, about 24 days

// Name, default, least, largest.
const LIMITS = [
  ['handshakeMilliseconds', 10000, 1, LONGEST_TIME], // O-10.d
  ['drainMilliseconds', 5000, 1, LONGEST_TIME], // C-5.a
  ['keepaliveMilliseconds', 0, 0, LONGEST_TIME], // P-3.a; 0: off
  ['keepaliveTimeoutMilliseconds', undefined, 1, LONGEST_TIME], // the same as the interval
  ['maxConnections', Infinity, 0, Number.MAX_SAFE_INTEGER], // O-6.c
  ['maxOpening', 1024, 1, Number.MAX_SAFE_INTEGER], // O-12.a
  ['ownOutputBytes', 262144, 1, Number.MAX_SAFE_INTEGER], // P-4.b
  ['answersBytes', 1048576, 1, Number.MAX_SAFE_INTEGER], // P-5.a
  ['terminateMilliseconds', 2000, 0, LONGEST_TIME], // A-3.b
  ['killMilliseconds', 2000, 0, LONGEST_TIME], // A-3.b
];

export function checkedLimits(given = {}) {
  const limits = {};
  for (const name of Object.keys(given)) {
    if (!LIMITS.some(([known]) => known === name)) {
      throw new TypeError(`there is no limit ${name}; there are ${LIMITS.map(([known]) => known).join(', ')}`);
    }
  }
  for (const [name, preset, least, largest] of LIMITS) {
    const value = given[name] ?? preset;
    const inRange = Number.isInteger(value) && value >= least && value <= largest;
    if (given[name] !== undefined && value !== Infinity && !inRange) {
      throw new RangeError(`${name} is a whole number from ${least} to ${largest}, not ${value}`);
    }
    if (value === Infinity && preset !== Infinity) throw new RangeError(`${name} cannot be infinite`);
    limits[name] = value;
  }
  limits.keepaliveTimeoutMilliseconds ??= limits.keepaliveMilliseconds;
  return limits;
}

const COMMON = ['handler', 'settings', 'limits', 'hideErrors', 'onClose', 'log'];

/** Refuses an option that there is not, such as a misspelt one. */
export function checkNames(options, own) {
  const known = [...COMMON, ...own];
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new TypeError(`there is no option ${name}; there are ${known.join(', ')}`);
  }
}

/** The options that both roles have. */
export function commonOptions({ handler, settings, limits, hideErrors = false, log = logToStandardError }) {
  if (handler !== undefined && typeof handler !== 'function') throw new TypeError('handler is a function');
  return { handler, settings: checkedSettings(settings), limits: checkedLimits(limits), hideErrors, log };
}

function logToStandardError(text) {
  process.stderr.write(`bokbok: ${text}\n`);
}

/** Checks a client's user and key; both are given, or neither. */
export function checkedIdentity(user, key) {
  if (user === undefined && key === undefined) return { sealed: false };
  if (typeof user !== 'string' || !isWellFormed(user)) throw new TypeError('user is a string, and well-formed');
  const length = Buffer.byteLength(user);
  if (length < 1 || length > 255) throw new RangeError(`user has 1 to 255 bytes of UTF-8, not ${length}`); // H-2.a
  return { sealed: true, user, key: checkedKey(key, user) };
}

export function checkedKey(key, user) {
  if (!(key instanceof Uint8Array) || key.byteLength !== KEY_LENGTH) {
    const got = key instanceof Uint8Array ? `${key.byteLength} bytes` : typeof key;
    throw new TypeError(`the key of ${JSON.stringify(user)} is a Uint8Array of ${KEY_LENGTH} bytes, not ${got}`);
  }
  return key;
}

/** Checks the options of a request; gives its signal, if it has one. */
export function checkedSignal(options) {
  if (options === null || typeof options !== 'object') throw new TypeError('the options of a request are an object');
  for (const name of Object.keys(options)) {
    if (name !== 'signal') throw new TypeError(`there is no option ${name} of a request; there is signal`);
  }
  const { signal } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    throw new TypeError('signal is an AbortSignal, such as AbortSignal.timeout(5000)');
  }
  return signal;
}

/** Checks what an application wants to put into a CLOSE (C-9.g). */
export function checkClose(code, text) {
  if (!isCode(code)) {
    throw new TypeError(`the code of a close is 1 to 64 of a-z, 0-9, "." and "-", not ${JSON.stringify(code)}`);
  }
  if (code === 'protocol-error') throw new TypeError('the code protocol-error belongs to the protocol');
  if (typeof text !== 'string' || !isWellFormed(text)) throw new TypeError('the message of a close is a string');
  if (Buffer.byteLength(text) > 65000) throw new RangeError('the message of a close has at most 65000 bytes');
}
