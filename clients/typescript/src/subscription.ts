// One listener's handle to a subscription that all listeners of the topic share.

import { NotSentError, type RefusalError, type TopicastError } from "./errors.js";
import { DISPOSE, Events, type Lifetime, type Off, until } from "./events.js";
import type { Gap, Info, Item, Status } from "./item.js";
import type { Rows } from "./rows.js";
import type { SharedSubscription, StreamPosition } from "./shared-subscription.js";
import { type BufferOptions, Stream } from "./stream.js";

const NO_ROWS: readonly never[] = [];

/** The events of a subscription. */
export interface SubscriptionEvents<T> {
  value: T;
  gap: Gap;
  status: Status;
  /** The server refused or ended the subscription. The client retries if the refusal is retryable. */
  refusal: RefusalError;
}

export class Subscription<T = unknown, Params = unknown, Route extends string = string, Current = T> {
  /** Resolves when the server first accepts the subscription; rejects when it ends before that. */
  readonly ready: Promise<StreamPosition>;
  readonly #shared: SharedSubscription;
  readonly #events: Events<SubscriptionEvents<T>>;
  readonly #options: BufferOptions;
  readonly #streams = new Set<Stream<T, any>>();
  readonly #leave: Off | undefined;
  #settle: [(position: StreamPosition) => void, (error: unknown) => void] | undefined;
  #over: "failed" | "closed" | undefined;
  /** Items that arrived before the first listener, until code that awaits `ready` has run. */
  #early: Item<T>[] | undefined = [];

  /** @internal */
  constructor(shared: SharedSubscription, options: BufferOptions, report: (error: unknown) => void) {
    this.#shared = shared;
    this.#options = options;
    this.#events = new Events(report);
    this.ready = new Promise((...settle) => (this.#settle = settle));
    // A caller that does not use `ready` need not handle its rejection.
    this.ready.catch(() => {});
    this.#leave = until(options.signal, (reason) => {
      shared.leave(this);
      this.end("closed", reason ?? new NotSentError("the subscription was closed", "closed"), reason);
    });
  }

  get route(): Route {
    return this.#shared.route as Route;
  }

  /** The request, with defaults for omitted members. */
  get params(): Params {
    return this.#shared.params as Params;
  }

  /** The canonical topic. */
  get topic(): string {
    return this.#shared.topic;
  }

  /** The latest update or snapshot, or the rows of a table in key order; undefined before the first one. */
  get current(): Current | undefined {
    return this.#shared.current as Current | undefined;
  }

  /** The rows of a table in key order, in the same list until one changes; empty before the first snapshot. */
  rows(): Current extends Rows<infer Row> ? readonly Row[] : never {
    return ((this.current as Rows | undefined)?.list ?? NO_ROWS) as never;
  }

  get status(): Status {
    return this.#over ?? this.#shared.status;
  }

  /** True if `current` may be out of date: while disconnected, and after a gap until the next value. */
  get stale(): boolean {
    return this.#shared.stale;
  }

  /** The last refusal; undefined once the server accepts. */
  get error(): TopicastError | undefined {
    return this.#shared.error;
  }

  /** Adds a listener for values. Returns a function that removes it. */
  on(listener: (value: T, info: Info) => unknown, lifetime?: Lifetime): Off;
  /** Adds a listener for an event. Returns a function that removes it. */
  on<Name extends keyof SubscriptionEvents<T>>(
    name: Name,
    listener: (event: SubscriptionEvents<T>[Name]) => unknown,
    lifetime?: Lifetime,
  ): Off;
  on(first: any, second?: any, third?: any): Off {
    if (typeof first !== "function") return this.#events.on(first as keyof SubscriptionEvents<T>, second, third);
    const off = this.#events.on("value", first as (value: T) => unknown, second as Lifetime);
    for (const item of this.#takeEarly()) if (item.kind === "value") this.#events.emit("value", item.value, item.info);
    return off;
  }

  /** Iterates over the values from now on. Leaving the loop does not close the subscription. */
  values(options?: BufferOptions): AsyncIterableIterator<T, undefined> {
    return this.#open<T>(options, false);
  }

  /** Iterates over values, gaps and changes of status from now on, in order. */
  items(options?: BufferOptions): AsyncIterableIterator<Item<T>, undefined> {
    return this.#open<Item<T>>(options, true);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return this.values();
  }

  /** Closes this subscription; others of the same topic stay open. */
  close(): void {
    this.#leave?.();
  }

  [DISPOSE](): void {
    this.close();
  }

  /** @internal */
  start(position: StreamPosition): void {
    if (!this.#settle) return;
    this.#settle[0](position);
    this.#settle = undefined;
    // Code that awaits `ready` runs before this timer.
    setTimeout(() => (this.#early = undefined));
  }

  /** @internal */
  take(value: T, info: Info): void {
    this.#push({ kind: "value", value, info });
    this.#events.emit("value", value, info);
  }

  /** @internal */
  miss(gap: Gap): void {
    this.#push({ kind: "gap", gap });
    this.#events.emit("gap", gap);
  }

  /** @internal */
  turn(status: Status): void {
    this.#push({ kind: "status", status });
    this.#events.emit("status", status);
  }

  /** @internal */
  refuse(error: RefusalError): void {
    this.#events.emit("refusal", error);
  }

  /** @internal */
  end(status: "failed" | "closed", waiting: unknown, reading?: unknown): void {
    if (this.#over) return;
    this.#over = status;
    this.#settle?.[1](waiting);
    this.turn(status);
    for (const stream of [...this.#streams]) stream.end(reading);
    this.#early = undefined;
    this.#events.release();
    this.#leave?.();
  }

  #push(item: Item<T>): void {
    this.#early?.push(item);
    for (const stream of this.#streams) stream.push(item);
  }

  #takeEarly(): readonly Item<T>[] {
    const early = this.#early ?? [];
    this.#early = undefined;
    return early;
  }

  #open<V>(options: BufferOptions | undefined, all: boolean): Stream<T, V> {
    const stream = new Stream<T, V>(
      { ...this.#options, signal: undefined, ...options },
      all,
      (gap) => this.#events.emit("gap", gap),
      () => this.#streams.delete(stream),
    );
    for (const item of this.#takeEarly()) stream.push(item);
    if (this.#over) stream.end(this.#over === "failed" ? this.error : undefined);
    else if (!stream.ended) this.#streams.add(stream);
    return stream;
  }
}
