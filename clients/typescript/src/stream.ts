// What an iterator has not read yet, bounded.

import { OverflowError } from "./errors.js";
import type { Lifetime } from "./events.js";
import { until } from "./events.js";
import type { Gap, Item } from "./subscription.js";

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

/** A bounded queue with one reader, who sees all items or just their values. */
export class Stream<T, V> implements AsyncIterableIterator<V, undefined> {
  readonly #options: BufferOptions;
  readonly #all: boolean;
  readonly #told: (gap: Gap) => void;
  readonly #left: () => void;
  ended = false;
  #queue: Item<T>[] = [];
  /** What was dropped where the queue begins: how many values, null for any number; and the last status. */
  #missed: number | null = 0;
  #status: Item<T> | undefined;
  #error: unknown;
  #readers: [(result: Result<V>) => void, (error: unknown) => void][] = [];

  /**
   * `told` gets what was dropped when the reader comes to that place; `left` is called once,
   * when the reader has gone or everything has ended.
   */
  constructor(options: BufferOptions, all: boolean, told: (gap: Gap) => void, left: () => void) {
    this.#options = options;
    this.#all = all;
    this.#told = told;
    this.#left = until(options.signal, () => {
      left();
      this.#finish(options.signal?.aborted ? options.signal.reason : undefined);
    });
  }

  push(item: Item<T>): void {
    if (this.ended || !(this.#all || item.kind === "value")) return;
    const reader = this.#readers.shift();
    if (reader) return reader[0](this.#seen(item));
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

  /** What waits is still read; then comes the end, or the error. */
  end(error?: unknown): void {
    this.#finish(error);
    this.#left();
  }

  async next(): Promise<Result<V>> {
    const missed = this.#missed;
    if (missed !== 0) {
      this.#missed = 0;
      const gap: Gap = { reason: "overflow", missed };
      this.#told(gap);
      if (this.#all) return this.#seen({ kind: "gap", gap });
    }
    // A reader who lacks the last status would be misled about what follows.
    const item = this.#status ?? this.#queue.shift();
    this.#status = undefined;
    if (item) return this.#seen(item);
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

  #seen(item: Item<T>): Result<V> {
    return { done: false, value: (this.#all ? item : (item as { value: unknown }).value) as V };
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
