// Bytes that arrive in pieces of any size.

const SMALLEST_BLOCK = 256;
const LARGEST_BLOCK = 65536;

/**
 * Collects pieces of bytes. It copies them, so that no piece keeps a larger buffer alive (R-5.c), and takes memory as
 * they come: at most as much again as it holds, and never more than 64 KiB ahead (R-5.a, R-5.b).
 */
export class Collector {
  #blocks = [];
  #free = 0; // in the last block
  length = 0;

  append(bytes) {
    let at = 0;
    while (at < bytes.length) {
      if (this.#free === 0) {
        const size = Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, this.length, bytes.length - at));
        this.#blocks.push(Buffer.allocUnsafeSlow(size));
        this.#free = size;
      }
      const block = this.#blocks[this.#blocks.length - 1];
      const size = Math.min(this.#free, bytes.length - at);
      block.set(bytes.subarray(at, at + size), block.length - this.#free);
      this.#free -= size;
      at += size;
    }
    this.length += bytes.length;
  }

  /** All the bytes in one buffer; the collector is empty then. */
  take() {
    const bytes = Buffer.allocUnsafeSlow(this.length);
    let at = 0;
    for (const block of this.#blocks) at += block.copy(bytes, at, 0, Math.min(block.length, this.length - at));
    this.#blocks = [];
    this.#free = 0;
    this.length = 0;
    return bytes;
  }
}

/** Gives out the bytes of a stream in portions of exactly the size that is asked for. */
export class Reader {
  #chunk = Buffer.alloc(0);
  #at = 0;
  #begun = new Collector();

  /** Adds what the stream delivered. Whatever was there before must have been taken, as far as it went. */
  push(chunk) {
    this.#chunk = this.#at < this.#chunk.length ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
    this.#at = 0;
  }

  /** The next `size` bytes, or undefined if they have not all come; what has come is kept. */
  take(size) {
    const there = this.#chunk.length - this.#at;
    const missing = size - this.#begun.length;
    const piece = this.#chunk.subarray(this.#at, this.#at + Math.min(missing, there));
    this.#at += piece.length;
    if (this.#at === this.#chunk.length) {
      this.#chunk = Buffer.alloc(0);
      this.#at = 0;
    }
    if (this.#begun.length === 0 && piece.length === size) return piece;
    this.#begun.append(piece);
    return this.#begun.length === size ? this.#begun.take() : undefined;
  }

  clear() {
    this.#chunk = Buffer.alloc(0);
    this.#at = 0;
    this.#begun = new Collector();
  }
}
