// Joins one machine to one stream: moves the bytes, keeps the time, and turns the machine's actions into calls.

/** Runs a machine over a transport. Its `listener` has a method for each action of the machine that is not its own. */
export class Channel {
  #machine;
  #transport;
  #listener;
  #running = false;
  #writing = false;
  #paused = false;
  #closed = false;
  #timer;
  #timerTime = Infinity;
  #clock;

  constructor(machine, transport, listener, clock = () => performance.now()) {
    this.#machine = machine;
    this.#transport = transport;
    this.#listener = listener;
    this.#clock = clock;
  }

  start() {
    this.#transport.start({
      received: (bytes) => this.run(() => this.#machine.receive(bytes)),
      ended: () => this.run(() => this.#machine.inputEnded()),
      writeFailed: () => this.run(() => this.#machine.writeFailed()),
      closed: () => {
        this.run(() => this.#machine.inputEnded());
        this.#closed = true;
        clearTimeout(this.#timer);
        this.#listener.streamClosed();
      },
    });
    this.run(() => this.#machine.start());
  }

  /** Calls something on the machine, then does all that follows from it. Gives what the call gives. */
  run(call) {
    if (this.#running) return call(); // the loop below, further up, goes on with what follows
    this.#running = true;
    try {
      return call();
    } finally {
      try {
        this.#follow();
      } finally {
        this.#running = false;
        this.#arm();
      }
    }
  }

  #follow() {
    do {
      for (const action of this.#machine.takeActions()) this.#perform(action);
    } while (this.#write() || this.#machine.hasActions);
    this.#setPaused(this.#machine.readingPaused);
  }

  #write() {
    if (this.#writing || this.#closed) return false;
    const bytes = this.#machine.takeOutput();
    if (!bytes) return false;
    this.#writing = true;
    this.#transport.write(bytes, () => {
      this.#writing = false;
      this.run(() => {});
    });
    return true;
  }

  #perform(action) {
    switch (action.type) {
      case 'shutDown':
        this.#transport.shutDown();
        break;
      case 'close':
        this.#closed = true;
        this.#transport.close();
        break;
      default:
        this.#listener[action.type](action);
    }
  }

  #setPaused(paused) {
    if (paused === this.#paused || this.#closed) return;
    this.#paused = paused;
    if (paused) this.#transport.pause();
    else this.#transport.resume();
  }

  // One timer for the next deadline. It is left alone when the deadline has moved away: it then fires for nothing.
  #arm() {
    const next = this.#machine.nextDeadline;
    if (next === undefined || this.#closed) {
      clearTimeout(this.#timer);
      this.#timerTime = Infinity;
    } else if (next < this.#timerTime) {
      clearTimeout(this.#timer);
      this.#timerTime = next;
      this.#timer = setTimeout(() => this.#timerFired(), Math.max(0, Math.ceil(next - this.#clock())));
    }
  }

  // What has come while the process was busy is read before anything times out.
  #timerFired() {
    setImmediate(() => {
      this.#timerTime = Infinity;
      if (!this.#closed) this.run(() => this.#machine.tick());
    });
  }
}
