// What waits to be sent: frames that go first, and messages that take turns with their fragments.

import { HEADER_LENGTH, Kind, frame } from './wire.js';
import { Queue } from './queue.js';

// A fragment that would be smaller than this waits for the next record instead.
const SMALLEST_FRAGMENT = 1024;

/**
 * The frames of one side, in the order in which they go out. Nothing is turned into bytes before it can be written, so
 * that whatever ought to go first does.
 */
export class Outbox {
  #capacity; // bytes of frames in one record
  #urgent = new Queue(); // frames that go ahead of all messages: PONG, CLOSE, CANCEL, ERRORs of the protocol layer
  #turns = new Queue(); // messages that are being sent, or can be
  #waiting = new Queue(); // messages of more than one frame that wait for room
  #begunLength = 0; // the whole lengths of the messages of more than one frame in #turns
  #answersLimit;
  #answersLength = 0;
  #answers = new Set(); // the messages that are answers and wait to be sent (P-5)
  #longestAnswer; // of #answers; undefined: not known
  /** The other side's `max-partial`. */
  maxPartial = Infinity;
  /** The bytes of the frames waiting that the protocol layer made by itself (P-4.b). */
  ownLength = 0;

  constructor({ capacity, answersLimit }) {
    this.#capacity = capacity;
    this.#answersLimit = answersLimit;
  }

  /** Adds a frame that goes ahead of the messages; `own`: made by the protocol layer in answer to a frame (P-4.b). */
  pushFrame(kind, id, body, { own = false, sent } = {}) {
    const bytes = frame(kind, id, body);
    if (own) this.ownLength += bytes.length;
    this.#urgent.push({ bytes, own, sent });
  }

  /** Whether a message of this length goes out in one frame. */
  fitsOneFrame(length) {
    return length <= this.#capacity - HEADER_LENGTH;
  }

  /**
   * Adds a message. `begun` is called when its first frame, and `sent` when its last frame, has been put into a record.
   * Gives the message, for `drop`.
   */
  pushMessage({ kind, id, bytes, begun, sent }) {
    const single = this.fitsOneFrame(bytes.length);
    const message = { kind, id, bytes, offset: 0, single, dropped: false, begun, sent };
    if (kind === Kind.response || kind === Kind.error) this.#addAnswer(message);
    if (single) {
      this.#turns.push(message); // X-10.c
    } else {
      this.#waiting.push(message); // X-10.b
      this.#fillTurns();
    }
    return message;
  }

  /** Takes a message out that has not been sent whole: nothing more of it is sent. */
  drop(message) {
    message.dropped = true;
    message.bytes = undefined;
    this.#leave(message);
  }

  /** Whether the waiting answers are too many to hand another request to the handler (P-5.a). */
  get holdsRequests() {
    if (this.#answersLength <= this.#answersLimit) return false;
    if (!this.#longestAnswer) {
      for (const answer of this.#answers) {
        if (!this.#longestAnswer || answer.length > this.#longestAnswer.length) this.#longestAnswer = answer;
      }
    }
    return this.#answersLength - this.#longestAnswer.length > this.#answersLimit;
  }

  /** Forgets the messages that wait. */
  clearMessages() {
    this.#turns.drain();
    this.#waiting.drain();
    this.#begunLength = 0;
    this.#answersLength = 0;
    this.#answers.clear();
    this.#longestAnswer = undefined;
  }

  /** Forgets everything that waits. */
  clear() {
    this.clearMessages();
    this.#urgent.drain();
    this.ownLength = 0;
  }

  /** The frames of the next record, or undefined if there are none. */
  next() {
    const parts = [];
    const room = this.#takeUrgent(parts);
    if (this.#urgent.length === 0) this.#takeTurns(parts, room);
    return parts.length === 0 ? undefined : Buffer.concat(parts);
  }

  #takeUrgent(parts) {
    let room = this.#capacity;
    while (this.#urgent.length > 0 && this.#urgent.first.bytes.length <= room) {
      const { bytes, own, sent } = this.#urgent.shift();
      if (own) this.ownLength -= bytes.length;
      room -= bytes.length;
      parts.push(bytes);
      sent?.();
    }
    return room;
  }

  // X-4.d: each message in turn gives one fragment.
  #takeTurns(parts, capacity) {
    let room = capacity;
    while (this.#turns.length > 0) {
      const message = this.#turns.first;
      if (message.dropped) {
        this.#turns.shift();
        continue;
      }
      const left = message.bytes.length - message.offset;
      const size = Math.min(left, room - HEADER_LENGTH);
      if (size < left && (message.single || size < SMALLEST_FRAGMENT)) return; // there is room in the next record
      this.#turns.shift();
      const first = message.offset === 0;
      const body = message.bytes.subarray(message.offset, message.offset + size);
      message.offset += size;
      const more = message.offset < message.bytes.length;
      parts.push(frame(message.kind, message.id, body, more)); // X-4.a
      room -= HEADER_LENGTH + size;
      if (first) message.begun?.();
      if (more) {
        this.#turns.push(message);
      } else {
        this.#leave(message);
        message.sent?.();
      }
    }
  }

  // X-10.a: a message of more than one frame begins when there is room for all of it beside those that have begun.
  #fillTurns() {
    while (this.#waiting.length > 0) {
      const message = this.#waiting.first;
      if (!message.dropped) {
        if (this.#begunLength + message.bytes.length > this.maxPartial) return;
        message.countedLength = message.bytes.length;
        this.#begunLength += message.countedLength;
        this.#turns.push(message);
      }
      this.#waiting.shift();
    }
  }

  #leave(message) {
    if (this.#answers.delete(message.answer)) {
      this.#answersLength -= message.answer.length;
      if (message.answer === this.#longestAnswer) this.#longestAnswer = undefined;
    }
    if (message.countedLength !== undefined) { // X-10.d
      this.#begunLength -= message.countedLength;
      message.countedLength = undefined;
    }
    this.#fillTurns();
  }

  #addAnswer(message) {
    message.answer = { length: message.bytes.length };
    this.#answers.add(message.answer);
    this.#answersLength += message.answer.length;
    if (this.#longestAnswer && message.answer.length > this.#longestAnswer.length) this.#longestAnswer = message.answer;
  }
}
