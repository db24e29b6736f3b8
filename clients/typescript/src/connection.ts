// The connection: opens it, keeps it alive, and reconnects.

import { type CloseInfo, type CloseKind, kindOf, RULES } from "./close.js";
import { backoff, pingInterval, retryAfter } from "./delay.js";
import { after, type Off } from "./events.js";

/** The part of a WebSocket that the client uses. */
export interface SocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  /** The number of bytes that wait to be written. */
  readonly bufferedAmount?: number;
  /** Adds a listener for events that only the `ws` package has. */
  on?(name: string, listener: (...args: any[]) => void): unknown;
}

/** A class like the browser's `WebSocket`. */
export type SocketClass = new (url: string, protocols?: string | string[]) => SocketLike;

/** Options of the connection. All durations are in milliseconds. */
export interface ConnectionOptions {
  /** The WebSocket class, required on runtimes without one such as Node 20. The `ws` package has one. */
  readonly WebSocket?: SocketClass;
  /** WebSocket subprotocols to offer. */
  readonly protocols?: string | string[];
  /** The token for the server, or a function that returns one and is called before every attempt to connect. */
  readonly token?: string | ((signal: AbortSignal) => string | Promise<string>);
  /** The URL parameter for the token. Default: `access_token`. */
  readonly tokenParameter?: string;
  /** How long an attempt to connect may take. Default: 10,000. */
  readonly connectTimeout?: number;
  /**
   * The delay before reconnecting: random, up to `base` doubled with every failure and at most
   * `cap`. A connection that lasts for `stable` resets it. Delays that the server asks for are
   * added, within bounds. Defaults: 500, 30,000 and 10,000.
   */
  readonly backoff?: { readonly base?: number; readonly cap?: number; readonly stable?: number };
  /**
   * The client sends a `ping` every `interval`, and gives up a connection on which nothing
   * arrives for `timeout` after one. False disables both. Defaults: 10,000 each.
   */
  readonly heartbeat?: false | { readonly interval?: number; readonly timeout?: number };
}

/** The state of the connection. */
export type ConnectionState =
  | { readonly status: "connecting"; readonly attempt: number }
  | { readonly status: "open" }
  /** Disconnected until `retryAt`, in milliseconds since 1970. */
  | { readonly status: "waiting"; readonly attempt: number; readonly retryAt: number; readonly close: CloseInfo }
  /** Closed by `close()`, or because the server refused the token twice in a row. This state is final. */
  | { readonly status: "closed"; readonly close: CloseInfo };

/** The callbacks of a connection. */
export interface ConnectionHandler {
  opened(): void;
  received(data: unknown): void;
  lost(close: CloseInfo): void;
  /** Sends a ping to the server. */
  ping(): void;
  changed(state: ConnectionState): void;
  report(error: unknown): void;
}

const NOTHING = (): void => {};

/** How long a connection must have lasted for its token to count as accepted. */
const ACCEPTED = 60_000;

/** The limit of unwritten bytes, for a server that does not read. */
const MAX_BUFFERED = 2 ** 24;

