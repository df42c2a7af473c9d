// How the testee contract writes things in JSON.

import { BokbokError } from '../index.js';

const SETTINGS = { 'max-message': 'maxMessage', 'max-requests': 'maxRequests', 'max-partial': 'maxPartial' };
const LIMITS = {
  handshakeMs: 'handshakeMilliseconds',
  drainMs: 'drainMilliseconds',
  maxConnections: 'maxConnections',
  keepaliveMs: 'keepaliveMilliseconds',
  keepaliveTimeoutMs: 'keepaliveTimeoutMilliseconds',
  maxOpening: 'maxOpening',
  endMs: 'terminateMilliseconds',
  killMs: 'killMilliseconds',
};
const DEEPEST = 70; // more than any value has

export function settingsOf(json) {
  return renamed(json, SETTINGS, 'setting');
}

export function limitsOf(json) {
  return renamed(json, LIMITS, 'limit');
}

function renamed(json, names, what) {
  const options = {};
  for (const [name, value] of Object.entries(json ?? {})) {
    if (!Object.hasOwn(names, name)) throw new TypeError(`there is no ${what} ${name}`);
    if (value !== null) options[names[name]] = value;
  }
  return options;
}

/** A lookup in the users of the contract: a key of another length is taken, and makes that user unknown (H-4.h). */
export function lookupOf(json) {
  if (json === undefined || json === null) return undefined;
  const keys = new Map(Object.entries(json).map(([user, key]) => [user, Buffer.from(key, 'hex')]));
  return (user) => keys.get(user);
}

export function bytesOf(hex) {
  if (typeof hex !== 'string' || !/^([0-9a-fA-F]{2})*$/.test(hex)) throw new TypeError('bytes are a string of hex');
  return Buffer.from(hex, 'hex');
}

/** A value as nested JSON. */
export function valueOf(json, depth = 0) {
  if (Array.isArray(json)) {
    // What nests too deep is cut: it is too deep all the same.
    return depth > DEEPEST ? [] : json.map((element) => valueOf(element, depth + 1));
  }
  return bytesOf(json?.hex);
}

export function jsonOf(value) {
  return Array.isArray(value) ? value.map(jsonOf) : { hex: value.toString('hex') };
}

/** The `error` of a reply. */
export function errorOf(error, encode) {
  if (!(error instanceof BokbokError) || error.kind === 'address') return { kind: 'other', message: error.message };
  const json = { kind: error.kind, message: error.text ?? error.message };
  if (error.code !== undefined) json.code = error.code;
  if (error.side !== undefined) json.side = error.side;
  if (error.details !== undefined) json.details = error.details.map((detail) => encode(detail).toString('hex'));
  return json;
}
