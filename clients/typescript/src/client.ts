// Everything over one connection: subscriptions, requests, pushes, and what they survive.

import { type CloseInfo, RULES } from "./close.js";
import { Connection, type ConnectionOptions, type ConnectionState } from "./connection.js";
import { bounded } from "./delay.js";
import { FaultError, NotSentError, RefusalError, type TopicastError, UnknownOutcomeError } from "./errors.js";
import { after, Events, type Lifetime, type Off, until } from "./events.js";
import { complete, type Shape } from "./shape.js";
import { type Host, isRefusal, type Message, number, refusal, Shared } from "./shared.js";
import { Saved, type SubscriptionStorage } from "./storage.js";
import type { BufferOptions } from "./stream.js";
import { Subscription } from "./subscription.js";
import { topic } from "./topic.js";

/** How a client behaves. All times are in milliseconds. */
export interface ClientOptions extends ConnectionOptions, Lifetime {
  /** How long a request may take unless it says otherwise, and a subscribe may go unanswered. 10,000. */
  readonly requestTimeout?: number;
  /** How many requests may wait for the connection or for their reply. 100. */
  readonly maxRequests?: number;
  /** Where subscriptions are kept for the page after a reload; see {@link Client.restore}. */
  readonly storage?: SubscriptionStorage;
  /** The name under which they are kept. `topicast:` and the address. */
  readonly storageKey?: string;
}

/** How one request behaves. */
export interface RequestOptions extends Lifetime {
  /** How long it may take, in milliseconds, waiting for the connection included. */
  readonly timeout?: number;
}

/** What a client tells. */
export interface ClientEvents {
  state: ConnectionState;
  /** A connection, or an attempt to make one, has ended. */
  close: CloseInfo;
  /** The server refused a request, or ended a subscription. */
  refusal: { readonly operation: string; readonly topic?: string; readonly error: RefusalError };
  /** A request was wrong as such. It is not repeated. */
  fault: FaultError;
  /** What a listener threw, a message that cannot be read, a storage or token that failed. Without a listener it goes to the console. */
  error: unknown;
}

/** What the generator read from the document. */
export interface Surface {
  /** Every channel, with what completes its requests. */
  readonly channels: { readonly [route: string]: Shape };
  /** Every operation, and whether it has a reply. */
  readonly operations: { readonly [type: string]: boolean };
  readonly pushes: readonly string[];
}

/** A request on its way. */
interface Request {
  readonly type: string;
  /** The payload as JSON; empty for none. */
  readonly text: string;
  readonly answered: (reply: Message | TopicastError) => void;
}

const PING = "ping";

/** How many faulty requests are remembered, so that they are not sent again. */
const MAX_FAULTS = 1000;

