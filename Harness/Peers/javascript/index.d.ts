/// <reference types="node" />

/** A value for sending: an atom is bytes, a string (its UTF-8 bytes) or a whole number (its digits); a list an array. */
export type Value = Uint8Array | string | number | bigint | readonly Value[];

/** A value as it is received: an atom is a Buffer, a list an array. */
export type ReceivedValue = Buffer | ReceivedValue[];

/** The one encoding of a value. Throws a BokbokError of the kind `malformed` or `tooLarge`, or a TypeError. */
export function encode(value: Value, limitBytes?: number): Buffer;

/** The value that bytes are. Throws a BokbokError of the kind `malformed` if they are not exactly one (section 7). */
export function decode(bytes: Uint8Array): ReceivedValue;

/** The text of an atom. Throws a TypeError if it is a list, or its bytes are not UTF-8. */
export function atomText(value: ReceivedValue | undefined): string;

/** The number whose decimal digits an atom is, up to 2^53 - 1. Throws a TypeError if it is none. */
export function atomNumber(value: ReceivedValue | undefined): number;

/** What this side takes from the other; see S-2. */
export interface Settings {
  /** Bytes of the largest message, 1024 to 4294967295. Default: 16777216. */
  maxMessage?: number;
  /** Requests at once, 1 to 4294967295. Default: 128. */
  maxRequests?: number;
  /** Bytes of all messages begun and not ended, maxMessage to 4294967295. Default: 4 × maxMessage. */
  maxPartial?: number;
}

export interface Limits {
  /** From the stream (at a client: from the call) until the connection is open. Default: 10000. */
  handshakeMilliseconds?: number;
  /** From asking for a close to the end of the stream. Default: 5000. */
  drainMilliseconds?: number;
  /** Silence after which a PING is sent; 0 is off. Default: 0. */
  keepaliveMilliseconds?: number;
  /** Silence after that PING with which the connection is lost. Default: keepaliveMilliseconds. */
  keepaliveTimeoutMilliseconds?: number;
  /** Servers: connections that are open at once; a further client is refused as `busy`. Default: Infinity. */
  maxConnections?: number;
  /** Servers: streams that are not open yet, or are ending (O-12). Default: 1024. */
  maxOpening?: number;
  /** PONGs and errors of the protocol layer that may wait to be sent (P-4). Default: 262144. */
  ownOutputBytes?: number;
  /** Answers that may wait to be sent, without the longest, before requests wait for their handler. Default: 1048576. */
  answersBytes?: number;
  /** Clients of `exec:`: from the close of the stream to SIGTERM. Default: 2000. */
  terminateMilliseconds?: number;
  /** Clients of `exec:`: from SIGTERM to SIGKILL. Default: 2000. */
  killMilliseconds?: number;
}

export interface RequestContext {
  readonly connection: Connection;
  /** Aborted when the request is cancelled or the connection ends. A handler that was told so should end soon. */
  readonly signal: AbortSignal;
}

/**
 * Answers a request: the value that it gives is the answer. What it throws fails the request: a RequestError with its
 * code, anything else as `handler-failed`. Requests are handled at the same time, each in a call of its own.
 */
export type Handler = (payload: ReceivedValue, context: RequestContext) => Value | Promise<Value>;

/** How a connection ended. */
export interface End {
  /**
   * `clean`: both sides closed it; `lost`: the stream ended at another time; `violation`: one side broke the protocol;
   * `tampered`: a sealed record did not authenticate; `aborted`: this side called `abort`.
   */
  readonly reason: 'clean' | 'lost' | 'violation' | 'tampered' | 'aborted';
  /** The code of the CLOSE, if one passed. */
  readonly code?: string;
  /** Its message as received: not to be printed without care. */
  readonly text?: string;
  /** Unless the end was clean: the error with which open requests failed. */
  readonly error?: BokbokError;
}

interface CommonOptions {
  /** Answers the requests of the other side. Default: all fail as `unknown-request`. */
  handler?: Handler;
  settings?: Settings;
  limits?: Limits;
  /** Whether the errors of handlers without a code are kept from the other side, and logged (E-1.h). Default: false. */
  hideErrors?: boolean;
  /** Called once for each connection that was open and was not turned down, when its end is certain. */
  onClose?: (connection: Connection, end: End) => void;
  /** Takes lines of the log. Default: they go to standard error. */
  log?: (line: string) => void;
}

export interface ConnectOptions extends CommonOptions {
  /** With a key: the name of the user, 1 to 255 bytes of UTF-8. The connection is sealed then, and never plain. */
  user?: string;
  /** The user's key, 32 bytes. */
  key?: Uint8Array;
  /** Must be true for an `exec:` address, which starts a command. */
  allowExec?: boolean;
  /** Gives up connecting. */
  signal?: AbortSignal;
}

