// The client: subscriptions, requests and pushes over one connection that reconnects.

import type { CloseInfo } from "./close.js";
import { Connection, type ConnectionOptions, type ConnectionState } from "./connection.js";
import { bounded } from "./delay.js";
import { FaultError, NotSentError, RefusalError, type TopicastError } from "./errors.js";
import { Events, type Lifetime, type Off, until } from "./events.js";
import type { Kind, SubscribeOptions } from "./kind.js";
import { isCount, type Message, number } from "./message.js";
import { Registry } from "./registry.js";
import { type RequestOptions, Requests } from "./requests.js";
import { complete, type Shape } from "./shape.js";
import { Persistence, type SubscriptionStorage } from "./storage.js";
import type { BufferOptions } from "./stream.js";
import { Subscription } from "./subscription.js";

/** Options of a client. All durations are in milliseconds. */
export interface ClientOptions extends ConnectionOptions, Lifetime {
  /** The timeout of subscribe requests, and of requests without one of their own. Default: 10,000. */
  readonly requestTimeout?: number;
  /** The limit of requests that wait for the connection or for their reply. Default: 100. */
  readonly maxRequests?: number;
  /** Where to save subscriptions, so that a reloaded page can {@link Client.restore} them. */
  readonly storage?: SubscriptionStorage;
  /** The key of the saved subscriptions. Default: `topicast:` and the URL. */
  readonly storageKey?: string;
}

/** The events of a client. */
export interface ClientEvents {
  state: ConnectionState;
  /** A connection, or an attempt to connect, has ended. */
  close: CloseInfo;
  /** The server refused a request, or ended a subscription; or the client ended one whose rows are wrong. */
  refusal: { readonly operation: string; readonly topic: string | undefined; readonly error: RefusalError };
  /** A request was not valid. The client does not repeat it. */
  fault: FaultError;
  /** An error of a listener, an unreadable message or another fault of the server, or a failure of the storage or the token. Without a listener it is logged to the console. */
  error: unknown;
}

/** The channels, operations and pushes of a server; generated from the document. */
export interface Surface {
  /** Every channel, with the shape of its request. */
  readonly channels: { readonly [route: string]: Shape };
  /** The kinds of the channels that are not events without history. */
  readonly kinds?: { readonly [route: string]: Kind };
  /** Every operation, and whether it has a reply. */
  readonly operations: { readonly [type: string]: boolean };
  readonly pushes: readonly string[];
}

export class Client {
  /** Reports an error that no call can return. @internal */
  readonly report = (error: unknown): void => {
    if (this.#events.has("error")) this.#events.emit("error", error);
    else console.error(error);
  };
  readonly #surface: Surface;
  readonly #events = new Events<ClientEvents>(this.report);
  readonly #pushes = new Events<{ [type: string]: any }>(this.report);
  readonly #connection: Connection;
  readonly #requests: Requests;
  readonly #registry: Registry;
  readonly #persistence: Persistence | undefined;
  readonly #close: Off;

  constructor(surface: Surface, url: string | URL, options: ClientOptions = {}) {
    const { requestTimeout: timeout = 10_000, maxRequests = 100, storage } = options;
    const refused = (operation: string, error: RefusalError, topic?: string): void =>
      this.#events.emit("refusal", { operation, topic, error });
    this.#surface = surface;
    this.#requests = new Requests({
      operations: surface.operations,
      timeout,
      maxRequests,
      isOpen: () => this.#connection.isOpen,
      send: (text) => this.#connection.send(text),
      closed: () => this.#closed(),
      refused,
      fault: (error) => this.#events.emit("fault", error),
    });
    this.#registry = new Registry(this.#requests, refused, this.report, () => this.#save());
    // The last of the three, since it may fail and call back at once.
    this.#connection = new Connection(url, options, this);
    if (storage) {
      const key = options.storageKey ?? `topicast:${this.#connection.url}`;
      this.#persistence = new Persistence(storage, key, this.report);
    }
    this.#close = until(options.signal, () => this.#connection.close());
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  /** The round-trip time of the last `ping`, in milliseconds. */
  get latency(): number | undefined {
    return this.#requests.latency;
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => unknown,
    lifetime?: Lifetime,
  ): Off {
    return this.#events.on(name, listener, lifetime);
  }

