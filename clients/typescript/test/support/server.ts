// A server in memory that speaks the contract, with sockets that tests cut, delay and fill.

import { topic as topicOf } from "../../src/topic.js";

/** What a client sent. */
export interface Sent {
  readonly type: string;
  readonly id?: number;
  readonly payload?: any;
  readonly recover?: { readonly epoch: string; readonly seq: number };
  readonly rewind?: number;
  readonly max_rate?: number;
}

interface Topic {
  epoch: string;
  seq: number;
}

/** Numbers that two bars never share. */
export interface Bar {
  readonly time: number;
  readonly close: number;
}

export class Server {
  /** Every connection that was ever tried, the newest last. */
  readonly sockets: Socket[] = [];
  readonly topics = new Map<string, Topic>();
  /** Whether connections are accepted. */
  up = true;
  /** How long a message takes each way. */
  delay = (): number => 0;
  /** Whether faults close the connection with 1003, as under `compat::fastws()`. */
  fastws = false;
  /** Answers instead of the server: a reply's payload, `"silence"`, or undefined for the server's own. */
  answer: (message: Sent, socket: Socket) => unknown = () => undefined;
  /** What channels begin with. */
  snapshot: (topic: string) => unknown = () => undefined;
  /** Called with every message that reaches the client, before the client handles it. */
  arrives: (text: unknown) => void = () => {};
  #epochs = 0;

  /** A class to give to the client. */
  get WebSocket(): new (url: string, protocols?: string | string[]) => Socket {
    const server = this;
    return class extends Socket {
      constructor(url: string, protocols?: string | string[]) {
        super(server, url, protocols);
      }
    };
  }

  get socket(): Socket {
    return this.sockets.at(-1)!;
  }

  get open(): Socket[] {
    return this.sockets.filter((socket) => socket.readyState === 1);
  }

  /** Publishes to a topic, in order, to all subscribers. */
  publish(topic: string, payload: unknown, skip = 0): void {
    const state = this.topic(topic);
    state.seq += 1 + skip;
    const route = topic.slice(0, topic.indexOf(":"));
    const message = { type: `${route}.update`, topic, seq: state.seq, ...(skip && { skipped: skip }), payload };
    for (const socket of this.open) if (socket.subscriptions.has(topic)) socket.deliver(message);
  }

  topic(name: string): Topic {
    let topic = this.topics.get(name);
    if (!topic) this.topics.set(name, (topic = { epoch: `e${++this.#epochs}`, seq: 0 }));
    return topic;
  }

  /** As a server that was started again: no connection, no numbering. */
  restart(): void {
    for (const socket of this.sockets) socket.cut();
    this.topics.clear();
  }

  handle(socket: Socket, text: string): void {
    const message = JSON.parse(text) as Sent;
    const { type, id, payload } = message;
    const own = this.answer(message, socket);
    if (own === "silence") return;
    if (own !== undefined) return socket.deliver({ type: `${type}.response`, id, payload: own });
    if (type === "ping") return socket.deliver({ type: "ping.response", id, payload: { time: Date.now() } });
    const [, route, verb] = /^(.+)\.(.+)$/.exec(type) ?? [];
    if (route === undefined || (verb !== "subscribe" && verb !== "unsubscribe")) {
      return this.fault(socket, id, "No matching type");
    }
    const topic = topicOf(route, payload);
    const ok = { status: "ok", message: verb, topic };
    if (verb === "unsubscribe") {
      socket.subscriptions.delete(topic);
      return socket.deliver({ type: `${type}.response`, id, payload: ok });
    }
    const { epoch, seq } = this.topic(topic);
    socket.deliver({ type: `${type}.response`, id, epoch, seq, payload: ok });
    if (socket.subscriptions.has(topic)) return;
    socket.subscriptions.add(topic);
    const snapshot = this.snapshot(topic);
    if (snapshot !== undefined) socket.deliver({ type: `${route}.snapshot`, topic, seq, payload: snapshot });
  }

  fault(socket: Socket, id: number | undefined, reason = "Could not validate payload"): void {
    if (this.fastws) return socket.end(1003, reason);
    socket.deliver({ type: "error", id, payload: { status: "error", code: "invalid", message: reason, retryable: false } });
  }
}

/** One connection. Messages travel for as long as the server's `delay` says, in order. */
export class Socket {
  onopen: ((event: any) => void) | null = null;
  onmessage: ((event: any) => void) | null = null;
  onclose: ((event: any) => void) | null = null;
  onerror: ((event: any) => void) | null = null;
  /** As the browser's: 0 connecting, 1 open, 2 closing, 3 closed. */
  readyState = 0;
  /** What the server has not read. */
  bufferedAmount = 0;
  readonly received: Sent[] = [];
  readonly subscriptions = new Set<string>();
  /** Nothing arrives any more, in either direction, and neither side is notified. */
  halfOpen = false;
  /** When the last message arrives, so that none overtakes another. */
  #up = 0;
  #down = 0;
  readonly #listeners = new Map<string, (...args: any[]) => void>();

  constructor(
    readonly server: Server,
    readonly url: string,
    readonly protocols?: string | string[],
  ) {
    server.sockets.push(this);
    setTimeout(() => {
      if (this.readyState !== 0 || this.halfOpen) return;
      if (!server.up) return this.#closed(1006, "");
      this.readyState = 1;
      this.onopen?.({});
    }, server.delay());
  }

  send(text: string): void {
    if (this.readyState === 0) throw new Error("InvalidStateError");
    this.#up = Math.max(this.#up, Date.now() + this.server.delay());
    setTimeout(() => {
      if (this.readyState !== 1 || this.halfOpen) return;
      this.received.push(JSON.parse(text) as Sent);
      this.server.handle(this, text);
    }, this.#up - Date.now());
  }

  /** Listens to what sockets of the package `ws` have beside. */
  on(name: string, listener: (...args: any[]) => void): void {
    this.#listeners.set(name, listener);
  }

  /** Answers the handshake with an HTTP status, as the `ws` package reports it. */
  refuse(statusCode: number, headers: { readonly [name: string]: string }): void {
    this.#listeners.get("unexpected-response")?.({}, { statusCode, headers });
  }

  close(): void {
    this.readyState = 3;
  }

  deliver(message: object): void {
    this.raw(JSON.stringify(message));
  }

  raw(text: unknown): void {
    this.#later(() => {
      this.server.arrives(text);
      this.onmessage?.({ data: text });
    });
  }

  /** The server closes with a code; what it sent before arrives before. */
  end(code: number, reason = ""): void {
    this.#later(() => this.#closed(code, reason));
    this.subscriptions.clear();
  }

  /** The connection breaks: what is on its way is lost. */
  cut(): void {
    if (this.readyState < 2) this.#closed(1006, "");
  }

  #later(then: () => void): void {
    this.#down = Math.max(this.#down, Date.now() + this.server.delay());
    setTimeout(() => {
      if (this.readyState === 1 && !this.halfOpen) then();
    }, this.#down - Date.now());
  }

  #closed(code: number, reason: string): void {
    this.readyState = 3;
    this.subscriptions.clear();
    this.onclose?.({ code, reason });
  }
}