export interface ServeOptions extends CommonOptions {
  /** The users and their keys of 32 bytes. With this or `lookup` the server takes sealed connections only. */
  users?: Map<string, Uint8Array> | Record<string, Uint8Array>;
  /** Finds the key of a user; `undefined` and errors are an unknown user, which a client cannot tell from a wrong key. */
  lookup?: (
    user: string, context: { signal: AbortSignal },
  ) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /**
   * Told of each connection that opens. Its requests wait until this has returned, and a promise is fulfilled. To turn
   * a connection down it throws TurnedDown; any other error turns it down with the code `shutdown`.
   */
  onOpen?: (connection: Connection, context: { signal: AbortSignal }) => void | Promise<void>;
  /** The mode of a UNIX socket. Default: 0o600. */
  mode?: number;
}

/**
 * Listens on `tcp:HOST:PORT`, `unix:PATH` or `stdio:`. Rejects with a BokbokError of the kind `address` if it cannot,
 * and with a TypeError or RangeError if an option is wrong.
 */
export function serve(address: string, options?: ServeOptions): Promise<Server>;

/**
 * Connects to `tcp:HOST:PORT`, `unix:PATH` or `exec:COMMAND`. Rejects with a BokbokError of the kind `address`,
 * `refused`, `authentication`, `notBokbok`, `timeout`, `lost`, `violation`, `tampered` or `cancelled`.
 */
export function connect(address: string, options?: ConnectOptions): Promise<Connection>;

export class Server {
  private constructor();
  /** The address, with the port that was got. */
  readonly address: string;
  /** The connections that are open. */
  readonly connections: Connection[];
  /** Fulfilled when the server has stopped and all its streams are closed. */
  readonly closed: Promise<void>;
  /**
   * Stops listening and closes the connections: by default in order, with the code `shutdown`, and with
   * `graceful: false` at once. Fulfilled when all streams are closed.
   */
  stop(options?: { graceful?: boolean }): Promise<void>;
}

export class Connection {
  private constructor();
  /** The user that was authenticated, or null on a plain connection. */
  readonly user: string | null;
  /** The end of the connection; never rejects. */
  readonly closed: Promise<End>;
  /** Bytes of the largest message that the other side takes. */
  readonly maxMessage: number;
  /** How many requests the other side takes at once; more wait. */
  readonly maxRequests: number;
  /** On a connection to an `exec:` address: the command. */
  readonly command?: {
    readonly pid: number;
    readonly exited: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
  };
  /**
   * Sends a request and gives its answer. Rejects with a RemoteError, or a BokbokError of the kind `malformed`,
   * `tooLarge`, `closing`, `cancelled`, `lost`, `violation` or `tampered`. When `signal` aborts, the caller is told at
   * once, by `cancelled` with the signal's reason as the `cause`; the other side's handler is told to stop, and its place
   * is free when it has.
   */
  request(payload: Value, options?: { signal?: AbortSignal }): Promise<ReceivedValue>;
  /** Fulfilled when the other side has answered a PING; rejects when the connection ends before. */
  ping(): Promise<void>;
  /**
   * Closes in order: what is under way is finished, for the drain time limit at most. Gives the end. Rejects with a
   * TypeError if the code has not the form of one, or is `protocol-error`.
   */
  close(code?: string, text?: string): Promise<End>;
  /** Closes the stream at once, without a word. */
  abort(): void;
}

export type ErrorKind =
  | 'refused' | 'authentication' | 'notBokbok' | 'remote' | 'closing' | 'lost' | 'tampered' | 'violation'
  | 'malformed' | 'tooLarge' | 'cancelled' | 'timeout' | 'address';

/** A failure. Its `message` can be printed: foreign text in it is escaped and cut. */
export class BokbokError extends Error {
  readonly kind: ErrorKind;
}

/** The server refused. This is not authenticated: anyone on the way can make it. */
export class RefusedError extends BokbokError {
  readonly kind: 'refused';
  readonly code: string;
  /** The message as received. */
  readonly text: string;
}

/** The answer was an error. Its kind is `closing` if that is its code: the request was not processed. */
export class RemoteError extends BokbokError {
  readonly kind: 'remote' | 'closing';
  readonly code: string;
  /** The message as received. */
  readonly text: string;
  readonly details: ReceivedValue[];
}

/** The protocol was broken. */
export class ViolationError extends BokbokError {
  readonly kind: 'violation';
  /** Which side found it. */
  readonly side: 'local' | 'remote';
  readonly text: string;
}

/** For handlers to throw: fails the request with this code, message and details. */
export class RequestError extends Error {
  constructor(code: string, text?: string, details?: readonly Value[]);
  readonly code: string;
  readonly text: string;
  readonly details: readonly Value[];
}

/** For open handlers to throw: turns the connection down with this code and message. */
export class TurnedDown extends Error {
  constructor(code: string, text?: string);
  readonly code: string;
  readonly text: string;
}