  /** Subscribes to a topic. @internal */
  subscribe(route: string, params: unknown, options: SubscribeOptions = {}): Subscription<any, any, any, any> {
    const kind = this.#surface.kinds?.[route];
    const completed = complete(params ?? {}, this.#surface.channels[route] ?? {}, "params");
    const shared = this.#registry.get(route, completed, kind, options);
    const subscription = new Subscription(shared, options, this.report);
    if (subscription.status !== "closed") shared.join(subscription);
    const error = this.#requests.fault(`${route}.subscribe`, shared.text) ?? this.#closed();
    if (!shared.wanted) this.#registry.forget(shared);
    else if (error) shared.fail(error);
    else {
      this.#save();
      shared.request();
    }
    return subscription;
  }

  /** Carries out an operation. @internal */
  request(type: string, payload?: unknown, options?: RequestOptions): Promise<any> {
    return this.#requests.request(type, payload, options);
  }

  /** Adds a listener for a push. @internal */
  onPush(type: string, listener: (payload: any) => unknown, lifetime?: Lifetime): Off {
    return this.#pushes.on(type, listener, lifetime);
  }

  /** Restores the subscriptions that the storage held when this client was created. */
  async restore(options?: BufferOptions): Promise<Subscription<any, any, any, any>[]> {
    const saved = (await this.#persistence?.loaded) ?? [];
    return saved.flatMap(([route, params, saved]) => {
      if (!Object.hasOwn(this.#surface.channels, route)) return [];
      try {
        return this.subscribe(route, params, { ...options, ...saved });
      } catch (error) {
        // Another version of the page may have saved params that are not valid any more.
        this.report(error);
        return [];
      }
    });
  }

  /** Connects now if the client is waiting to reconnect. */
  reconnect(): void {
    this.#connection.reconnect();
  }

  /** Closes the connection and everything over it. The storage keeps the saved subscriptions. */
  close(): void {
    this.#close();
  }

  /** @internal */
  opened(): void {
    this.#registry.opened();
    this.#requests.flush();
  }

  /** @internal */
  lost(close: CloseInfo): void {
    this.#registry.disconnected();
    this.#requests.lost(close);
    this.#registry.lost();
    this.#events.emit("close", close);
  }

  /** @internal */
  ping(): void {
    this.#requests.ping();
  }

  /** @internal */
  received(data: unknown): void {
    let message: Message;
    try {
      message = JSON.parse(data as string) as Message;
      const { type, epoch = "", seq = 0, skipped = 0 } = message;
      if (typeof type !== "string" || typeof epoch !== "string" || !isCount(seq) || !isCount(skipped)) throw new TypeError("the envelope is not valid");
    } catch (cause) {
      return this.report(new Error("the server sent an unreadable message", { cause }));
    }
    const { type, id, topic, payload } = message;
    if (this.#registry.receive(message)) return;
    if (id !== undefined) this.#requests.reply(message);
    else if (type === "error") this.#events.emit("fault", new FaultError(String(payload?.message)));
    else if (topic === undefined) {
      if (type === "going_away") this.#connection.announcedDelay = bounded(number(payload?.reconnect_after_ms) ?? 0, 0);
      this.#pushes.emit(type, payload);
    }
  }

  /** @internal */
  changed(state: ConnectionState): void {
    if (state.status === "closed") {
      const { kind, reason } = state.close;
      if (kind === "normal") this.#end(closed(), "closed");
      else this.#end(new RefusalError(reason, kind, false), "failed");
    }
    this.#events.emit("state", state);
  }

  #end(error: TopicastError, status: "failed" | "closed"): void {
    this.#registry.disconnected();
    this.#requests.end(error);
    this.#registry.end(error, status);
  }

  #save(): void {
    // The subscriptions that end with the client are what a reloaded page restores.
    if (!this.#closed()) this.#persistence?.save(this.#registry.wanted());
  }

  #closed(): NotSentError | undefined {
    return this.state.status === "closed" ? closed() : undefined;
  }
}

function closed(): NotSentError {
  return new NotSentError("the client is closed", "closed");
}