export class Client {
  /** How long the last `ping` took there and back. */
  latency: number | undefined;
  readonly #surface: Surface;
  readonly #options: ClientOptions;
  readonly #events = new Events<ClientEvents>((error) => this.#report(error));
  readonly #pushes = new Events<{ [type: string]: any }>((error) => this.#report(error));
  readonly #shared = new Map<string, Shared>();
  /** Acknowledged subscriptions, by the topic that the server named. */
  readonly #places = new Map<string, readonly Shared[]>();
  /** What was sent and is not answered, in the order of sending. */
  readonly #sent = new Map<number, Request>();
  /** What waits for the connection. */
  readonly #queue = new Set<Request>();
  /** Topics of unsubscriptions that are not answered. */
  readonly #leaving = new Set<string>();
  readonly #faults = new Map<string, FaultError>();
  readonly #saved: Saved | undefined;
  readonly #connection: Connection;
  readonly #close: Off;
  /** What topics ask of their client. */
  readonly #host: Host = {
    timeout: () => this.#options.requestTimeout ?? 10_000,
    ask: (shared, verb, answered) => {
      if (!this.#connection.isOpen) return undefined;
      const { topic, text } = shared;
      const type = `${shared.route}.${verb}`;
      if (verb === "subscribe") {
        const request = { type, text, answered };
        const id = this.#send(request);
        return () => this.#send(request, id);
      }
      // Other params may have the same topic for the server.
      if (!this.#places.has(topic)) {
        this.#leaving.add(topic);
        this.#send({ type, text, answered: () => this.#leaving.delete(topic) });
      }
      return undefined;
    },
    place: (shared, topic) => {
      if (this.#leaving.has(topic)) return false;
      this.#places.set(topic, [...(this.#places.get(topic) ?? []), shared]);
      return true;
    },
    leave: (shared) => {
      const others = this.#places.get(shared.topic)?.filter((other) => other !== shared) ?? [];
      if (others.length) this.#places.set(shared.topic, others);
      else this.#places.delete(shared.topic);
    },
    forget: (shared) => {
      if (this.#shared.get(shared.key) === shared) this.#shared.delete(shared.key);
      // What is closed with the client is what a reloaded page resumes.
      if (!this.#isClosed()) this.#saved?.save(this.#wanted());
    },
    refused: ({ route, topic }, error) => this.#events.emit("refusal", { operation: `${route}.subscribe`, topic, error }),
  };
  /** What waits for the connection or for an answer. */
  readonly #requests = new Set<Request>();
  #id = 0;

  constructor(surface: Surface, url: string | URL, options: ClientOptions = {}) {
    this.#surface = surface;
    this.#options = options;
    this.#connection = new Connection(url, options, {
      opened: () => this.#opened(),
      received: (data) => this.#received(data),
      lost: (close) => this.#lost(close),
      ping: () => this.#ping(),
      changed: (state) => this.#changed(state),
      report: (error) => this.#report(error),
    });
    if (options.storage) {
      const key = options.storageKey ?? `topicast:${this.#connection.url}`;
      this.#saved = new Saved(options.storage, key, (error) => this.#report(error));
    }
    this.#close = until(options.signal, () => this.#connection.close());
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (event: ClientEvents[Name]) => unknown,
    lifetime?: Lifetime,
  ): Off {
    return this.#events.on(name, listener, lifetime);
  }

  /** Subscribes at once. @internal */
  subscribe(route: string, params: unknown, options: BufferOptions = {}): Subscription<any, any, any> {
    const whole = complete(params ?? {}, this.#surface.channels[route] ?? {}, "params");
    const key = topic(route, whole);
    let shared = this.#shared.get(key);
    if (!shared) {
      shared = new Shared(this.#host, route, whole, key, JSON.stringify(whole));
      this.#shared.set(key, shared);
    }
    const subscription = new Subscription(shared, options, (error) => this.#report(error));
    if (subscription.status !== "closed") shared.join(subscription);
    const error = this.#faults.get(`${route}.subscribe${shared.text}`) ?? this.#isClosed();
    if (!shared.wanted) this.#host.forget(shared);
    else if (error) shared.fail(error);
    else {
      this.#saved?.save(this.#wanted());
      shared.request();
    }
    return subscription;
  }

  /** Carries out an operation. @internal */
  request(type: string, payload?: unknown, options: RequestOptions = {}): Promise<any> {
    const { signal, timeout = this.#host.timeout() } = options;
    const { maxRequests = 100 } = this.#options;
    return new Promise((resolve, reject) => {
      const text = payload === undefined ? "" : JSON.stringify(payload);
      const refused = this.#faults.get(type + text) ?? this.#isClosed();
      if (signal?.aborted) return reject(signal.reason);
      if (refused) return reject(refused);
      if (this.#requests.size >= maxRequests) {
        return reject(new NotSentError(`${maxRequests} requests wait already, no more are taken`, "full"));
      }
      const request: Request = {
        type,
        text,
        answered: (reply) => {
          this.#requests.delete(request);
          if (reply instanceof RefusalError) this.#events.emit("refusal", { operation: type, error: reply });
          if (reply instanceof Error) return give(reply);
          settle();
          resolve(reply.payload);
        },
      };
      this.#requests.add(request);
      const settle = (): void => {
        clearTimeout(timer);
        off();
      };
      const give = (error: unknown): void => {
        settle();
        reject(error);
        // What was sent still counts, for it is still to be answered.
        if (this.#queue.delete(request)) this.#requests.delete(request);
      };
      const timer = after(timeout, () => {
        const message = `${type}: no answer within ${timeout} ms`;
        give(
          this.#queue.has(request)
            ? new NotSentError(`${message}; it was not sent`, "timeout")
            : new UnknownOutcomeError(`${message}; whether it was carried out is unknown`, "timeout"),
        );
      });
      const off = until(signal, () => {
        if (signal?.aborted) give(signal.reason);
      });
      if (this.#connection.isOpen) this.#carryOut(request);
      else this.#queue.add(request);
    });
  }

  /** Has every push of a type told. @internal */
  onPush(type: string, listener: (payload: any) => unknown, lifetime?: Lifetime): Off {
    return this.#pushes.on(type, listener, lifetime);
  }

  /** Subscribes to all that was kept in the storage when this client was made. */
  async restore(options?: BufferOptions): Promise<Subscription<any, any, any>[]> {
    const kept = (await this.#saved?.loaded) ?? [];
    return kept.flatMap(([route, params]) => {
      if (!Object.hasOwn(this.#surface.channels, route)) return [];
      try {
        return this.subscribe(route, params, options);
      } catch (error) {
        // Another version of the page kept what is none any more; the others are not to suffer.
        this.#report(error);
        return [];
      }
    });
  }

  /** Connects at once if the client waits to connect again. */
  reconnect(): void {
    this.#connection.reconnect();
  }

  /** Ends the connection and everything over it. What is in the storage stays there. */
  close(): void {
    this.#close();
  }

  #carryOut(request: Request): void {
    const id = this.#send(request);
    if (this.#surface.operations[request.type]) return;
    // What has no reply is followed by a ping: once that is answered, it has been read.
    this.#ping((reply) => {
      this.#sent.delete(id);
      request.answered(reply);
    });
  }

  #send(request: Request, id = ++this.#id): number {
    const { type, text } = request;
    this.#sent.set(id, request);
    this.#connection.send(`{"type":${JSON.stringify(type)},"id":${id}${text && `,"payload":${text}`}}`);
    return id;
  }

  #opened(): void {
    for (const shared of this.#shared.values()) shared.request();
    for (const request of take(this.#queue)) this.#carryOut(request);
  }

  #received(data: unknown): void {
    let message: Message;
    try {
      message = JSON.parse(data as string) as Message;
      if (typeof message.type !== "string") throw new TypeError("it has no type");
    } catch (cause) {
      return this.#report(new Error("the server sent a message that cannot be read", { cause }));
    }
    const { type, id, topic, payload } = message;
    const places = topic === undefined ? undefined : this.#places.get(topic);
    if (places) for (const shared of places) shared.receive(message);
    else if (id !== undefined) this.#reply(id as number, message);
    else if (type === "error") this.#events.emit("fault", new FaultError(String(payload?.message)));
    else if (topic === undefined) {
      if (type === "going_away") this.#connection.away = bounded(number(payload?.reconnect_after_ms) ?? 0, 0);
      this.#pushes.emit(type, payload);
    }
  }

  #reply(id: number, message: Message): void {
    const request = this.#sent.get(id);
    if (!request) return;
    this.#sent.delete(id);
    const { type, payload } = message;
    if (type === "error") this.#blame(request, String(payload?.message));
    else if (this.#surface.operations[request.type] !== undefined && isRefusal(payload)) request.answered(refusal(payload));
    else request.answered(message);
  }

  /** A request was wrong as such. */
  #blame({ type, text, answered }: Request, reason: string): void {
    const error = new FaultError(`${type}: ${reason}`, type);
    if (this.#faults.size < MAX_FAULTS) this.#faults.set(type + text, error);
    this.#events.emit("fault", error);
    answered(error);
  }

  #lost(close: CloseInfo): void {
    const rule = RULES[close.kind]?.[1];
    const reason = close.reason || `closed with ${close.code}`;
    const sent = this.#forgetSent();
    const [first] = sent;
    if (first && first.type !== PING) {
      if (rule === "fault") this.#blame(first, reason);
      // How far an operation's handler came is unknown, but a subscription can be asked for again.
      else if (rule && !this.#requests.has(first)) first.answered(new RefusalError(reason, "internal", true));
    }
    abandon(sent);
    for (const shared of [...this.#shared.values()]) shared.lost();
    this.#events.emit("close", close);
  }

  /** What nobody will answer any more; and nothing is acknowledged. */
  #forgetSent(): readonly Request[] {
    this.#places.clear();
    return take(this.#sent);
  }

  #changed(state: ConnectionState): void {
    if (state.status === "closed") {
      const { kind, reason } = state.close;
      if (kind === "normal") this.#end(closed(), "closed");
      else this.#end(new RefusalError(reason, kind, false), "failed");
    }
    this.#events.emit("state", state);
  }

  #end(error: TopicastError, status: "failed" | "closed"): void {
    abandon(this.#forgetSent());
    for (const { answered } of take(this.#queue)) answered(error);
    for (const shared of [...this.#shared.values()]) shared.fail(error, status);
  }

  #ping(answered?: (reply: Message | TopicastError) => void): void {
    const sent = Date.now();
    this.#send({
      type: PING,
      text: "",
      answered: (reply) => {
        if (!(reply instanceof Error)) this.latency = Date.now() - sent;
        answered?.(reply instanceof Error ? reply : { type: PING });
      },
    });
  }

  #wanted(): [route: string, params: unknown][] {
    return [...this.#shared.values()].filter((shared) => shared.wanted).map(({ route, params }) => [route, params]);
  }

  #isClosed(): NotSentError | undefined {
    return this.state.status === "closed" ? closed() : undefined;
  }

  #report(error: unknown): void {
    if (this.#events.has("error")) this.#events.emit("error", error);
    else console.error(error);
  }
}

/** Everything, which is then no longer there. */
function take<V>(all: { values(): Iterable<V>; clear(): void }): readonly V[] {
  const taken = [...all.values()];
  all.clear();
  return taken;
}

/** What was sent on a connection that is no more. */
function abandon(sent: readonly Request[]): void {
  for (const { type, answered } of sent) {
    answered(new UnknownOutcomeError(`${type}: the connection was lost; whether it was carried out is unknown`, "lost"));
  }
}

function closed(): NotSentError {
  return new NotSentError("the client is closed", "closed");
}
