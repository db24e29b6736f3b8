// A topic as this client holds it: one subscription on the wire, any number of listeners.

import { backoff, bounded } from "./delay.js";
import { FaultError, RefusalError, type TopicastError, UnknownOutcomeError } from "./errors.js";
import { after, type Off } from "./events.js";
import type { Gap, Info, Standing, Status, Subscription } from "./subscription.js";

/** A message from the server. */
export interface Message {
  readonly type: string;
  readonly id?: number | string;
  readonly topic?: string;
  readonly epoch?: string;
  readonly seq?: number;
  readonly skipped?: number;
  readonly payload?: any;
}

export type Verb = "subscribe" | "unsubscribe";

/** What a shared subscription asks of its client. */
export interface Host {
  /** How long a subscribe may go unanswered, in milliseconds. */
  timeout(): number;
  /**
   * Sends a request about it, if connected; `answered` gets the reply or the error. What is
   * returned for a subscribe sends it once more: the first of the two replies is the answer.
   */
  ask(shared: Shared, verb: Verb, answered: (reply: Message | TopicastError) => void): Off | undefined;
  /**
   * It was acknowledged under this topic. Answers false where a request that was sent since
   * has left the topic again.
   */
  place(shared: Shared, topic: string): boolean;
  /** It is acknowledged no more. */
  leave(shared: Shared): void;
  /** Nobody listens any more, or nobody can: it is to be forgotten. */
  forget(shared: Shared): void;
  refused(shared: Shared, error: RefusalError): void;
}

/** The shortest wait after a refusal that names one; in milliseconds. */
const FLOOR = 100;

/** How long a subscription must have lasted for the waits to begin again: a server may agree and take it back at once. */
const STABLE = 10_000;

