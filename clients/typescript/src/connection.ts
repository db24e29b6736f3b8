// One connection at a time, for ever: connecting, keeping alive, losing, connecting again.

import { type CloseInfo, type CloseKind, kindOf, RULES } from "./close.js";
import { backoff, pingInterval, retryAfter } from "./delay.js";
import { after, type Off } from "./events.js";

/** What is used of a WebSocket. */
export interface SocketLike {
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  /** How many bytes wait to be written. */
  readonly bufferedAmount?: number;
  /** Events that the class of the package `ws` has beside. */
  on?(name: string, listener: (...args: any[]) => void): unknown;
}

/** A class like the browser's `WebSocket`. */
export type SocketClass = new (url: string, protocols?: string | string[]) => SocketLike;

/** How the connection is made and kept. All times are in milliseconds. */
export interface ConnectionOptions {
  /** The class to use where the runtime has none, as on Node 20: that of the package `ws`, for example. */
  readonly WebSocket?: SocketClass;
  /** WebSocket subprotocols to offer. */
  readonly protocols?: string | string[];
  /** A token for the server, or what gets one: it is asked before every attempt to connect. */
  readonly token?: string | ((signal: AbortSignal) => string | Promise<string>);
  /** The parameter of the address that holds the token. `access_token`. */
  readonly tokenParameter?: string;
  /** How long an attempt to connect may take. 10,000. */
  readonly connectTimeout?: number;
  /**
   * How long to wait before connecting again: at random up to `base`, doubled with every
   * failure up to `cap`, and `base` again once a connection has lasted for `stable`.
   * 500, 30,000 and 10,000. What the server asks for is added, within bounds.
   */
  readonly backoff?: { readonly base?: number; readonly cap?: number; readonly stable?: number };
  /**
   * A `ping` goes out every `interval`; a connection on which nothing is heard for `timeout`
   * after it is given up. 10,000 each. False turns both off.
   */
  readonly heartbeat?: false | { readonly interval?: number; readonly timeout?: number };
}

/** The state of the connection. */
export type ConnectionState =
  | { readonly status: "connecting"; readonly attempt: number }
  | { readonly status: "open" }
  /** Disconnected until `retryAt`, in milliseconds since 1970. */
  | { readonly status: "waiting"; readonly attempt: number; readonly retryAt: number; readonly close: CloseInfo }
  /** For good: closed by `close()`, or because the server refused the token twice in a row. */
  | { readonly status: "closed"; readonly close: CloseInfo };

/** What the connection tells its owner. */
export interface Owner {
  opened(): void;
  received(data: unknown): void;
  lost(close: CloseInfo): void;
  /** Asks the server for a sign of life. */
  ping(): void;
  changed(state: ConnectionState): void;
  report(error: unknown): void;
}

const NOTHING = (): void => {};

/** How long a connection must have lasted for its token to count as accepted. */
const ACCEPTED = 60_000;

/** How many bytes may wait for a server that does not read. */
const UNREAD = 2 ** 24;

