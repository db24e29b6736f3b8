// The one subscription on the wire that all listeners of a topic share.

import { backoff, bounded } from "./delay.js";
import { FaultError, RefusalError, type TopicastError, UnknownOutcomeError } from "./errors.js";
import { after } from "./events.js";
import type { Gap, Info, Status } from "./item.js";
import type { Interpreter, Kind, SubscribeOptions } from "./kind.js";
import { isRefusal, type Message, refusal } from "./message.js";
import type { Request, Requests } from "./requests.js";

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
  /** Sends subscribe requests, each within its timeout. */
  readonly requests: Requests;
  /** Sends an unsubscribe request if the client is connected. */
  unsubscribe(shared: SharedSubscription): void;
  /**
   * Registers an accepted subscription under the server's topic, and returns one of other params
   * that the server accepted under it before. Returns null if an unsubscribe request for the topic
   * is in flight, which ends it again.
   */
  place(shared: SharedSubscription, topic: string): SharedSubscription | undefined | null;
  /** Removes the registration under the server's topic. */
  leave(shared: SharedSubscription): void;
  /** Forgets a subscription that has no listeners any more, or that failed. */
  forget(shared: SharedSubscription): void;
  refused(operation: string, error: RefusalError, topic: string): void;
  /** Reports a fault of the server. */
  report(error: Error): void;
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
  readonly #request: Request;
  readonly #listeners = new Set<Listener>();
  /** The epoch, and the number of the last value passed to the listeners or of the last reply. */
  #position: { epoch: string; seq: number } | undefined;
  /** Whether the position is this client's, so that the server can recover from it. */
  #recovers = false;
  /** Whether the request was sent on this connection, and whether the server accepted it. */
  #phase: "idle" | "requested" | "joined" = "idle";
  readonly #interpreter: Interpreter | undefined;
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
    readonly kind: Kind | undefined,
    readonly options: SubscribeOptions,
  ) {
    this.#host = host;
    this.topic = key;
    this.#interpreter = kind?.interpreter?.();
    this.#request = {
      type: `${route}.subscribe`,
      text,
      more: () => ({
        // A server that recovers sends what follows the position, and nothing before it.
        ...(this.#recovers ? { recover: this.#position } : { rewind: options.rewind }),
        max_rate: options.maxRate,
      }),
      answered: (reply) => this.#answered(reply),
    };
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
    if (!this.#host.requests.send(this.#request)) return;
    this.#phase = "requested";
    const { timeout } = this.#host.requests;
    this.#after(timeout, () => {
      this.#idle();
      this.#refuse(new RefusalError(`no answer within ${timeout} ms`, "timeout", true));
    });
  }

  /** Called when the connection is lost. */
  lost(): void {
    if (this.#phase === "requested") this.#stop();
    this.#idle();
    if (!this.wanted) this.#end();
    else if (this.#position && !this.#timer) this.#turn("reconnecting");
  }

  /** Handles an update, a snapshot, or the end. */
  receive({ type, seq = 0, skipped = 0, payload }: Message): void {
    const position = this.#position;
    if (!position) return;
    const event = type.slice(this.route.length + 1);
    if (event === "unsubscribed") {
      const error = refusal(payload);
      if (error.code === "reset") {
        this.#recovers = false;
        // The gap is reported here, so the next epoch is none.
        position.epoch = "";
        this.#miss({ reason: "epoch", missed: null });
      }
      return this.#ended(error);
    }
    const snapshot = event === "snapshot";
    if (!snapshot && event !== "update") return;
    // An update of a state stands for all that are missing before it.
    const isState = this.kind?.maxRate;
    const missed = snapshot ? 0 : seq - position.seq - 1;
    const isKnown = snapshot || (this.#recovers && missed >= 0);
    if (!isKnown || (missed !== skipped && !isState)) {
      this.#fault(`update ${seq} follows ${this.#recovers ? position.seq : "nothing"}, ${skipped} skipped`);
    }
    if (!isKnown) return;
    let [value, current] = [payload, payload];
    try {
      const interpreted = this.#interpreter?.interpret(this.current, payload, snapshot, (fault) => this.#fault(fault));
      if (interpreted) [value, current] = interpreted;
    } catch (error) {
      this.#recovers = false;
      return this.#ended(new RefusalError((error as Error).message, "mismatch", true), true);
    }
    if ((missed || skipped) && !isState) this.#miss({ reason: missed === skipped ? "skipped" : "sequence", missed: missed || skipped });
    position.seq = seq;
    this.#recovers = true;
    this.current = current;
    this.stale = false;
    const info: Info = { topic: this.topic, ...position, skipped, snapshot };
    this.#each((listener) => listener.take(value, info));
  }

  /** Ends the subscription for good. Iterators throw the error only if it failed. */
  fail(error: TopicastError, status: "failed" | "closed" = "failed"): void {
    this.error = error;
    this.status = status;
    this.#idle();
    this.#end();
    this.#each((listener) => listener.end(status, error, status === "failed" ? error : undefined));
  }

  #answered(reply: Message | TopicastError): void {
    // A second reply, to a request that was repeated, changes nothing once the first has accepted it.
    if (reply instanceof UnknownOutcomeError || this.#over || this.#phase === "joined") return;
    // A reply that arrives after the timeout still counts.
    this.#stop();
    this.#idle();
    if (reply instanceof RefusalError) return this.#refuse(reply);
    if (reply instanceof Error) return this.fail(reply);
    const { payload } = reply;
    if (isRefusal(payload)) return this.#refuse(refusal(payload));
    if (payload?.status === "ok" && typeof payload.topic === "string") return this.#joined(reply);
    const { type } = this.#request;
    this.fail(new FaultError(`${type}: the reply neither accepts with a topic nor refuses`, type));
  }

  #joined({ epoch = "", seq = 0, recovered, snapshot, payload }: Message): void {
    const before = this.#position;
    const recovers = this.#recovers;
    this.topic = payload.topic;
    const other = this.#host.place(this, this.topic);
    if (other === null) return this.request();
    this.#phase = "joined";
    this.#joinedAt = Date.now();
    this.error = undefined;
    this.#position = { epoch, seq };
    this.#recovers = !snapshot;
    if (!this.wanted) return this.#end();
    const isSame = before?.epoch === epoch;
    const missed = recovers && isSame ? seq - before.seq : -1;
    // A server without recovery does not say whether updates are missing, but its numbers do.
    const isWhole = !missed && recovered !== false;
    if (recovered && !isWhole) this.#fault("recovered from another position");
    if (other) {
      // To the server this is one subscription, whose snapshot is not sent again.
      this.#position = { ...(other.#position as { epoch: string; seq: number }) };
      this.#recovers = other.#recovers;
      this.current = other.current;
    }
    if (isWhole || other) this.stale = false;
    // The rows of another epoch are no base for changes.
    else if (this.#interpreter && !snapshot) this.current = undefined;
    this.#turn("live");
    this.#each((listener) => listener.start(this.#start()));
    // Without a position what follows is a snapshot, but it may be one of another epoch.
    if (recovers ? !isWhole : before?.epoch && !isSame && this.current !== undefined) {
      this.#miss(missed < 0 ? { reason: "epoch", missed: null } : { reason: "reconnect", missed });
    }
  }

  /** Handles the end of an accepted subscription that may be requested again. */
  #ended(error: RefusalError, isOurs = false): void {
    this.#idle();
    this.#host.leave(this);
    this.stale = this.current !== undefined;
    if (isOurs) this.#host.unsubscribe(this);
    this.#refuse(error);
  }

  /** Reports a fault of the server. */
  #fault(message: string): void {
    this.#host.report(new Error(`${this.topic}: ${message}`));
  }

  #refuse(error: RefusalError): void {
    this.error = error;
    this.#host.refused(this.#request.type, error, this.topic);
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

  /** Records that there is no subscription on the wire. */
  #idle(): void {
    this.#phase = "idle";
    this.stale = this.current !== undefined;
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
    const joined = this.#phase === "joined" || this.#request.copies;
    this.#host.leave(this);
    this.#host.forget(this);
    if (joined) this.#host.unsubscribe(this);
  }
}
