// Values: canonical S-expressions (section 7). An atom is bytes, a list is an array of values.
//
// For sending, an atom may also be given as a string (its UTF-8 bytes), or as a whole number from 0 up (its decimal
// digits). What is received has atoms as Buffers; `atomText` and `atomNumber` read them.

import { BokbokError } from './errors.js';
import { isWellFormed, utf8Text } from './text.js';

export const MAX_DEPTH = 64;
export const MAX_VALUES = 1048576;

const OPEN = 0x28;
const CLOSE = 0x29;
const COLON = 0x3a;
const ZERO = 0x30;
const EMPTY = Buffer.alloc(0);

/**
 * The one encoding of a value (V-1.b, V-5.a). Throws a BokbokError of the kind malformed if the value nests too deep or
 * holds too many values (E-4), of the kind tooLarge if it takes more than `limit` bytes, and a TypeError if something
 * in it is not a value. Nothing as long as the value is allocated before all this is known.
 */
export function encode(value, limit = Infinity) {
  const length = measure(value);
  if (length > limit) {
    throw new BokbokError('tooLarge', `the message has ${length} bytes, but the other side takes ${limit} at most`);
  }
  const bytes = Buffer.allocUnsafeSlow(length);
  write(value, bytes, 0);
  return bytes;
}

/** The length of the encoding of a value in bytes; throws as `encode` does. */
export function measure(value) {
  let count = 0;
  const visit = (part, depth) => {
    count += 1;
    if (count > MAX_VALUES) { // V-6.a
      throw new BokbokError('malformed', `a message holds at most ${MAX_VALUES} values, and this one holds more`);
    }
    if (!Array.isArray(part)) {
      const length = atomLength(part);
      return String(length).length + 1 + length;
    }
    if (depth === MAX_DEPTH) { // V-3.a; this also ends the walk through a list that contains itself
      const error = new BokbokError('malformed', `lists nest at most ${MAX_DEPTH} deep, and these nest deeper`);
      throw Object.assign(error, { tooDeep: true });
    }
    let length = 2;
    for (const element of part) length += visit(element, depth + 1);
    return length;
  };
  return visit(value, 0);
}

function atomLength(part) {
  if (part instanceof Uint8Array) return part.byteLength;
  if (typeof part === 'string') {
    if (!isWellFormed(part)) throw new TypeError('a string with half a surrogate pair has no UTF-8 form');
    return Buffer.byteLength(part);
  }
  if (typeof part === 'bigint' && part >= 0n) return part.toString().length;
  if (Number.isSafeInteger(part) && part >= 0) return String(part).length;
  throw new TypeError(`a value is an array, a Uint8Array, a string or a whole number from 0 up, not ${described(part)}`);
}

function described(part) {
  if (part === null || part === undefined || typeof part === 'boolean') return String(part);
  if (typeof part === 'number' || typeof part === 'bigint') return `the number ${part}`;
  return typeof part === 'object' ? `an object (${part.constructor?.name ?? 'without a class'})` : `a ${typeof part}`;
}

// The depth is bounded by `measure`, which ran before.
function write(value, bytes, start) {
  let at = start;
  if (Array.isArray(value)) {
    bytes[at++] = OPEN;
    for (const element of value) at = write(element, bytes, at);
    bytes[at++] = CLOSE;
    return at;
  }
  if (value instanceof Uint8Array) {
    at += bytes.write(`${value.byteLength}:`, at, 'latin1');
    bytes.set(value, at);
    return at + value.byteLength;
  }
  const text = String(value);
  const length = typeof value === 'string' ? Buffer.byteLength(text) : text.length;
  at += bytes.write(`${length}:`, at, 'latin1');
  return at + bytes.write(text, at, 'utf8');
}

/** The value that the bytes are. Throws a BokbokError of the kind malformed if they are not exactly one (V-1 to V-6). */
export function decode(bytes) {
  const lists = []; // the lists that are open, from the outermost: no recursion (V-3.d)
  let count = 0;
  let at = 0;
  for (;;) {
    if (at === bytes.length) throw malformed(at, at === 0 ? 'there are no bytes at all' : 'the value is cut off'); // V-1
    let value;
    const byte = bytes[at];
    if (byte !== CLOSE) {
      count += 1;
      if (count > MAX_VALUES) throw malformed(at, `there are more than ${MAX_VALUES} values`); // V-6.a
    }
    if (byte === OPEN) {
      if (lists.length === MAX_DEPTH) throw malformed(at, `lists nest more than ${MAX_DEPTH} deep`); // V-3.a
      lists.push([]);
      at += 1;
      continue;
    }
    if (byte === CLOSE) {
      if (lists.length === 0) throw malformed(at, 'a ")" closes nothing'); // V-1.c
      value = lists.pop();
      at += 1;
    } else {
      const start = atomStart(bytes, at);
      const end = start.at + start.length;
      value = atom(bytes, start.at, end);
      at = end;
    }
    if (lists.length > 0) {
      lists[lists.length - 1].push(value);
    } else {
      if (at !== bytes.length) throw malformed(at, 'bytes follow the value'); // V-1.a
      return value;
    }
  }
}

function atomStart(bytes, first) {
  let at = first;
  let length = 0;
  for (; at < bytes.length && bytes[at] !== COLON; at += 1) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) { // V-4.a
      throw malformed(at, `0x${bytes[at].toString(16).padStart(2, '0')} stands where a value or a length goes on`);
    }
    if (at === first + 1 && length === 0) throw malformed(first, 'a length has a leading zero'); // V-2.a
    length = length * 10 + digit;
    if (length > bytes.length) throw malformed(first, 'a length exceeds what follows it'); // V-2.b
  }
  if (at === bytes.length) throw malformed(at, 'a length is cut off'); // V-1.c
  if (at === first) throw malformed(at, 'a length has no digit'); // V-2.a
  if (length > bytes.length - at - 1) throw malformed(first, 'a length exceeds what follows it'); // V-2.b
  return { at: at + 1, length };
}

// R-5.c: an atom is a copy, unless it makes up at least half of the memory that it would keep alive.
function atom(bytes, start, end) {
  if (start === end) return EMPTY;
  const view = bytes.subarray(start, end);
  return view.byteLength * 2 >= bytes.buffer.byteLength ? view : Buffer.from(view);
}

function malformed(at, what) {
  return new BokbokError('malformed', `not a value: ${what} (at byte ${at})`);
}

/** The text of an atom; throws a TypeError if it is a list, or its bytes are not UTF-8. */
export function atomText(value) {
  const text = value instanceof Uint8Array ? utf8Text(value) : undefined;
  if (text === undefined) {
    throw new TypeError(`expected an atom of UTF-8, got ${Array.isArray(value) ? 'a list' : 'other bytes'}`);
  }
  return text;
}

/** The number whose decimal digits an atom is, up to 2^53 - 1; throws a TypeError if it is none. */
export function atomNumber(value) {
  const number = value instanceof Uint8Array ? decimal(value, Number.MAX_SAFE_INTEGER) : undefined;
  if (number === undefined || number === Infinity) {
    throw new TypeError('expected an atom of decimal digits without leading zeros, up to 2^53 - 1');
  }
  return number;
}

/** The number that canonical decimal digits are; undefined if they are not, Infinity if it exceeds the limit. */
export function decimal(bytes, limit) {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (!/^(0|[1-9][0-9]*)$/.test(text)) return undefined;
  const number = text.length > 16 ? Infinity : Number(text);
  return number > limit ? Infinity : number;
}
