// A machine without a stream: the test plays the stream, the clock and the random source.

import { Collector } from '../source/bytes.js';
import { Machine } from '../source/machine.js';
import { checkedLimits } from '../source/options.js';
import { checkedSettings, framesIn } from '../source/wire.js';

/** A machine that is driven by hand; its output is collected until the test takes it. */
export class Driven {
  #output = [];
  actions = [];
  closed = false;
  shutDown = false;

  constructor({ role, settings, limits, entropy, clock, ...config }) {
    const secrets = entropy?.map((secret) => Buffer.from(secret));
    this.machine = new Machine({
      role,
      sealed: false,
      settings: checkedSettings(settings),
      limits: checkedLimits(limits),
      clock: clock ?? (() => 0),
      ...(secrets && { entropy: () => secrets.shift() }),
      ...config,
    });
  }

  start() {
    return this.do((machine) => machine.start());
  }

  /** Does something to the machine and takes what follows; what it gives is given. */
  do(call) {
    const result = call(this.machine);
    this.flush();
    return result;
  }

  flush() {
    for (let bytes = this.machine.takeOutput(); bytes; bytes = this.machine.takeOutput()) this.#output.push(bytes);
    for (const action of this.machine.takeActions()) {
      if (action.type === 'close') this.closed = true;
      else if (action.type === 'shutDown') this.shutDown = true;
      else this.actions.push(action);
    }
  }

  /** The actions since the last call. */
  takeActions() {
    return this.actions.splice(0);
  }

  /** The bytes since the last call. */
  takeBytes() {
    return Buffer.concat(this.#output.splice(0));
  }

  receive(bytes) {
    this.do((machine) => machine.receive(bytes));
  }
}

/** The contents of the records in a stream of them; `open` opens a sealed one. */
export function recordsIn(bytes, open = (content) => content) {
  const records = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt16BE(at);
    records.push(open(bytes.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return records;
}

/** The messages in records of frames: {kind, id, body, whole}, with fragments joined. */
export function messagesIn(records) {
  const messages = [];
  const begun = new Map();
  for (const content of records) {
    for (const { kind, id, more, body } of framesIn(content)) {
      const key = `${kind}/${id}`;
      const message = begun.get(key) ?? { kind, id, parts: new Collector() };
      message.parts.append(body);
      if (more) {
        begun.set(key, message);
      } else {
        begun.delete(key);
        messages.push({ kind, id, body: message.parts.take(), whole: true });
      }
    }
  }
  for (const { kind, id, parts } of begun.values()) messages.push({ kind, id, body: parts.take(), whole: false });
  return messages;
}
