// The subscriptions of a client: by request, and by the topic that the server named.

import type { TopicastError } from "./errors.js";
import type { Kind, SubscribeOptions } from "./kind.js";
import type { Message } from "./message.js";
import type { Requests } from "./requests.js";
import { type Host, SharedSubscription } from "./shared-subscription.js";
import type { Entry } from "./storage.js";
import { topic } from "./topic.js";

export class Registry implements Host {
  /** By the topic computed here. */
  readonly #shared = new Map<string, SharedSubscription>();
  /** Accepted subscriptions, by the topic that the server named. */
  readonly #joined = new Map<string, readonly SharedSubscription[]>();
  /** Topics whose unsubscribe request is not answered yet. */
  readonly #leaving = new Set<string>();

  constructor(
    readonly requests: Requests,
    readonly refused: Host["refused"],
    readonly report: Host["report"],
    /** Called when a subscription was added or removed. */
    readonly changed: () => void,
  ) {}

  unsubscribe({ route, topic, text }: SharedSubscription): void {
    // Other params may have the same topic on the server.
    if (this.#joined.has(topic)) return;
    const answered = (): unknown => this.#leaving.delete(topic);
    if (this.requests.send({ type: `${route}.unsubscribe`, text, answered })) this.#leaving.add(topic);
  }

  place(shared: SharedSubscription, topic: string): SharedSubscription | undefined | null {
    if (this.#leaving.has(topic)) return null;
    const others = this.#joined.get(topic) ?? [];
    this.#joined.set(topic, [...others, shared]);
    return others[0];
  }

  leave(shared: SharedSubscription): void {
    const others = this.#joined.get(shared.topic)?.filter((other) => other !== shared) ?? [];
    if (others.length) this.#joined.set(shared.topic, others);
    else this.#joined.delete(shared.topic);
  }

  forget(shared: SharedSubscription): void {
    if (this.#shared.get(shared.key) === shared) this.#shared.delete(shared.key);
    this.changed();
  }

  /**
   * Returns the subscription for a request, and creates it if there is none.
   *
   * @throws {RangeError} if the kind has no such option, the value is out of range, or there is a
   * subscription with another value, since the server knows only one of them
   */
  get(route: string, params: unknown, kind: Kind | undefined, given: SubscribeOptions): SharedSubscription {
    const key = topic(route, params);
    let shared = this.#shared.get(key);
    const options: { -readonly [name in "rewind" | "maxRate"]?: number } = {};
    for (const name of ["rewind", "maxRate"] as const) {
      const value = given[name];
      if (value === undefined) continue;
      const [least, most] = kind?.[name] ?? [];
      if (typeof value !== "number" || !(value >= least! && value <= most!) || (name === "rewind" && value % 1)) {
        throw new RangeError(`${name} is ${value}; ${route} allows ${least ? `${least} to ${most}` : "none"}`);
      }
      if (shared && value !== shared.options[name]) {
        throw new RangeError(`${name} is ${value}; ${key} has ${shared.options[name]}`);
      }
      options[name] = value;
    }
    if (!shared) {
      shared = new SharedSubscription(this, route, params, key, JSON.stringify(params), kind, options);
      this.#shared.set(key, shared);
    }
    return shared;
  }

  /** Delivers a message about a topic, and returns false if there is no subscription to it. */
  receive(message: Message): boolean {
    const joined = this.#joined.get(message.topic as string);
    for (const shared of joined ?? []) shared.receive(message);
    return !!joined;
  }

  /** Sends the subscribe requests over a new connection. */
  opened(): void {
    for (const shared of this.#shared.values()) shared.request();
  }

  /** Called when the connection is lost, before its requests are settled. */
  disconnected(): void {
    this.#joined.clear();
  }

  /** Called when the connection is lost and its requests are settled. */
  lost(): void {
    for (const shared of [...this.#shared.values()]) shared.lost();
  }

  /** Ends all subscriptions: the client is closed. */
  end(error: TopicastError, status: "failed" | "closed"): void {
    for (const shared of [...this.#shared.values()]) shared.fail(error, status);
  }

  /** Returns the requests of the subscriptions that have listeners. */
  wanted(): Entry[] {
    const all = [...this.#shared.values()].filter((shared) => shared.wanted);
    return all.map(({ route, params, options }) => [route, params, options]);
  }
}
