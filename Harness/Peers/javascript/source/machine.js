// One connection without its stream: bytes and calls go in, bytes and actions come out, and time is told by a clock.
//
//   in    start, receive, inputEnded, keyFound, outputWritten, writeFailed, tick; request, cancel, ping, close, abort,
//         admit, turnDown, answer, fail
//   out   takeOutput gives the bytes to write next; takeActions gives what else is to be done, in order:
//         lookUp {user}            tell the key of a user with keyFound
//         opened {user}            the connection is open
//         handle {exchange, payload}, cancel {exchange}        for the handler
//         answered {request, value}, failed {request, error}   for the caller of a request or PING
//         ended {end, handled}     the outcome; `handled` are the exchanges whose handlers are at work
//         shutDown, close          for the stream
//         log {text}
//
// An `end` has a `reason`: clean, lost, violation, tampered, aborted, or for a connection that did not open, unopened;
// an `error` (what requests without an answer fail with), and the `code` and `text` of a CLOSE where one passed.

import { randomBytes } from 'node:crypto';
import { BokbokError, Tampering, Violation, ViolationError } from './errors.js';
import {
  Kind, Mode, TAG_LENGTH, framesIn, preamble, readCodeAndMessage, readSettings, record, recordCapacity, settingsBody,
} from './wire.js';
import { Handshake, KEY_LENGTH, NoiseError } from './noise.js';
import { LOOKUP, openAsClient, openAsServer } from './opening.js';
import { Deadlines } from './deadlines.js';
import { Outbox } from './outbox.js';
import { PartialBudget } from './partial-budget.js';
import { Reader } from './bytes.js';
import { Requester } from './requester.js';
import { Responder } from './responder.js';
import { encode } from './values.js';

const WORD_MILLISECONDS = 1000; // F-3.d
const LINGER_MILLISECONDS = 1000; // F-3.b
const FAILED_WRITE_MILLISECONDS = 1000; // F-4.a

const Phase = Object.freeze({ opening: 0, open: 1, ending: 2, closed: 3 });

export class Machine {
  #config;
  #phase = Phase.opening;
  #actions = [];
  #input = new Reader();
  #reading; // the generator that reads the other side's bytes
  #need = 0; // how many bytes it needs next, or LOOKUP
  #inputEnded = false;
  #raw = []; // bytes of the opening that wait to be sent
  #outbox;
  #writable = true; // false after a failed write (F-4) and once the sending half is shut down
  #shutDown = false;
  #deadlines;
  #handshake;
  #ephemeralSecret;
  #secrets = []; // what is to be erased with the handshake (H-8.a)
  #sending; // the cipher states of a sealed connection
  #receiving;
  #key; // a client's copy of its user's key
  #peer = { settings: undefined };
  #requester;
  #responder;
  #settingsQueued = false;
  #closeSent = false; // in the outbox, ahead of everything but what is ahead of it there
  #closeReceived = false;
  #pendingClose; // the CLOSE that waits for requests to go out whole (C-1.g)
  #reportedClose; // the code and the text of C-4.d
  #end;

  /**
   * `role` is 'client' or 'server', `sealed` a boolean, `settings` complete, `limits` complete; `user` and `key` are a
   * sealed client's, `unknownUserKey` and `isBusy` a server's; `clock` gives milliseconds. `entropy` and `keyLog` are
   * for tests and vectors (H-7.c).
   */
  constructor({ key, ...config }) {
    this.#config = { clock: () => performance.now(), entropy: randomBytes, ...config };
    this.#key = key && this.#secret(Buffer.from(key));
    this.user = config.user ?? null;
    this.#deadlines = new Deadlines(this.#config.clock);
    this.#outbox = new Outbox({ capacity: recordCapacity(config.sealed), answersLimit: config.limits.answersBytes });
    const shared = {
      outbox: this.#outbox,
      settings: config.settings,
      peer: this.#peer,
      partial: new PartialBudget(config.settings.maxPartial),
      act: (action) => this.#actions.push(action),
    };
    this.#requester = new Requester(shared);
    this.#responder = new Responder({ ...shared, sealed: config.sealed, hideErrors: config.hideErrors });
  }

  // ------------------------------------------------------------------------------------------------ for the stream

  /** The stream is there. */
  start() {
    this.#deadlines.set('handshake', this.#config.limits.handshakeMilliseconds); // O-10
    this.#reading = this.#read();
    this.#proceed(undefined);
  }

