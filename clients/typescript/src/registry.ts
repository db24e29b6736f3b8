// The subscriptions of a client: by request, and by the topic that the server named.

import type { RefusalError, TopicastError } from "./errors.js";
import type { Message } from "./message.js";
import type { Request } from "./requests.js";
import { type Host, SharedSubscription } from "./shared-subscription.js";
import { topic } from "./topic.js";

/** What the registry needs of the client. */
export interface RegistryHost {
  timeout(): number;
  isOpen(): boolean;
  /** Sends a request, and returns its id. */
  send(request: Request, id?: number): number;
  refused(operation: string, topic: string, error: RefusalError): void;
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
      ask: (shared, verb, answered) => {
        if (!registry.isOpen()) return undefined;
        const { topic, text } = shared;
        const type = `${shared.route}.${verb}`;
        if (verb === "subscribe") {
          const request = { type, text, answered };
          const id = registry.send(request);
          return () => registry.send(request, id);
        }
        // Other params may have the same topic on the server.
        if (!this.#joined.has(topic)) {
          this.#leaving.add(topic);
          registry.send({ type, text, answered: () => this.#leaving.delete(topic) });
        }
        return undefined;
      },
      place: (shared, topic) => {
        if (this.#leaving.has(topic)) return false;
        this.#joined.set(topic, [...(this.#joined.get(topic) ?? []), shared]);
        return true;
      },
      leave: (shared) => {
        const others = this.#joined.get(shared.topic)?.filter((other) => other !== shared) ?? [];
        if (others.length) this.#joined.set(shared.topic, others);
        else this.#joined.delete(shared.topic);
      },
      forget: (shared) => this.forget(shared),
      refused: ({ route, topic }, error) => registry.refused(`${route}.subscribe`, topic, error),
    };
  }

  /** Returns the subscription for a request, and creates it if there is none. */
  get(route: string, params: unknown): SharedSubscription {
    const key = topic(route, params);
    let shared = this.#shared.get(key);
    if (!shared) {
      shared = new SharedSubscription(this.#host, route, params, key, JSON.stringify(params));
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
  wanted(): [route: string, params: unknown][] {
    return [...this.#shared.values()].filter((shared) => shared.wanted).map(({ route, params }) => [route, params]);
  }
}
