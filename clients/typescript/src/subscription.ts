// One listener's hold on a topic; the topic itself is shared with others.

import { NotSentError, type RefusalError, type TopicastError } from "./errors.js";
import { DISPOSE, Events, type Lifetime, type Off, until } from "./events.js";
import type { Shared } from "./shared.js";
import { type BufferOptions, Stream } from "./stream.js";

/** What is known about a value beside the value. */
export interface Info {
  /** The canonical topic. */
  readonly topic: string;
  /** Changes whenever the topic's numbering restarts. */
  readonly epoch: string;
  /** The number of this update, or of the last that a snapshot includes. */
  readonly seq: number;
  /** How many updates the server dropped or replaced for this client just before this one. */
  readonly skipped: number;
  /** Whether it is the state that the subscription starts with, rather than an update. */
  readonly snapshot: boolean;
}

/** Updates that this listener did not get. */
export interface Gap {
  /**
   * `skipped`: the server dropped or replaced them for this client, and says so.
   * `sequence`: numbers are missing.
   * `reconnect`: they were published while disconnected.
   * `epoch`: the numbering began anew, so how many there were cannot be known.
   * `overflow`: this listener's iterator was read too slowly.
   */
  readonly reason: "skipped" | "sequence" | "reconnect" | "epoch" | "overflow";
  /** How many; null where that is unknown. */
  readonly missed: number | null;
}

/**
 * `subscribing` until the server answers for the first time; then `live`; `reconnecting`
 * while the connection is lost and the server has not answered again; `retrying` after a
 * refusal that may pass; `failed` after one that does not; `closed` by this side.
 */
export type Status = "subscribing" | "live" | "reconnecting" | "retrying" | "failed" | "closed";

/** Where the numbering stood when the server answered. */
export interface Standing {
  readonly topic: string;
  readonly epoch: string;
  readonly seq: number;
}

/** What happened, in the order in which it did. */
export type Item<T> =
  | { readonly kind: "value"; readonly value: T; readonly info: Info }
  | { readonly kind: "gap"; readonly gap: Gap }
  | { readonly kind: "status"; readonly status: Status };

/** What a subscription tells. */
export interface SubscriptionEvents<T> {
  value: T;
  gap: Gap;
  status: Status;
  /** The server refused, or ended the subscription; where it is retryable, it is tried again. */
  refusal: RefusalError;
}

export class Subscription<T = unknown, Params = unknown, Route extends string = string> {
  /** Resolves when the server has said yes for the first time; rejects when it never will. */
  readonly ready: Promise<Standing>;
  readonly #shared: Shared;
  readonly #events: Events<SubscriptionEvents<T>>;
  readonly #options: BufferOptions;
  readonly #streams = new Set<Stream<T, any>>();
  readonly #leave: Off | undefined;
  #settle: [(standing: Standing) => void, (error: unknown) => void] | undefined;
  #over: "failed" | "closed" | undefined;
  /** What came before there was anybody to hear it, for no longer than the turn of `ready`. */
  #early: Item<T>[] | undefined = [];

  /** @internal */
  constructor(shared: Shared, options: BufferOptions, report: (error: unknown) => void) {
    this.#shared = shared;
    this.#options = options;
    this.#events = new Events(report);
    this.ready = new Promise((...settle) => (this.#settle = settle));
    // Whoever does not ask for it does not have to handle it.
    this.ready.catch(() => {});
    this.#leave = until(options.signal, () => {
      shared.leave(this);
      const reason: unknown = options.signal?.aborted ? options.signal.reason : undefined;
      this.end("closed", reason ?? new NotSentError("the subscription was closed", "closed"), reason);
    });
  }

  get route(): Route {
    return this.#shared.route as Route;
  }

  /** The request, with defaults in the place of what was left out. */
  get params(): Params {
    return this.#shared.params as Params;
  }

  /** The canonical topic. */
  get topic(): string {
    return this.#shared.topic;
  }

  /** The newest value, of an update or a snapshot; undefined before the first. */
  get current(): T | undefined {
    return this.#shared.current as T | undefined;
  }

  get status(): Status {
    return this.#over ?? this.#shared.status;
  }

  /** Whether newer values than `current` may exist: while disconnected, and after a gap until the next value. */
  get stale(): boolean {
    return this.#shared.stale;
  }

  /** The last refusal, until the server says yes. */
  get error(): TopicastError | undefined {
    return this.#shared.error;
  }

  /** Has every value told. The function that is returned ends that. */
  on(listener: (value: T, info: Info) => unknown, lifetime?: Lifetime): Off;
  /** Has every event of a kind told. The function that is returned ends that. */
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

  /** Values from now on, as they come. Leaving the loop does not close the subscription. */
  values(options?: BufferOptions): AsyncIterableIterator<T, undefined> {
    return this.#open<T>(options, false);
  }

  /** Values, gaps and changes of status from now on, in their order. */
  items(options?: BufferOptions): AsyncIterableIterator<Item<T>, undefined> {
    return this.#open<Item<T>>(options, true);
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return this.values();
  }

  /** Ends this subscription; others of the same topic go on. */
  close(): void {
    this.#leave?.();
  }

  [DISPOSE](): void {
    this.close();
  }

  /** @internal */
  start(standing: Standing): void {
    if (!this.#settle) return;
    this.#settle[0](standing);
    this.#settle = undefined;
    // Code that waits for `ready` runs before this does.
    setTimeout(() => (this.#early = undefined));
  }

  /** @internal */
  take(value: T, info: Info): void {
    this.#tell({ kind: "value", value, info });
    this.#events.emit("value", value, info);
  }

  /** @internal */
  miss(gap: Gap): void {
    this.#tell({ kind: "gap", gap });
    this.#events.emit("gap", gap);
  }

  /** @internal */
  turn(status: Status): void {
    this.#tell({ kind: "status", status });
    this.#events.emit("status", status);
  }

  /** @internal */
  refuse(error: RefusalError): void {
    this.#events.emit("refusal", error);
  }

  /** Ends with an error for whoever waits, and another or none for whoever reads. @internal */
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

  #tell(item: Item<T>): void {
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
