// Text of the protocol: the form of codes, UTF-8, and how foreign text is shown.

import { isUtf8 } from 'node:buffer';

const CODE = /^[a-z0-9.-]{1,64}$/;
const RESERVED_CODES = new Set(['handler-failed', 'malformed', 'cancelled', 'closing', 'too-large', 'overloaded']);
// Control, format, private and unassigned characters, and the two separators that end a line.
const UNSHOWABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const SHOWN_CHARACTERS = 500;

/** Whether a text has the form of a code (E-1.a). */
export function isCode(text) {
  return typeof text === 'string' && CODE.test(text);
}

/** Whether a code belongs to the protocol and cannot be sent by an application (E-1). */
export function isReservedCode(text) {
  return RESERVED_CODES.has(text);
}

/** The text of an atom, or undefined if its bytes are not UTF-8 as RFC 3629 defines it; nothing is repaired (H-12.b). */
export function utf8Text(bytes) {
  return isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8') : undefined;
}

/** Whether a string has no lone surrogate, so that it has a UTF-8 form. */
export function isWellFormed(text) {
  return !/\p{Surrogate}/u.test(text);
}

/** Foreign text for people: control and format characters escaped, and cut (E-5.a). */
export function shown(text, limit = SHOWN_CHARACTERS) {
  const cut = text.length > limit;
  const head = cut ? text.slice(0, limit) : text;
  const escaped = head.replace(UNSHOWABLE, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
  return cut ? `${escaped}… (${text.length} characters)` : escaped;
}

/** The longest beginning of UTF-8 bytes that is no longer than `limit` and cuts no character (E-3). */
export function cutBetweenCharacters(bytes, limit) {
  if (bytes.length <= limit) return bytes;
  let end = Math.max(0, limit);
  while (end > 0 && (bytes[end] & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}

/** What a thrown thing says of itself, whatever it is: also one that cannot be made a string. */
export function described(error) {
  return attempted(() => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)));
}

/** The same for a log: with the stack, if it has one. */
export function describedWithStack(error) {
  return attempted(() => (error instanceof Error ? String(error.stack) : String(error)));
}

function attempted(describe) {
  try {
    return describe();
  } catch {
    return 'an error that does not say what it is';
  }
}
