/** Points in time by name, on one clock in milliseconds. */
export class Deadlines {
  #clock;
  #times = new Map();

  constructor(clock) {
    this.#clock = clock;
  }

  /** Sets a deadline so many milliseconds from now, in place of one with the same name. */
  set(name, milliseconds) {
    this.#times.set(name, this.#clock() + milliseconds);
  }

  has(name) {
    return this.#times.has(name);
  }

  clear(name) {
    this.#times.delete(name);
  }

  clearAll() {
    this.#times.clear();
  }

  /** The earliest deadline, or undefined. */
  get next() {
    let next;
    for (const time of this.#times.values()) if (next === undefined || time < next) next = time;
    return next;
  }

  /** Takes out the deadlines that have passed, and gives their names from the earliest. */
  takeDue() {
    const now = this.#clock();
    const due = [...this.#times].filter(([, time]) => time <= now).sort(([, first], [, second]) => first - second);
    for (const [name] of due) this.#times.delete(name);
    return due.map(([name]) => name);
  }
}