  /** Bytes have come. */
  receive(chunk) {
    if (this.#phase >= Phase.ending) return; // F-2.f, F-3.b: discarded
    this.#input.push(chunk);
    this.#pump();
  }

  /** The other side has finished sending, or the stream cannot be read any more. */
  inputEnded() {
    this.#inputEnded = true;
    if (this.#shutDown) this.#closeStream(); // F-3.b
    else this.#pump();
  }

  /** Whether this side does not read for now: see P-4.b; and while a key is looked up (O-10.e). */
  get readingPaused() {
    if (this.#phase >= Phase.ending) return false; // F-3.c
    return this.#need === LOOKUP || this.#outbox.ownLength > this.#config.limits.ownOutputBytes;
  }

  /** The bytes to write next, at most one record of frames; undefined if there is nothing to write for now. */
  takeOutput() {
    if (!this.#writable || this.#phase === Phase.closed) return undefined;
    const parts = this.#raw.splice(0);
    const frames = this.#settingsQueued ? this.#outbox.next() : undefined;
    if (frames) {
      if (this.#sending?.exhausted) { // R-4.a
        this.#lose('the counter of the cipher has run out');
        return undefined;
      }
      parts.push(record(this.#sending ? this.#sending.seal(frames) : frames));
      this.#afterProgress();
      if (this.#phase === Phase.closed) return undefined;
    }
    if (parts.length === 0) {
      this.#shutDownSending();
      return undefined;
    }
    return Buffer.concat(parts);
  }

  /** Writing failed: this side reads on for a while (F-4.a). */
  writeFailed() {
    if (!this.#writable || this.#phase === Phase.closed) return;
    this.#writable = false;
    this.#raw = [];
    this.#outbox.clear();
    if (this.#phase === Phase.ending) this.#closeStream();
    else this.#deadlines.set('failedWrite', FAILED_WRITE_MILLISECONDS);
  }

  /** When `tick` is due, on the clock; undefined if never. */
  get nextDeadline() {
    return this.#deadlines.next;
  }

  /** Does what has become due. */
  tick() {
    for (const name of this.#deadlines.takeDue()) {
      if (this.#phase === Phase.closed) return;
      this.#timeOut(name);
    }
  }

  get hasActions() {
    return this.#actions.length > 0;
  }

  /** What is to be done, in order. */
  takeActions() {
    return this.#actions.splice(0);
  }

  #timeOut(name) {
    switch (name) {
      case 'handshake': // O-10.a, O-10.c
        this.failToOpen(new BokbokError('timeout', 'the connection did not open within the handshake time limit'));
        break;
      case 'word': // F-3.d
      case 'linger': // F-3.b
        this.#closeStream();
        break;
      case 'failedWrite':
        this.#lose('the stream could not be written any more');
        break;
      case 'drain': // C-5.a, C-5.b
        this.#lose('the connection was not drained within the drain time limit');
        break;
      case 'keepalive': // P-3.b
        this.#outbox.pushFrame(Kind.ping, 0, this.#requester.pingBody());
        this.#deadlines.set('keepaliveTimeout', this.#config.limits.keepaliveTimeoutMilliseconds);
        break;
      default: // P-3.c
        this.#lose('nothing came within the keepalive time-out');
    }
  }

  // ---------------------------------------------------------------------------------------- for the opening's code

  get sealed() {
    return this.#config.sealed;
  }

  get unknownUserKey() {
    return this.#config.unknownUserKey;
  }

  isBusy() {
    return this.#config.isBusy?.() ?? false;
  }

  log(text) {
    this.#actions.push({ type: 'log', text });
  }

  sendRaw(bytes) {
    this.#raw.push(bytes);
  }

  /** Sends this side's SETTINGS, before any other frame (S-1.a). */
  sendSettings() {
    this.#outbox.pushFrame(Kind.settings, 0, settingsBody(this.#config.settings));
    this.#settingsQueued = true;
  }

  lookUp(user) {
    this.#actions.push({ type: 'lookUp', user });
  }

  /** The key of a client's user. */
  get key() {
    return this.#key;
  }

  /** 32 random bytes (H-7.a), erased with the handshake. */
  newSecret() {
    return this.#secret(this.#config.entropy(KEY_LENGTH));
  }

  #secret(bytes) {
    this.#secrets.push(bytes);
    return bytes;
  }

  /** Begins the handshake (H-1.a): the prologue is the client's preamble and the user name. */
  beginHandshake(name) {
    const ephemeralSecret = this.newSecret(); // H-7.b
    const initiator = this.#config.role === 'client';
    const prologue = Buffer.concat([preamble(Mode.sealed), name]);
    this.#handshake = new Handshake({ initiator, prologue, ephemeralSecret });
    this.#ephemeralSecret = ephemeralSecret;
    return this.#handshake;
  }

  /** The handshake has succeeded: what follows is sealed (H-9). */
  takeCiphers(handshake, sessionKey) {
    this.#config.keyLog?.({ role: this.#config.role, ephemeralSecret: this.#ephemeralSecret, sessionKey });
    const { sending, receiving } = handshake.split();
    this.#sending = sending;
    this.#receiving = receiving;
    sessionKey.fill(0);
    this.#endHandshake();
  }

  // H-8.a
  #endHandshake() {
    this.#handshake?.erase();
    this.#handshake = undefined;
    for (const secret of this.#secrets.splice(0)) secret.fill(0);
    this.#key = undefined;
    this.#ephemeralSecret = undefined;
  }

  /** Ends a stream that does not open without a word (O-3.a). */
  giveUp(text) {
    return this.failToOpen(new BokbokError('lost', text));
  }

  /** Ends a stream that does not open: it is closed at once. */
  failToOpen(error) {
    this.#decide({ reason: 'unopened', error });
    this.#closeStream();
    return false;
  }

  /** Ends a stream that does not open with a refusal (O-6.a, O-6.b). */
  refuse(bytes) {
    this.#decide({ reason: 'unopened', error: new BokbokError('lost', 'the client was refused') });
    this.#raw = [bytes];
    this.#endWithWord();
    return false;
  }

  // -------------------------------------------------------------------------------------------- for the application

  /** The other side's settings; undefined until they have come. */
  get peerSettings() {
    return this.#peer.settings;
  }

  /** Whether the outcome is certain, and whether the stream has been given up too. */
  get hasEnded() {
    return this.#end !== undefined;
  }

  get isClosed() {
    return this.#phase === Phase.closed;
  }

  /** Sends a request and gives it; throws a BokbokError if it cannot be sent. */
  request(value) {
    if (this.#end) throw this.#end.error;
    if (this.#pendingClose || this.#closeSent || this.#closeReceived) { // C-1.f, C-2.a
      throw new BokbokError('closing', 'the connection is closing; the request was not sent');
    }
    return this.#requester.send(value);
  }

  /** Gives a request up. */
  cancel(request) {
    if (this.#end) return;
    this.#requester.cancel(request);
    this.#afterProgress();
  }

  /** Sends a PING and gives it; its body is 8 bytes of no meaning. */
  ping(body) {
    if (this.#end) throw this.#end.error;
    return this.#requester.ping(body);
  }

  /** Asks for the close of an open connection (C-1). */
  close(code, text) {
    if (this.#phase !== Phase.open) return;
    if (!this.#deadlines.has('drain')) {
      this.#deadlines.set('drain', this.#config.limits.drainMilliseconds); // C-5.a
    }
    if (this.#pendingClose || this.#closeSent) return; // C-1.c
    this.#requester.close();
    this.#pendingClose = { code, text };
    this.#afterProgress();
  }

  /** Ends everything at once. */
  abort() {
    if (this.#phase === Phase.opening) {
      this.failToOpen(new BokbokError('lost', 'the connection was given up before it opened'));
    } else if (this.#phase === Phase.open) {
      this.#decide({ reason: 'aborted', error: new BokbokError('lost', 'this side aborted the connection') });
      this.#closeStream();
    } else {
      this.#closeStream();
    }
  }

  /** The application lets the connection in: requests may reach their handlers (C-9.d). */
  admit() {
    if (this.#phase === Phase.open) this.#responder.admit();
  }

  /** The application turns the connection down (C-9.a, C-9.b). */
  turnDown(code, text) {
    if (this.#phase !== Phase.open) return;
    this.#responder.turnDown();
    this.close(code, text);
  }

  /** The handler of an exchange has ended with a value. */
  answer(exchange, value) {
    this.#responder.answer(exchange, value);
  }

  /** The handler of an exchange has ended with an error. */
  fail(exchange, error) {
    this.#responder.fail(exchange, error);
  }

  /** The key of the user that was looked up, or undefined if there is none. */
  keyFound(key) {
    if (this.#need !== LOOKUP || this.#phase !== Phase.opening) return;
    this.#proceed(key);
    this.#pump();
  }

  // -------------------------------------------------------------------------------------------------------- reading

  #pump() {
    while (this.#reads) {
      const bytes = this.#input.take(this.#need);
      if (!bytes) break;
      this.#proceed(bytes);
    }
    if (this.#inputEnded && this.#reads) { // everything that came before has been taken
      const text = 'the stream ended before the connection did';
      if (this.#phase === Phase.opening) this.giveUp(text); // O-9.e
      else this.#lose(text); // C-6.a, C-6.b, C-6.e; for C-6.d the end was decided before
    }
  }

  get #reads() {
    return this.#phase < Phase.ending && !this.readingPaused;
  }

  #proceed(bytes) {
    try {
      const { value, done } = this.#reading.next(bytes);
      this.#need = done ? 0 : value;
    } catch (error) {
      if (error instanceof Violation) this.#violate(error.message);
      else if (error instanceof Tampering) this.#tampered(error.message);
      else throw error;
    }
  }

  * #read() {
    const opened = yield* (this.#config.role === 'client' ? openAsClient : openAsServer)(this);
    if (!opened) return;
    for (;;) {
      const length = (yield 2).readUInt16BE(0);
      if (this.sealed && length < TAG_LENGTH) throw new Tampering('a record is shorter than its tag'); // R-1.b
      if (length === 0) throw new Violation('a record is empty'); // R-1.a
      const content = yield length; // R-1.c
      const frames = this.sealed ? this.#unseal(content) : content;
      if (!frames) return;
      this.#recordCame();
      for (const frame of framesIn(frames)) { // R-2.b
        this.#takeFrame(frame);
        if (this.#phase >= Phase.ending) return;
      }
    }
  }

  #unseal(content) {
    if (this.#receiving.exhausted) { // R-4.a
      this.#lose('the counter of the cipher has run out');
      return undefined;
    }
    try {
      return this.#receiving.open(content);
    } catch (error) {
      if (error instanceof NoiseError) throw new Tampering('a record does not authenticate'); // R-3.a, R-3.b
      throw error;
    }
  }

  // P-3.d, P-3.e
  #recordCame() {
    const { keepaliveMilliseconds } = this.#config.limits;
    if (this.#phase !== Phase.open || keepaliveMilliseconds === 0) return; // P-3.a
    this.#deadlines.clear('keepaliveTimeout');
    this.#deadlines.set('keepalive', keepaliveMilliseconds);
  }

  #takeFrame(frame) {
    if (!this.#peer.settings) {
      if (frame.kind !== Kind.settings) throw new Violation('the first frame is not SETTINGS'); // S-1.c
      this.#opened(readSettings(frame.body));
      return;
    }
    switch (frame.kind) {
      case Kind.settings:
        throw new Violation('a second SETTINGS'); // S-1.b
      case Kind.request:
        this.#responder.takeRequest(frame, {
          closing: this.#closeSent || this.#closeReceived, // C-3.a
          peerClosed: this.#closeReceived,
        });
        break;
      case Kind.response:
        this.#requester.takeResponse(frame);
        break;
      case Kind.error:
        this.#requester.takeError(frame);
        break;
      case Kind.cancel:
        this.#responder.takeCancel(frame.id);
        break;
      case Kind.ping:
        this.#outbox.pushFrame(Kind.pong, 0, frame.body, { own: true }); // P-1
        break;
      case Kind.pong:
        this.#requester.takePong(frame.body);
        break;
      case Kind.close:
        this.#takeClose(frame.body);
        break;
      default:
        throw new Error(`a frame of the kind ${frame.kind} got through the check of its header`);
    }
    if (this.#phase === Phase.open) this.#endIfDone();
  }

  // S-1.f: this side's SETTINGS has been sent, since it goes out before the other's is read.
  #opened(settings) {
    this.#peer.settings = settings;
    this.#outbox.maxPartial = settings.maxPartial;
    this.#phase = Phase.open;
    this.#deadlines.clear('handshake');
    this.#recordCame();
    this.#actions.push({ type: 'opened', user: this.user });
  }

  // -------------------------------------------------------------------------------------------------------- closing

  #takeClose(body) {
    const close = readCodeAndMessage(body);
    if (!close) throw new Violation('the body of a CLOSE is not a code and a message'); // E-2.f
    if (close.code === 'protocol-error') { // C-7.a, C-7.b, C-1.e
      this.#decide({ reason: 'violation', error: new ViolationError('remote', close.text), ...close });
      this.#closeStream();
      return;
    }
    if (this.#closeReceived) throw new Violation('a second CLOSE'); // C-1.d
    this.#closeReceived = true;
    this.#pendingClose = undefined;
    this.#requester.peerClosed(); // C-2.a, C-2.d
    if (!this.#closeSent) {
      this.#reportedClose = close; // C-4.d
      this.#sendClose('normal', ''); // C-2.b, C-2.c
    }
  }

  #sendClose(code, text) {
    this.#outbox.pushFrame(Kind.close, 0, encode([code, text])); // C-1.a
    this.#closeSent = true;
    this.#reportedClose ??= { code, text }; // C-4.d
  }

  // Something has been sent or given up: what waited for that goes on.
  #afterProgress() {
    if (this.#pendingClose && !this.#requester.hasUnsent) { // C-1.g
      const { code, text } = this.#pendingClose;
      this.#pendingClose = undefined;
      this.#sendClose(code, text);
    }
    if (this.#phase !== Phase.open) return;
    this.#responder.dispatch(); // P-5
    this.#endIfDone();
    this.#pump(); // P-4.b
  }

  // C-4.a, C-4.b
  #endIfDone() {
    if (!this.#closeSent || !this.#closeReceived) return;
    if (this.#requester.underWay > 0 || this.#responder.underWay > 0) return;
    const error = new BokbokError('closing', 'the connection is closed');
    this.#decide({ reason: 'clean', error, ...this.#reportedClose }); // C-4.c, C-4.d, C-6.d
    this.#endWithWord();
  }

  // F-2
  #violate(text) {
    const wasOpening = this.#phase === Phase.opening;
    const error = new ViolationError('local', text);
    this.#decide({ reason: wasOpening ? 'unopened' : 'violation', error, code: 'protocol-error', text }); // C-7.c, F-2.e
    // What the protocol layer owes goes out before: SETTINGS (F-2.b), PONGs, the answer to a CLOSE (C-2.b).
    this.#outbox.clearMessages();
    this.#outbox.pushFrame(Kind.close, 0, encode(['protocol-error', text])); // F-2.a, F-2.c
    this.#endWithWord(); // F-2.d
  }

  //
  #tampered(text) {
    const error = new BokbokError('tampered', `the stream was tampered with: ${text}`);
    this.#decide({ reason: this.#phase === Phase.opening ? 'unopened' : 'tampered', error, ...this.#reportedClose });
    this.#closeStream();
  }

  #lose(text) {
    this.#decide({ reason: 'lost', error: new BokbokError('lost', text), ...this.#reportedClose });
    this.#closeStream();
  }

  // Once for each connection, when its outcome is certain (C-8.a, F-3.f).
  #decide(end) {
    this.#end = end;
    this.#endHandshake();
    this.#requester.end(end.error);
    this.#actions.push({ type: 'ended', end, handled: this.#responder.end() });
  }

  // F-3: the last word is in the outbox, or among the bytes of the opening.
  #endWithWord() {
    this.#phase = Phase.ending;
    this.#input.clear();
    this.#deadlines.clearAll();
    this.#deadlines.set('word', WORD_MILLISECONDS);
    if (!this.#writable) this.#closeStream();
  }

  // All has been written: the sending half can be shut down, if this is the end (F-3.a).
  #shutDownSending() {
    if (this.#phase !== Phase.ending) return;
    this.#shutDown = true;
    this.#writable = false;
    this.#actions.push({ type: 'shutDown' });
    this.#deadlines.clear('word');
    this.#deadlines.set('linger', LINGER_MILLISECONDS);
    if (this.#inputEnded) this.#closeStream();
  }

  #closeStream() {
    if (this.#phase === Phase.closed) return;
    this.#phase = Phase.closed;
    this.#input.clear();
    this.#raw = [];
    this.#outbox.clear();
    this.#deadlines.clearAll();
    this.#sending?.erase(); // H-8.b
    this.#receiving?.erase();
    this.#actions.push({ type: 'close' });
  }
}
