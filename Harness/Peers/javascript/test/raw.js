// A peer that sends whatever the test wants, over a real stream.

import { Socket, createServer } from 'node:net';
import { Kind, frame, framesIn, preamble, record } from '../source/wire.js';
import { Handshake } from '../source/noise.js';
import { decode } from '../source/values.js';

export const PLAIN = preamble(0);
export const SEALED = preamble(1);
export const SETTINGS = frame(Kind.settings, 0, Buffer.from('()'));
export const OPENING = Buffer.concat([PLAIN, record(SETTINGS)]);

/** One end of a stream. Everything read waits for as long as the test runner lets it. */
export class Raw {
  #socket;
  #bytes = Buffer.alloc(0);
  #ended = false;
  #failed = false;
  #closed = false;
  #waiting = [];

  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#wake();
    });
    socket.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on('error', () => {
      this.#failed = true;
      this.#wake();
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Connects to an address of a server of this library. */
  static async connect(address) {
    const target = /^tcp:(.*):(\d+)$/.exec(address);
    const socket = new Socket({ allowHalfOpen: true });
    const raw = new Raw(socket);
    socket.connect(target ? { host: target[1], port: Number(target[2]) } : { path: address.slice(5) });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return raw;
  }

  /** Listens for one client; gives the address, and a promise of the peer. */
  static async listen(path) {
    const server = createServer({ allowHalfOpen: true });
    const accepted = new Promise((resolve) => {
      server.once('connection', (socket) => {
        server.close();
        resolve(new Raw(socket));
      });
    });
    await new Promise((resolve) => { server.listen(path ?? { host: '127.0.0.1', port: 0 }, resolve); });
    return { address: path ? `unix:${path}` : `tcp:127.0.0.1:${server.address().port}`, accepted };
  }

  #wake() {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #until(condition) {
    while (!condition()) await new Promise((resolve) => { this.#waiting.push(resolve); });
  }

  send(...parts) {
    this.#socket.write(Buffer.concat(parts));
  }

  /** The next bytes; throws if the stream ends before. */
  async read(length) {
    await this.#until(() => this.#bytes.length >= length || this.#ended || this.#failed);
    if (this.#bytes.length < length) throw new Error(`the stream ended after ${this.#bytes.length} of ${length} bytes`);
    const bytes = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return bytes;
  }

  async readRecord() {
    return this.read((await this.read(2)).readUInt16BE(0));
  }

  /** The next frames, of one record, as {kind, id, more, body, value}. */
  async readFrames(open = (content) => content) {
    return [...framesIn(open(await this.readRecord()))].map((each) => {
      let value;
      try {
        value = decode(each.body);
      } catch {
        // a fragment, or the body of a PING
      }
      return { ...each, value };
    });
  }

  /** All that comes until the end, and how that is: 'end' or 'reset'. */
  async readToEnd() {
    await this.#until(() => this.#ended || this.#failed || this.#closed);
    return { bytes: this.#bytes, how: this.#ended ? 'end' : 'reset' };
  }

  end() {
    this.#socket.end();
  }

  destroy() {
    this.#socket.destroy();
  }

  reset() {
    this.#socket.resetAndDestroy();
  }

  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket.resume();
  }
}

/** The sealed opening of a client, whose every byte the test can see and change. */
export class SealedClient {
  constructor(user, key) {
    this.name = Buffer.isBuffer(user) ? user : Buffer.from(user);
    this.sessionKey = Buffer.alloc(32, 3);
    this.handshake = new Handshake({
      initiator: true, prologue: Buffer.concat([SEALED, this.name]), ephemeralSecret: Buffer.alloc(32, 4),
    });
    this.handshake.addKey(key);
    this.message1 = this.handshake.writeMessage(this.sessionKey);
  }

  get opening() {
    return Buffer.concat([SEALED, record(this.name), record(this.message1)]);
  }

  takeMessage2(message) {
    this.handshake.addKey(this.sessionKey);
    this.handshake.readMessage(message);
    ({ sending: this.sending, receiving: this.receiving } = this.handshake.split());
  }

  sealed(...frames) {
    return record(this.sending.seal(Buffer.concat(frames)));
  }
}
