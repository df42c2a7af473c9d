// What stands on the wire: preambles, records, frames and the bodies that the protocol itself defines.

import { decode, decimal, encode } from './values.js';
import { Violation } from './errors.js';
import { isCode, utf8Text } from './text.js';

export const MAGIC = Buffer.from('BOKBOK', 'latin1');
export const VERSION = 1;
export const Mode = Object.freeze({ plain: 0x00, sealed: 0x01, refused: 0xff });

export const MAX_RECORD = 65535;
export const TAG_LENGTH = 16;
export const HEADER_LENGTH = 8;
export const MAX_NUMBER = 4294967295;

export const Kind = Object.freeze({
  settings: 0, request: 1, response: 2, error: 3, cancel: 4, ping: 5, pong: 6, close: 7,
});
const NAMES = ['SETTINGS', 'REQUEST', 'RESPONSE', 'ERROR', 'CANCEL', 'PING', 'PONG', 'CLOSE'];
const MORE = 0x01;

/** The preamble of a side (O-1, O-7.a, H-3.a), or of a refusal (O-6.a). */
export function preamble(mode) {
  return Buffer.concat([MAGIC, Buffer.of(VERSION, mode)]);
}

/** A record with this content, as it is. */
export function record(content) {
  const bytes = Buffer.allocUnsafe(2 + content.length);
  bytes.writeUInt16BE(content.length, 0);
  bytes.set(content, 2);
  return bytes;
}

/** How many bytes of frames a record takes (R-2.e). */
export function recordCapacity(sealed) {
  return sealed ? MAX_RECORD - TAG_LENGTH : MAX_RECORD;
}

/** A refusal, complete (O-6.a). */
export function refusal(code, message) {
  return Buffer.concat([preamble(Mode.refused), record(encode([code, message]))]);
}

/** A frame (F-1.a, F-1.b). */
export function frame(kind, id, body, more = false) {
  const bytes = Buffer.allocUnsafe(HEADER_LENGTH + body.length);
  bytes[0] = kind;
  bytes[1] = more ? MORE : 0;
  bytes.writeUInt16BE(body.length, 2);
  bytes.writeUInt32BE(id, 4);
  bytes.set(body, HEADER_LENGTH);
  return bytes;
}

/** The frames in the content of a record, one after the other; throws a Violation where one is wrong (F-1, F-2.f). */
export function* framesIn(content) {
  if (content.length === 0) throw new Violation('a record holds no frame'); // F-1.c
  for (let at = 0; at < content.length;) {
    if (content.length - at < HEADER_LENGTH) throw new Violation('a record ends within the header of a frame'); // F-1.d
    const kind = content[at];
    const flags = content[at + 1];
    const length = content.readUInt16BE(at + 2);
    const id = content.readUInt32BE(at + 4);
    const start = at + HEADER_LENGTH;
    if (length > content.length - start) throw new Violation('the body of a frame is longer than its record'); // F-1.e
    checkHeader(kind, flags, length, id);
    at = start + length;
    yield { kind, id, more: flags === MORE, body: content.subarray(start, at) };
  }
}

function checkHeader(kind, flags, length, id) {
  const name = NAMES[kind];
  if (name === undefined) throw new Violation(`there is no frame of the kind 0x${kind.toString(16)}`); // F-1.f, S-4.a
  if ((flags & ~MORE) !== 0) throw new Violation(`a ${name} has the reserved flags 0x${flags.toString(16)}`); // F-1.g
  const hasFragments = kind === Kind.request || kind === Kind.response;
  if (flags === MORE && !hasFragments) throw new Violation(`a ${name} has the flag MORE`); // F-1.h
  const hasId = hasFragments || kind === Kind.error || kind === Kind.cancel;
  if (hasId && id === 0) throw new Violation(`a ${name} has the exchange id 0`); // F-1.i
  if (!hasId && id !== 0) throw new Violation(`a ${name} has the exchange id ${id}`); // F-1.j
  if ((kind === Kind.ping || kind === Kind.pong) && length !== 8) {
    throw new Violation(`a ${name} has a body of ${length} bytes instead of 8`); // F-1.k
  }
  if (kind === Kind.cancel && length !== 0) throw new Violation('a CANCEL has a body'); // F-1.l
  if (flags === MORE && length === 0) throw new Violation(`an empty ${name} has the flag MORE`); // X-4.e
}

/**
 * `(code message)` with nothing after it: the content of a refusal and the body of a CLOSE (E-2.f, E-2.g). Gives the
 * code and the text, or undefined if the bytes are anything else.
 */
