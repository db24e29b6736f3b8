// The one subscription on the wire that all listeners of a topic share.

import { backoff, bounded } from "./delay.js";
import { FaultError, RefusalError, type TopicastError, UnknownOutcomeError } from "./errors.js";
import { after, type Off } from "./events.js";
import type { Gap, Info, Status } from "./item.js";
import { isRefusal, type Message, refusal } from "./message.js";

export type Verb = "subscribe" | "unsubscribe";

/** The position in a topic's numbering at which a subscription starts. */
export interface StreamPosition {
  readonly topic: string;
  readonly epoch: string;
  readonly seq: number;
}

/** A listener of a shared subscription. */
export interface Listener {
  /** Called when the server accepts the subscription. */
  start(position: StreamPosition): void;
  take(value: any, info: Info): void;
  miss(gap: Gap): void;
  turn(status: Status): void;
  refuse(error: RefusalError): void;
  /** Called at the end, with the error for `ready` and the error for iterators, if any. */
  end(status: "failed" | "closed", waiting: unknown, reading?: unknown): void;
}

/** What a shared subscription needs of the client. */
export interface Host {
  /** Returns the timeout of a subscribe request, in milliseconds. */
  timeout(): number;
  /**
   * Sends a request if the client is connected; `answered` receives the reply or the error. For
   * a subscribe, returns a function that sends the request again, under the same id.
   */
  ask(shared: SharedSubscription, verb: Verb, answered: (reply: Message | TopicastError) => void): Off | undefined;
  /**
   * Registers an accepted subscription under the server's topic. Returns false if an unsubscribe
   * request for the topic is in flight, which ends it again.
   */
  place(shared: SharedSubscription, topic: string): boolean;
  /** Removes the registration under the server's topic. */
  leave(shared: SharedSubscription): void;
  /** Forgets a subscription that has no listeners any more, or that failed. */
  forget(shared: SharedSubscription): void;
  refused(shared: SharedSubscription, error: RefusalError): void;
}

/** The shortest delay after a refusal that asks for one, in milliseconds. */
const FLOOR = 100;

/** How long a subscription must have lasted to reset the backoff, since a server may accept and end it at once. */
const STABLE = 10_000;

