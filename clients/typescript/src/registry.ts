// The subscriptions of a client: by request, and by the topic that the server named.

import type { RefusalError, TopicastError } from "./errors.js";
import type { Kind, SubscribeOptions } from "./kind.js";
import type { Message } from "./message.js";
import type { Request } from "./requests.js";
import { type Host, SharedSubscription } from "./shared-subscription.js";
import type { Entry } from "./storage.js";
import { topic } from "./topic.js";

/** What the registry needs of the client. */
export interface RegistryHost {
  timeout(): number;
  isOpen(): boolean;
  send(request: Request): void;
  refused(operation: string, topic: string, error: RefusalError): void;
  /** Reports a fault of the server. */
  report(error: Error): void;
  /** Called when a subscription was added or removed. */
  changed(): void;
}

export class Registry {
  /** By the topic computed here. */
  readonly #shared = new Map<string, SharedSubscription>();
  /** Accepted subscriptions, by the topic that the server named. */
  readonly #joined = new Map<string, readonly SharedSubscription[]>();
  /** Topics whose unsubscribe request is not answered yet. */
  readonly #leaving = new Set<string>();
  readonly #registry: RegistryHost;
  readonly #host: Host;

  constructor(registry: RegistryHost) {
    this.#registry = registry;
    this.#host = {
      timeout: () => registry.timeout(),
      send: (request) => {
        const isOpen = registry.isOpen();
        if (isOpen) registry.send(request);
        return isOpen;
      },
      unsubscribe: ({ route, topic, text }) => {
        // Other params may have the same topic on the server.
        if (!registry.isOpen() || this.#joined.has(topic)) return;
        this.#leaving.add(topic);
        registry.send({ type: `${route}.unsubscribe`, text, answered: () => this.#leaving.delete(topic) });
      },
      place: (shared, topic) => {
        if (this.#leaving.has(topic)) return null;
        const others = this.#joined.get(topic) ?? [];
        this.#joined.set(topic, [...others, shared]);
        return others[0];
      },
      leave: (shared) => {
        const others = this.#joined.get(shared.topic)?.filter((other) => other !== shared) ?? [];
        if (others.length) this.#joined.set(shared.topic, others);
        else this.#joined.delete(shared.topic);
      },
      forget: (shared) => this.forget(shared),
      refused: ({ route, topic }, error) => registry.refused(`${route}.subscribe`, topic, error),
      report: (error) => registry.report(error),
    };
  }

  /**
   * Returns the subscription for a request, and creates it if there is none.
   *
   * @throws {RangeError} if there is one with other options, since the server knows only one of them
   */
  get(route: string, params: unknown, kind: Kind | undefined, { rewind, maxRate }: SubscribeOptions): SharedSubscription {
    const key = topic(route, params);
    let shared = this.#shared.get(key);
    // A channel has one of the two options at most.
    const [wanted, other] = [rewind ?? maxRate, shared?.options?.rewind ?? shared?.options?.maxRate];
    if (shared && wanted !== undefined && wanted !== other) {
      const name = rewind === undefined ? "maxRate" : "rewind";
      throw new RangeError(`${name} is ${wanted}; ${key} is subscribed to already, with ${other}`);
    }
    if (!shared) {
      shared = new SharedSubscription(this.#host, route, params, key, JSON.stringify(params), kind, wanted === undefined ? undefined : { rewind, maxRate });
      this.#shared.set(key, shared);
    }
    return shared;
  }

  forget(shared: SharedSubscription): void {
    if (this.#shared.get(shared.key) === shared) this.#shared.delete(shared.key);
    this.#registry.changed();
  }

  /** Delivers a message about a topic, and returns false if there is no subscription to it. */
  receive(message: Message): boolean {
    const joined = message.topic === undefined ? undefined : this.#joined.get(message.topic);
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
    return all.map(({ route, params, options }) => (options ? [route, params, options] : [route, params]));
  }
}
