// The bounded queue between a subscription and one iterator.

import { OverflowError } from "./errors.js";
import { type Lifetime, until } from "./events.js";
import type { Gap, Item } from "./item.js";

/** The capacity of an iterator's queue, and what happens when it is full. */
export interface BufferOptions extends Lifetime {
  /** The number of queued items. Default: 1,000. */
  readonly buffer?: number;
  /**
   * What happens when the queue is full: the oldest item is dropped, all but the newest are
   * dropped, or the iterator throws an {@link OverflowError}. Default: `"drop-oldest"`.
   */
  readonly overflow?: "drop-oldest" | "keep-latest" | "throw";
}

type Result<V> = IteratorResult<V, undefined>;

const DONE: Result<never> = { done: true, value: undefined };

/** A bounded queue with one reader, which receives all items or only the values. */
export class Stream<T, V> implements AsyncIterableIterator<V, undefined> {
  readonly #options: BufferOptions;
  readonly #all: boolean;
  readonly #onGap: (gap: Gap) => void;
  readonly #leave: () => void;
  ended = false;
  #queue: Item<T>[] = [];
  /** The number of values that were dropped at the front of the queue; null if it is unknown. */
  #missed: number | null = 0;
  /** The last status that was dropped there. */
  #status: Item<T> | undefined;
  #error: unknown;
  #readers: [(result: Result<V>) => void, (error: unknown) => void][] = [];

  /**
   * `onGap` is called with the dropped values when the reader reaches their position; `onEnd` is
   * called once, when the reader leaves or the stream ends.
   */
  constructor(options: BufferOptions, all: boolean, onGap: (gap: Gap) => void, onEnd: () => void) {
    this.#options = options;
    this.#all = all;
    this.#onGap = onGap;
    this.#leave = until(options.signal, (reason) => {
      onEnd();
      this.#finish(reason);
    });
  }

  push(item: Item<T>): void {
    if (this.ended || !(this.#all || item.kind === "value")) return;
    const reader = this.#readers.shift();
    if (reader) return reader[0](this.#result(item));
    const { buffer = 1000, overflow } = this.#options;
    const queue = this.#queue;
    if (queue.length >= buffer) {
      if (overflow === "throw") return this.end(new OverflowError(buffer));
      for (const old of queue.splice(0, overflow === "keep-latest" ? queue.length : 1)) {
        if (old.kind === "status") this.#status = old;
        else {
          const missed = old.kind === "gap" ? old.gap.missed : 1;
          this.#missed = missed === null || this.#missed === null ? null : this.#missed + missed;
        }
      }
    }
    queue.push(item);
  }

  /** Ends the stream, or fails it, after the queued items. */
  end(error?: unknown): void {
    this.#finish(error);
    this.#leave();
  }

  async next(): Promise<Result<V>> {
    const missed = this.#missed;
    if (missed !== 0) {
      this.#missed = 0;
      const gap: Gap = { reason: "overflow", missed };
      this.#onGap(gap);
      if (this.#all) return this.#result({ kind: "gap", gap });
    }
    // The reader needs the last status to interpret the values that follow.
    const item = this.#status ?? this.#queue.shift();
    this.#status = undefined;
    if (item) return this.#result(item);
    if (!this.ended) return new Promise((...reader) => this.#readers.push(reader));
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
    return DONE;
  }

  /** Called by `break`. */
  async return(): Promise<Result<V>> {
    this.#queue = [];
    this.end();
    this.#error = undefined;
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #result(item: Item<T>): Result<V> {
    return { done: false, value: (this.#all ? item : (item as { value: unknown }).value) as V };
  }

  #finish(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.#error = error;
    for (const [end, fail] of this.#readers.splice(0)) {
      if (this.#error === undefined) end(DONE);
      else fail(this.#error);
      // Only one reader receives the error.
      this.#error = undefined;
    }
  }
}
