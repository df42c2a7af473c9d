// Byte streams of Node behind one interface:
//
//   listener.received(bytes), .ended() (once: end of input, or reading failed), .writeFailed(), .closed() (all is closed)
//   start(listener), write(bytes, written), shutDown(), pause(), resume(), close()
//
// `shutDown` is called when everything is written; nothing is written after it.

import { Socket } from 'node:net';

/** One socket for both directions: TCP, UNIX, or standard input and output as inetd passes them. */
export class SocketTransport {
  #socket;
  #afterClose;
  #listener;
  #inputEnded = false;

  /** The socket allows half-open connections. `afterClose` is called when it has been closed. */
  constructor(socket, { afterClose } = {}) {
    this.#socket = socket;
    this.#afterClose = afterClose;
    outliveFailedWrites(socket, () => this.#listener.writeFailed());
    socket.on('error', () => this.#endInput()); // C-6: a reset is an end of input too
  }

  start(listener) {
    this.#listener = listener;
    this.#socket.setNoDelay?.(true);
    this.#socket.on('data', (bytes) => listener.received(bytes));
    this.#socket.on('end', () => this.#endInput());
    this.#socket.on('close', () => {
      this.#endInput();
      this.#afterClose?.();
      listener.closed();
    });
  }

  #endInput() {
    if (this.#inputEnded || !this.#listener) return;
    this.#inputEnded = true;
    this.#listener.ended();
  }

  write(bytes, written) {
    this.#socket.write(bytes, written);
  }

  shutDown() {
    this.#socket.end();
  }

  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket.resume();
  }

  close() {
    this.#socket.destroy();
  }
}

// F-4.a: Node destroys a socket whose write fails, and with it what has come and has not been read. So the failure is
// kept from the stream, and told to `failed`.
function outliveFailedWrites(socket, failed) {
  for (const name of ['_write', '_writev']) {
    const original = socket[name];
    socket[name] = function write(...parameters) {
      const done = parameters.pop();
      original.call(this, ...parameters, (error) => {
        if (error && !socket.destroyed) failed();
        done();
      });
    };
  }
}

/** Two streams, one for each direction: the pipes of a command, or standard input and output. */
export class PairTransport {
  #reader;
  #writer;
  #afterClose;
  #listener;
  #inputEnded = false;
  #open = 2;

  constructor(reader, writer, { afterClose } = {}) {
    this.#reader = reader;
    this.#writer = writer;
    this.#afterClose = afterClose;
    reader.on('error', () => this.#endInput());
    writer.on('error', () => this.#listener?.writeFailed());
  }

  start(listener) {
    this.#listener = listener;
    this.#reader.on('data', (bytes) => listener.received(bytes));
    this.#reader.on('end', () => this.#endInput());
    for (const stream of [this.#reader, this.#writer]) stream.on('close', () => this.#oneClosed(stream));
  }

  #oneClosed(stream) {
    if (stream === this.#reader) this.#endInput();
    this.#open -= 1;
    if (this.#open > 0) return;
    this.#afterClose?.();
    this.#listener.closed();
  }

  #endInput() {
    if (this.#inputEnded || !this.#listener) return;
    this.#inputEnded = true;
    this.#listener.ended();
  }

  write(bytes, written) {
    this.#writer.write(bytes, (error) => {
      if (!error) written(); // a failure comes as an event
    });
  }

  /** F-3.e: closes the one that is written to. */
  shutDown() {
    this.#writer.destroy();
  }

  pause() {
    this.#reader.pause();
  }

  resume() {
    this.#reader.resume();
  }

  close() {
    this.#writer.destroy();
    this.#reader.destroy();
  }
}

/** A socket of Node over an open descriptor. */
export function socketOver(descriptor, options) {
  return new Socket({ fd: descriptor, allowHalfOpen: true, ...options });
}
