// What an iterator has not read yet, bounded.

import { OverflowError } from "./errors.js";
import type { Lifetime } from "./events.js";
import { until } from "./events.js";

/** How much an iterator holds for a slow reader, and what happens beyond. */
export interface BufferOptions extends Lifetime {
  /** How many values may wait. 1,000. */
  readonly buffer?: number;
  /**
   * What happens to one more: the oldest is dropped, only the newest is kept, or the
   * iterator throws an {@link OverflowError}. `"drop-oldest"`.
   */
  readonly overflow?: "drop-oldest" | "keep-latest" | "throw";
}

type Result<V> = IteratorResult<V, undefined>;

const DONE: Result<never> = { done: true, value: undefined };

/** A bounded queue with one reader. */
export class Stream<V> implements AsyncIterableIterator<V, undefined> {
  readonly #options: BufferOptions;
  /** Makes what tells the reader how many were dropped; undefined where nothing is to be told. */
  readonly #tell: (dropped: number) => V | undefined;
  readonly #left: () => void;
  ended = false;
  #queue: V[] = [];
  #dropped = 0;
  #error: unknown;
  #readers: [(result: Result<V>) => void, (error: unknown) => void][] = [];

  /** `left` is called once, when the reader has gone or everything has ended. */
  constructor(options: BufferOptions, tell: (dropped: number) => V | undefined, left: (stream: Stream<V>) => void) {
    this.#options = options;
    this.#tell = tell;
    this.#left = until(options.signal, () => {
      left(this);
      this.#finish(options.signal?.aborted ? options.signal.reason : undefined);
    });
  }

  push(value: V): void {
    if (this.ended) return;
    const reader = this.#readers.shift();
    if (reader) return reader[0]({ done: false, value });
    const { buffer = 1000, overflow } = this.#options;
    if (this.#queue.length >= buffer) {
      if (overflow === "throw") return this.end(new OverflowError(buffer));
      this.#dropped += this.#queue.splice(0, overflow === "keep-latest" ? buffer : 1).length;
    }
    this.#queue.push(value);
  }

  /** What waits is still read; then comes the end, or the error. */
  end(error?: unknown): void {
    this.#finish(error);
    this.#left();
  }

  next(): Promise<Result<V>> {
    if (this.#dropped) {
      const told = this.#tell(this.#dropped);
      this.#dropped = 0;
      if (told !== undefined) return Promise.resolve({ done: false, value: told });
    }
    if (this.#queue.length) return Promise.resolve({ done: false, value: this.#queue.shift() as V });
    if (!this.ended) return new Promise((...reader) => this.#readers.push(reader));
    const error = this.#error;
    this.#error = undefined;
    return error === undefined ? Promise.resolve(DONE) : Promise.reject(error);
  }

  /** Called by `break`. */
  return(): Promise<Result<V>> {
    this.#queue = [];
    this.end();
    this.#error = undefined;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.#error = error;
    for (const [end, fail] of this.#readers.splice(0)) {
      if (this.#error === undefined) end(DONE);
      else fail(this.#error);
      // The error is told once.
      this.#error = undefined;
    }
  }
}