export class Connection {
  state: ConnectionState = { status: "connecting", attempt: 0 };
  /** The reconnect delay that the server announced before it closes the connection. */
  announcedDelay = 0;
  readonly #url: URL;
  readonly #options: ConnectionOptions;
  readonly #handler: ConnectionHandler;
  readonly #WebSocket: SocketClass;
  readonly #offOnline: Off;
  #socket: SocketLike | undefined;
  /** Aborted when the current attempt or connection ends. */
  #current = new AbortController();
  #attempt = 0;
  #openedAt = Infinity;
  /** Whether the server refused the token of the previous connection. */
  #tokenRefused = false;
  #sentAt = 0;
  #interval: number;
  /** Fires when the attempt times out, the next ping is due, or the next attempt is due. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Fires when nothing arrived within the timeout after a ping. */
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string | URL, options: ConnectionOptions, handler: ConnectionHandler) {
    const found = options.WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
    if (!found) {
      throw new TypeError("this runtime has no WebSocket: pass that of the `ws` package, as in connect(url, { WebSocket })");
    }
    this.#WebSocket = found;
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#options = options;
    this.#handler = handler;
    this.#interval = (options.heartbeat || {}).interval ?? 10_000;
    const online = (): void => this.reconnect();
    globalThis.addEventListener?.("online", online);
    this.#offOnline = () => globalThis.removeEventListener?.("online", online);
    void this.#connect();
  }

  get url(): string {
    return this.#url.href;
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.state.status === "open" && this.#socket !== undefined;
  }

  /** Sends a frame. Must only be called while the connection is open. */
  send(text: string): void {
    this.#sentAt = Date.now();
    this.#socket?.send(text);
  }

  /** Connects now if the client is waiting for the next attempt. */
  reconnect(): void {
    if (this.state.status === "waiting") void this.#connect();
  }

  /** Closes the connection for good. */
  close(kind: CloseKind = "normal", code = 1000, reason = ""): void {
    if (this.state.status === "closed") return;
    this.#offOnline();
    this.#leave();
    this.#change({ status: "closed", close: { kind, code, reason, reconnects: false } });
  }

  async #connect(): Promise<void> {
    this.#leave();
    const current = this.#current;
    const { connectTimeout = 10_000, protocols, token, tokenParameter = "access_token" } = this.#options;
    this.#change({ status: "connecting", attempt: this.#attempt });
    this.#after(connectTimeout, () => this.#lose("unreachable", 1006, `no connection within ${connectTimeout} ms`));
    try {
      const url = new URL(this.#url);
      if (token !== undefined) {
        url.searchParams.set(tokenParameter, typeof token === "string" ? token : await token(current.signal));
      }
      if (!current.signal.aborted) this.#listen(new this.#WebSocket(url.href, protocols));
    } catch (error) {
      if (current.signal.aborted) return;
      this.#handler.report(error);
      this.#lose("unreachable", 1006, error instanceof Error ? error.message : String(error));
    }
  }

  #listen(socket: SocketLike): void {
    this.#socket = socket;
    socket.onerror = ({ error }) => {
      // The `ws` package reports frames that no server may send, such as a close with the code 1006.
      if (/^WS_/.test(error?.code)) this.#lose("protocol", 1002, error.message);
    };
    socket.on?.("unexpected-response", (_, { statusCode: status, headers }) => {
      if (this.#socket !== socket) return;
      const kind = status === 401 ? "unauthenticated" : "unreachable";
      this.#lose(kind, 1006, `HTTP status ${status}`, retryAfter(headers["retry-after"]));
    });
    socket.onopen = () => {
      this.#openedAt = Date.now();
      this.#change({ status: "open" });
      this.#keepAlive();
      this.#handler.opened();
    };
    socket.onmessage = ({ data }) => {
      clearTimeout(this.#silence);
      this.#silence = undefined;
      this.#handler.received(data);
      // Browsers throttle timers in hidden pages, but not messages.
      if (this.#options.heartbeat !== false && Date.now() - this.#sentAt > this.#interval * 1.5) this.#handler.ping();
    };
    socket.onclose = ({ code, reason }) => {
      const opened = this.state.status === "open";
      this.#lose(opened ? kindOf(code, reason) : "unreachable", code, reason);
    };
  }

  #keepAlive(): void {
    const { heartbeat } = this.#options;
    if (heartbeat === false) {
      clearTimeout(this.#timer);
      return;
    }
    const timeout = heartbeat?.timeout ?? 10_000;
    this.#after(this.#interval, () => {
      if ((this.#socket?.bufferedAmount ?? 0) > MAX_BUFFERED) {
        return this.#lose("not_reading", 1006, `more than ${MAX_BUFFERED} bytes are unwritten`);
      }
      this.#handler.ping();
      this.#silence ??= after(timeout, () => this.#lose("silent", 1006, `nothing arrived for ${timeout} ms`));
      this.#keepAlive();
    });
  }

  /** Handles the end of a connection or an attempt; the next attempt starts after `least` plus a backoff. */
  #lose(kind: CloseKind, code: number, reason: string, least = RULES[kind]?.[0] ?? 0): void {
    const { base, cap, stable = 10_000 } = this.#options.backoff ?? {};
    if (kind === "time_limit") this.#interval = pingInterval(reason, this.#interval);
    const lasted = Date.now() - this.#openedAt;
    if (lasted >= stable) this.#attempt = 0;
    if (lasted >= ACCEPTED) this.#tokenRefused = false;
    const unauthenticated = kind === "unauthenticated";
    const close = { kind, code, reason, reconnects: !(unauthenticated && this.#tokenRefused) };
    this.#tokenRefused ||= unauthenticated;
    this.#leave();
    const current = this.#current;
    this.#handler.lost(close);
    if (!close.reconnects) return this.close(kind, code, reason);
    // The callback may have closed the client, or connected.
    if (current.signal.aborted) return;
    // An announced delay starts with the close that follows the announcement.
    const announced = kind === "going_away" ? this.announcedDelay : 0;
    this.announcedDelay = 0;
    const delay = Math.max(least, announced) + backoff(this.#attempt, base, cap);
    this.#attempt += 1;
    this.#after(delay, () => void this.#connect());
    this.#change({ status: "waiting", attempt: this.#attempt, retryAt: Date.now() + delay, close });
  }

  /** Detaches from the current socket, and ignores its further events. */
  #leave(): void {
    this.#current.abort();
    this.#current = new AbortController();
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#silence = undefined;
    this.#openedAt = Infinity;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    // Not null, since some sockets throw errors that have no listener.
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = NOTHING;
    try {
      socket.close(1000);
    } catch {
      // The socket was never open.
    }
  }

  #after(delay: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = after(delay, then);
  }

  #change(state: ConnectionState): void {
    this.state = state;
    this.#handler.changed(state);
  }
}
