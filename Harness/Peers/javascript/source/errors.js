// The errors of this library. Every failure that has to do with the protocol is a BokbokError, and its `kind` tells the
// outcomes of the specification apart.

import { shown } from './text.js';

/**
 * A failure of a connection, of a request or of an attempt to connect. `kind` is one of
 * refused, authentication, notBokbok, remote, closing, lost, tampered, violation, malformed, tooLarge, cancelled,
 * timeout and address.
 */
export class BokbokError extends Error {
  constructor(kind, message, options) {
    super(message, options);
    this.name = new.target.name;
    this.kind = kind;
  }
}

/** The server refused the connection. Nothing authenticates a refusal: it proves nothing (O-11). */
export class RefusedError extends BokbokError {
  constructor(code, text) {
    // E-5.a: `message` is what gets printed, `text` is the text as received.
    super('refused', `the server refused the connection: ${code}${text ? ` (${shown(text)})` : ''}`);
    this.code = code;
    this.text = text;
  }
}

/**
 * The other side answered a request with an ERROR (E-1.i). Its kind is `remote`, except for the reserved code `closing`:
 * that is the outcome `closing` of section 1, as if this side had found the connection closing (C-3.a).
 */
export class RemoteError extends BokbokError {
  constructor(code, text, details) {
    super(code === 'closing' ? 'closing' : 'remote', `${code}${text ? `: ${shown(text)}` : ''}`); // E-5.a
    this.code = code;
    this.text = text;
    this.details = details;
  }
}

/** One side broke the protocol: `side` is 'local' if this side found that, 'remote' if the other one said so. */
export class ViolationError extends BokbokError {
  constructor(side, text) {
    super('violation', side === 'local'
      ? `the other side broke the protocol: ${text}`
      : `the other side says that this side broke the protocol: ${shown(text)}`); // E-5.a
    this.side = side;
    this.text = text;
  }
}

/**
 * Thrown by a handler: the request fails with this code, message and details. A code that is reserved, or has not the
 * form of a code (1 to 64 of a-z, 0-9, "." and "-"), reaches the other side as `handler-failed` (E-1.c, E-1.d).
 */
export class RequestError extends Error {
  constructor(code, text = '', details = []) {
    super(`${code}${text ? `: ${text}` : ''}`);
    this.name = 'RequestError';
    this.code = code;
    this.text = text;
    this.details = details;
  }
}

/** Thrown by a server's open handler: the connection is turned down with this code and message (C-9.a). */
export class TurnedDown extends Error {
  constructor(code, text = '') {
    super(`the connection was turned down: ${code}${text ? ` (${text})` : ''}`);
    this.name = 'TurnedDown';
    this.code = code;
    this.text = text;
  }
}

/** Thrown inside this library only: the other side did what the protocol forbids (F-1). */
export class Violation extends Error {}

/** Thrown inside this library only: a sealed record does not authenticate (R-3). */
export class Tampering extends Error {}