export function readCodeAndMessage(bytes) {
  const error = readError(bytes);
  return error?.details.length === 0 ? { code: error.code, text: error.text } : undefined;
}

/** `(code message detail …)`: the body of an ERROR (E-1.a). Undefined if the bytes are anything else (E-2.e). */
export function readError(bytes) {
  let value;
  try {
    value = decode(bytes);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length < 2) return undefined;
  const [code, message, ...details] = value;
  if (Array.isArray(code) || Array.isArray(message)) return undefined;
  const codeText = utf8Text(code);
  const text = utf8Text(message);
  return isCode(codeText) && text !== undefined ? { code: codeText, text, details } : undefined;
}

// ---------------------------------------------------------------------------------------------------------- SETTINGS

const DEFAULT_MAX_MESSAGE = 16777216;
const DEFAULT_MAX_REQUESTS = 128;

// The name on the wire, and the least number in range (S-2); the least `maxPartial` depends on `maxMessage`.
const SETTINGS = new Map([
  ['max-message', { key: 'maxMessage', least: 1024 }],
  ['max-requests', { key: 'maxRequests', least: 1 }],
  ['max-partial', { key: 'maxPartial', least: 0 }],
]);

/** The settings with their defaults filled in (S-2.c, S-2.d, S-2.e). */
export function completeSettings({ maxMessage, maxRequests, maxPartial }) {
  const message = maxMessage ?? DEFAULT_MAX_MESSAGE;
  return {
    maxMessage: message,
    maxRequests: maxRequests ?? DEFAULT_MAX_REQUESTS,
    maxPartial: maxPartial ?? Math.min(4 * message, MAX_NUMBER),
  };
}

/** Checks the settings that an application wants for its own side, and gives them complete. */
export function checkedSettings(given = {}) {
  for (const key of Object.keys(given)) {
    const entry = [...SETTINGS.values()].find((setting) => setting.key === key);
    if (!entry) throw new TypeError(`there is no setting ${key}; there are maxMessage, maxRequests and maxPartial`);
    const number = given[key];
    if (number !== undefined && !(Number.isInteger(number) && number >= entry.least && number <= MAX_NUMBER)) {
      throw new RangeError(`${key} is a whole number from ${entry.least} to ${MAX_NUMBER}, not ${number}`);
    }
  }
  const settings = completeSettings(given);
  if (settings.maxPartial < settings.maxMessage) { // S-2.f
    throw new RangeError(`maxPartial (${settings.maxPartial}) is less than maxMessage (${settings.maxMessage})`);
  }
  return settings;
}

/** The body of the SETTINGS of a side (S-2.a, S-2.b, S-4.b): what has its default is left out. */
export function settingsBody(settings) {
  const pairs = [];
  if (settings.maxMessage !== DEFAULT_MAX_MESSAGE) pairs.push(['max-message', settings.maxMessage]);
  if (settings.maxRequests !== DEFAULT_MAX_REQUESTS) pairs.push(['max-requests', settings.maxRequests]);
  if (settings.maxPartial !== completeSettings({ maxMessage: settings.maxMessage }).maxPartial) {
    pairs.push(['max-partial', settings.maxPartial]);
  }
  return encode(pairs);
}

/** The settings that the body of a SETTINGS gives; throws a Violation where S-3 says so. */
export function readSettings(body) {
  let list;
  try {
    list = decode(body);
  } catch (error) {
    throw new Violation(`the body of SETTINGS is ${error.message}`); // S-3.b
  }
  if (!Array.isArray(list)) throw new Violation('the body of SETTINGS is not a list'); // S-3.b
  const given = {};
  for (const element of list) {
    if (!Array.isArray(element) || !(element[0] instanceof Uint8Array)) {
      throw new Violation('an element of SETTINGS is not a list that begins with a name'); // S-3.b
    }
    const name = element[0].toString('latin1');
    const setting = SETTINGS.get(name);
    if (!setting) continue; // S-3.a
    if (setting.key in given) throw new Violation(`SETTINGS has ${name} twice`); // S-3.c
    const number = element.length === 2 && element[1] instanceof Uint8Array
      ? decimal(element[1], MAX_NUMBER)
      : undefined;
    if (number === undefined) throw new Violation(`the setting ${name} is not followed by one decimal number`); // S-3.d
    if (number < setting.least || number > MAX_NUMBER) throw new Violation(`the setting ${name} is out of range`); // S-3.e
    given[setting.key] = number;
  }
  const settings = completeSettings(given);
  if (settings.maxPartial < settings.maxMessage) {
    throw new Violation('the setting max-partial is less than max-message'); // S-2.f
  }
  return settings;
}