export class Connection {
  state: ConnectionState = { status: "connecting", attempt: 0 };
  /** How long the server wants its clients to stay away once it has gone. */
  away = 0;
  readonly #url: URL;
  readonly #options: ConnectionOptions;
  readonly #owner: Owner;
  readonly #WebSocket: SocketClass;
  readonly #online: Off;
  #socket: SocketLike | undefined;
  /** Ends what belongs to the present attempt or connection. */
  #turn = new AbortController();
  #attempt = 0;
  #openedAt = Infinity;
  /** Whether the server refused the last token. */
  #refused = false;
  #spokeAt = 0;
  #interval: number;
  /** Runs out when the next thing is due: the end of an attempt, a ping, a new attempt. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Runs out when the server has been silent for too long. */
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string | URL, options: ConnectionOptions, owner: Owner) {
    const found = options.WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
    if (!found) {
      throw new TypeError(
        "this runtime has no WebSocket: pass one, as in connect(url, { WebSocket }) with the class of the package " +
          "`ws`; browsers, Bun and Node 22 or later have their own",
      );
    }
    this.#WebSocket = found;
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#options = options;
    this.#owner = owner;
    this.#interval = (options.heartbeat || {}).interval ?? 10_000;
    const online = (): void => this.reconnect();
    globalThis.addEventListener?.("online", online);
    this.#online = () => globalThis.removeEventListener?.("online", online);
    void this.#connect();
  }

  get url(): string {
    return this.#url.href;
  }

  /** Whether something can be sent. */
  get isOpen(): boolean {
    return this.state.status === "open" && this.#socket !== undefined;
  }

  /** Sends a frame; only while open. */
  send(text: string): void {
    this.#spokeAt = Date.now();
    this.#socket?.send(text);
  }

  /** Ends the waiting for the next attempt, if that is what goes on. */
  reconnect(): void {
    if (this.state.status === "waiting") void this.#connect();
  }

  /** Ends everything. */
  close(kind: CloseKind = "normal", code = 1000, reason = ""): void {
    if (this.state.status === "closed") return;
    this.#online();
    this.#leave();
    this.#change({ status: "closed", close: { kind, code, reason, reconnects: false } });
  }

  async #connect(): Promise<void> {
    this.#leave();
    const turn = this.#turn;
    const { connectTimeout = 10_000, protocols, token, tokenParameter = "access_token" } = this.#options;
    this.#change({ status: "connecting", attempt: this.#attempt });
    this.#after(connectTimeout, () => this.#lose("unreachable", 1006, `no connection within ${connectTimeout} ms`));
    try {
      const url = new URL(this.#url);
      if (token !== undefined) {
        url.searchParams.set(tokenParameter, typeof token === "string" ? token : await token(turn.signal));
      }
      if (!turn.signal.aborted) this.#listen(new this.#WebSocket(url.href, protocols));
    } catch (error) {
      if (turn.signal.aborted) return;
      this.#owner.report(error);
      this.#lose("unreachable", 1006, error instanceof Error ? error.message : String(error));
    }
  }

  #listen(socket: SocketLike): void {
    this.#socket = socket;
    socket.onerror = NOTHING;
    socket.on?.("unexpected-response", (_, { statusCode: status, headers }) => {
      if (this.#socket !== socket) return;
      const kind = status === 401 ? "unauthenticated" : "unreachable";
      this.#lose(kind, 1006, `HTTP status ${status}`, retryAfter(headers["retry-after"]));
    });
    socket.onopen = () => {
      this.#openedAt = Date.now();
      this.#change({ status: "open" });
      this.#keepAlive();
      this.#owner.opened();
    };
    socket.onmessage = ({ data }) => {
      clearTimeout(this.#silence);
      this.#silence = undefined;
      this.#owner.received(data);
      // Timers are held back in pages that nobody sees, messages are not.
      if (this.#options.heartbeat !== false && Date.now() - this.#spokeAt > this.#interval * 1.5) this.#owner.ping();
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
      if ((this.#socket?.bufferedAmount ?? 0) > UNREAD) {
        return this.#lose("not_reading", 1006, `more than ${UNREAD} bytes wait to be written`);
      }
      this.#owner.ping();
      this.#silence ??= after(timeout, () => this.#lose("silent", 1006, `nothing heard for ${timeout} ms`));
      this.#keepAlive();
    });
  }

  /** The connection or the attempt has ended; the next one begins after `least` and a backoff. */
  #lose(kind: CloseKind, code: number, reason: string, least = RULES[kind]?.[0] ?? 0): void {
    const { base, cap, stable = 10_000 } = this.#options.backoff ?? {};
    if (kind === "time_limit") this.#interval = pingInterval(reason, this.#interval);
    const lasted = Date.now() - this.#openedAt;
    if (lasted >= stable) this.#attempt = 0;
    if (lasted >= ACCEPTED) this.#refused = false;
    const unauthenticated = kind === "unauthenticated";
    const close = { kind, code, reason, reconnects: !(unauthenticated && this.#refused) };
    this.#refused ||= unauthenticated;
    this.#leave();
    const turn = this.#turn;
    this.#owner.lost(close);
    if (!close.reconnects) return this.close(kind, code, reason);
    // Whoever was told may have closed the client, or asked to connect at once.
    if (turn.signal.aborted) return;
    // What was announced counts from the close that follows it.
    const away = kind === "going_away" ? this.away : 0;
    this.away = 0;
    const delay = Math.max(least, away) + backoff(this.#attempt, base, cap);
    this.#attempt += 1;
    this.#after(delay, () => void this.#connect());
    this.#change({ status: "waiting", attempt: this.#attempt, retryAt: Date.now() + delay, close });
  }

  /** Forgets the present connection: nothing that it still does is heard. */
  #leave(): void {
    this.#turn.abort();
    this.#turn = new AbortController();
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#silence = undefined;
    this.#openedAt = Infinity;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    // Not null: some sockets throw errors that nobody hears.
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = NOTHING;
    try {
      socket.close(1000);
    } catch {
      // It was never open, which is as good as closed.
    }
  }

  #after(delay: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = after(delay, then);
  }

  #change(state: ConnectionState): void {
    this.state = state;
    this.#owner.changed(state);
  }
}
