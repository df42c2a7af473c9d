import { Violation } from './errors.js';

/** What a side holds of messages begun and not ended (X-10.e). */
export class PartialBudget {
  #held = 0;
  #limit;

  constructor(limit) {
    this.#limit = limit;
  }

  hold(length) {
    this.#held += length;
    if (this.#held > this.#limit) throw new Violation(`unfinished messages exceed max-partial (${this.#limit})`);
  }

  release(length) {
    this.#held -= length;
  }
}