export class Shared {
  status: Status = "subscribing";
  current: unknown;
  stale = false;
  error: TopicastError | undefined;
  /** The topic that the server named, once it has acknowledged; before, the one computed here. */
  topic: string;
  readonly #host: Host;
  readonly #listeners = new Set<Subscription<any, any>>();
  #standing: { epoch: string; seq: number } | undefined;
  /** Not asked on this connection, asked and not answered, or answered with yes. */
  #phase: "idle" | "asked" | "held" = "idle";
  /** Sends what was asked on this connection, and not answered, once more. */
  #again: Off | undefined;
  /** Whether it was: the server may agree to the second after it refused the first. */
  #twice = false;
  #over = false;
  #retries = 0;
  #heldAt = Infinity;
  /** Runs out when an answer should have come, or when a refusal was waited out. */
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    host: Host,
    readonly route: string,
    readonly params: unknown,
    /** The topic computed here, by which equal requests are known. */
    readonly key: string,
    /** The request as JSON. */
    readonly text: string,
  ) {
    this.#host = host;
    this.topic = key;
  }

  join(listener: Subscription<any, any>): void {
    this.#listeners.add(listener);
    if (this.#phase === "held") listener.start(this.#ready());
  }

  leave(listener: Subscription<any, any>): void {
    // What has been asked is answered first: whoever comes back meanwhile misses no snapshot.
    if (this.#listeners.delete(listener) && !this.wanted && this.#phase !== "asked") this.#end();
  }

  /** Whether anybody listens. */
  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** Asks the server, unless it has been asked or a refusal is to be waited out. */
  request(): void {
    if (this.#phase !== "idle" || this.#timer) return;
    this.#twice ||= !!this.#again;
    if (this.#again) this.#again();
    else this.#again = this.#host.ask(this, "subscribe", (reply) => this.#answered(reply));
    if (!this.#again) return;
    this.#phase = "asked";
    const timeout = this.#host.timeout();
    this.#after(timeout, () => {
      this.#phase = "idle";
      this.#refuse(new RefusalError(`no answer within ${timeout} ms`, "timeout", true));
    });
  }

  /** The connection is lost, and with it every acknowledgement. */
  lost(): void {
    if (this.#phase === "asked") this.#stop();
    this.#phase = "idle";
    this.#again = undefined;
    this.#twice = false;
    this.stale = this.current !== undefined;
    if (!this.wanted) this.#end();
    else if (this.#standing && !this.#timer) this.#turn("reconnecting");
  }

  /** An update, a snapshot, or the end. */
  receive({ type, seq = 0, skipped = 0, payload }: Message): void {
    const standing = this.#standing;
    if (!standing) return;
    const event = type.slice(this.route.length + 1);
    if (event === "unsubscribed") {
      this.#phase = "idle";
      this.#host.leave(this);
      this.stale = this.current !== undefined;
      return this.#refuse(refusal(payload));
    }
    const snapshot = event === "snapshot";
    if (!snapshot) {
      if (event !== "update" || seq <= standing.seq) return;
      const missed = seq - standing.seq - 1;
      if (missed || skipped) this.#miss({ reason: missed === skipped ? "skipped" : "sequence", missed: missed || skipped });
    }
    standing.seq = Math.max(seq, standing.seq);
    this.current = payload;
    this.stale = false;
    const info: Info = { topic: this.topic, epoch: standing.epoch, seq, skipped, snapshot };
    this.#each((listener) => listener.take(payload, info));
  }

  /** Ends for good; where this side wanted it, nobody who reads is given the error. */
  fail(error: TopicastError, status: "failed" | "closed" = "failed"): void {
    this.error = error;
    this.status = status;
    this.#phase = "idle";
    this.#end();
    this.#each((listener) => listener.end(status, error, status === "failed" ? error : undefined));
  }

  #answered(reply: Message | TopicastError): void {
    if (reply instanceof UnknownOutcomeError) return;
    this.#again = undefined;
    if (this.#over) return;
    // An answer that comes late is one all the same.
    this.#stop();
    this.#phase = "idle";
    if (reply instanceof RefusalError) return this.#refuse(reply);
    if (reply instanceof Error) return this.fail(reply);
    const { payload } = reply;
    if (isRefusal(payload)) return this.#refuse(refusal(payload));
    if (payload?.status === "ok" && typeof payload.topic === "string") return this.#held(reply);
    const type = `${this.route}.subscribe`;
    this.fail(new FaultError(`${type}: the reply is neither an agreement with its topic nor a refusal`, type));
  }

  #held({ epoch = "", seq = 0, payload }: Message): void {
    const before = this.#standing;
    this.topic = payload.topic;
    if (!this.#host.place(this, this.topic)) return this.request();
    this.#phase = "held";
    this.#heldAt = Date.now();
    this.error = undefined;
    this.#standing = { epoch, seq };
    if (!this.wanted) return this.#end();
    const goesOn = before?.epoch === epoch && seq >= before.seq;
    // What is held is the newest there is, unless something was published meanwhile.
    const missed = before && !(goesOn && seq === before.seq);
    if (!missed) this.stale = false;
    this.#turn("live");
    this.#each((listener) => listener.start(this.#ready()));
    if (missed) this.#miss(goesOn ? { reason: "reconnect", missed: seq - before.seq } : { reason: "epoch", missed: null });
  }

  #refuse(error: RefusalError): void {
    this.error = error;
    this.#host.refused(this, error);
    this.#each((listener) => listener.refuse(error));
    if (this.#over) return;
    if (!this.wanted || !error.retryable) return this.fail(error);
    if (Date.now() - this.#heldAt >= STABLE) this.#retries = 0;
    this.#heldAt = Infinity;
    const { retryAfterMs } = error;
    const asked = retryAfterMs === undefined ? 0 : bounded(retryAfterMs, FLOOR);
    // Those that were refused together do not come back together, for the backoff is at random.
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

  #ready(): Standing {
    return { topic: this.topic, ...(this.#standing as { epoch: string; seq: number }) };
  }

  #miss(gap: Gap): void {
    this.#each((listener) => listener.miss(gap));
  }

  #turn(status: Status): void {
    if (this.status === status) return;
    this.status = status;
    this.#each((listener) => listener.turn(status));
  }

  #each(tell: (listener: Subscription<any, any>) => void): void {
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) tell(listener);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop();
    // What was given up unanswered may still be agreed to.
    const held = this.#phase === "held" || this.#again || this.#twice;
    this.#host.leave(this);
    this.#host.forget(this);
    if (held) this.#host.ask(this, "unsubscribe", () => {});
  }
}

/** The error that a refusal's payload describes. */
export function refusal(payload: any): RefusalError {
  const { code, message, retryable, retry_after_ms: after } = payload ?? {};
  return new RefusalError(String(message), String(code), retryable === true, number(after));
}

/** What is a number, if it is one. */
export function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Whether a reply's payload says no. */
export function isRefusal(payload: any): boolean {
  return payload?.status === "error" && typeof payload.code === "string" && typeof payload.retryable === "boolean";
}