export class SharedSubscription {
  status: Status = "subscribing";
  current: unknown;
  stale = false;
  error: TopicastError | undefined;
  /** The topic that the server named, or the one computed here until it has accepted. */
  topic: string;
  readonly #host: Host;
  readonly #listeners = new Set<Listener>();
  #position: { epoch: string; seq: number } | undefined;
  /** Whether the request was sent on this connection, and whether the server accepted it. */
  #phase: "idle" | "requested" | "joined" = "idle";
  /** Sends the request that was not answered on this connection again. */
  #resend: Off | undefined;
  /** Whether it was sent again: the server may refuse the first copy and accept the second. */
  #resent = false;
  #over = false;
  #retries = 0;
  #joinedAt = Infinity;
  /** Fires when the request times out, or when it is due again after a refusal. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    host: Host,
    readonly route: string,
    readonly params: unknown,
    /** The topic computed here, which identifies equal requests. */
    readonly key: string,
    /** The request as JSON. */
    readonly text: string,
  ) {
    this.#host = host;
    this.topic = key;
  }

  join(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#phase === "joined") listener.start(this.#start());
  }

  leave(listener: Listener): void {
    // An unanswered request is kept, so that a listener that joins meanwhile misses no snapshot.
    if (this.#listeners.delete(listener) && !this.wanted && this.#phase !== "requested") this.#end();
  }

  /** Whether there are listeners. */
  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** Sends the subscribe request, unless it was sent or a delay after a refusal is running. */
  request(): void {
    if (this.#phase !== "idle" || this.#timer) return;
    this.#resent ||= !!this.#resend;
    if (this.#resend) this.#resend();
    else this.#resend = this.#host.ask(this, "subscribe", (reply) => this.#answered(reply));
    if (!this.#resend) return;
    this.#phase = "requested";
    const timeout = this.#host.timeout();
    this.#after(timeout, () => {
      this.#phase = "idle";
      this.#refuse(new RefusalError(`no answer within ${timeout} ms`, "timeout", true));
    });
  }

  /** Called when the connection is lost. */
  lost(): void {
    if (this.#phase === "requested") this.#stop();
    this.#phase = "idle";
    this.#resend = undefined;
    this.#resent = false;
    this.stale = this.current !== undefined;
    if (!this.wanted) this.#end();
    else if (this.#position && !this.#timer) this.#turn("reconnecting");
  }

  /** Handles an update, a snapshot, or the end. */
  receive({ type, seq = 0, skipped = 0, payload }: Message): void {
    const position = this.#position;
    if (!position) return;
    const event = type.slice(this.route.length + 1);
    if (event === "unsubscribed") {
      this.#phase = "idle";
      this.#host.leave(this);
      this.stale = this.current !== undefined;
      return this.#refuse(refusal(payload));
    }
    const snapshot = event === "snapshot";
    if (!snapshot) {
      if (event !== "update" || seq <= position.seq) return;
      const missed = seq - position.seq - 1;
      if (missed || skipped) this.#miss({ reason: missed === skipped ? "skipped" : "sequence", missed: missed || skipped });
    }
    position.seq = Math.max(seq, position.seq);
    this.current = payload;
    this.stale = false;
    const info: Info = { topic: this.topic, epoch: position.epoch, seq, skipped, snapshot };
    this.#each((listener) => listener.take(payload, info));
  }

  /** Ends the subscription for good. Iterators throw the error only if it failed. */
  fail(error: TopicastError, status: "failed" | "closed" = "failed"): void {
    this.error = error;
    this.status = status;
    this.#phase = "idle";
    this.#end();
    this.#each((listener) => listener.end(status, error, status === "failed" ? error : undefined));
  }

  #answered(reply: Message | TopicastError): void {
    if (reply instanceof UnknownOutcomeError) return;
    this.#resend = undefined;
    if (this.#over) return;
    // A reply that arrives after the timeout still counts.
    this.#stop();
    this.#phase = "idle";
    if (reply instanceof RefusalError) return this.#refuse(reply);
    if (reply instanceof Error) return this.fail(reply);
    const { payload } = reply;
    if (isRefusal(payload)) return this.#refuse(refusal(payload));
    if (payload?.status === "ok" && typeof payload.topic === "string") return this.#joined(reply);
    const type = `${this.route}.subscribe`;
    this.fail(new FaultError(`${type}: the reply neither accepts the subscription with its topic nor refuses it`, type));
  }

  #joined({ epoch = "", seq = 0, payload }: Message): void {
    const before = this.#position;
    this.topic = payload.topic;
    if (!this.#host.place(this, this.topic)) return this.request();
    this.#phase = "joined";
    this.#joinedAt = Date.now();
    this.error = undefined;
    this.#position = { epoch, seq };
    if (!this.wanted) return this.#end();
    const continues = before?.epoch === epoch && seq >= before.seq;
    // The current value is the newest one, unless updates were published meanwhile.
    const missed = before && !(continues && seq === before.seq);
    if (!missed) this.stale = false;
    this.#turn("live");
    this.#each((listener) => listener.start(this.#start()));
    if (missed) this.#miss(continues ? { reason: "reconnect", missed: seq - before.seq } : { reason: "epoch", missed: null });
  }

  #refuse(error: RefusalError): void {
    this.error = error;
    this.#host.refused(this, error);
    this.#each((listener) => listener.refuse(error));
    if (this.#over) return;
    if (!this.wanted || !error.retryable) return this.fail(error);
    if (Date.now() - this.#joinedAt >= STABLE) this.#retries = 0;
    this.#joinedAt = Infinity;
    const { retryAfterMs } = error;
    const asked = retryAfterMs === undefined ? 0 : bounded(retryAfterMs, FLOOR);
    // The random backoff spreads out clients that were refused together.
    this.#after(asked + backoff(this.#retries), () => this.request());
    this.#retries += 1;
    this.#turn("retrying");
  }

  #after(delay: number, then: () => void): void {
    this.#timer = after(delay, () => {
      this.#timer = undefined;
      then();
    });
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(): StreamPosition {
    return { topic: this.topic, ...(this.#position as { epoch: string; seq: number }) };
  }

  #miss(gap: Gap): void {
    this.#each((listener) => listener.miss(gap));
  }

  #turn(status: Status): void {
    if (this.status === status) return;
    this.status = status;
    this.#each((listener) => listener.turn(status));
  }

  #each(call: (listener: Listener) => void): void {
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) call(listener);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop();
    // The server may still accept a request that timed out.
    const joined = this.#phase === "joined" || this.#resend || this.#resent;
    this.#host.leave(this);
    this.#host.forget(this);
    if (joined) this.#host.ask(this, "unsubscribe", () => {});
  }
}
