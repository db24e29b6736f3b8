// Builds the generated API: names with dots become nested objects.

/// <reference lib="esnext.disposable" preserve="true" />

import { Client, type ClientOptions, type Surface } from "./client.js";
import { DISPOSE, type Lifetime, type Off } from "./events.js";
import type { HistoryOptions, RateOptions, SubscribeOptions } from "./kind.js";
import type { RequestOptions } from "./requests.js";
import type { Rows } from "./rows.js";
import type { BufferOptions } from "./stream.js";
import type { Subscription } from "./subscription.js";
import type { TableChange } from "./table.js";

/** A channel of events. Those of the other kinds have other options and other values. */
export interface Channel<Params, T, Route extends string = string, Options = BufferOptions, Current = T> {
  /** Subscribes to a topic; omitted members of `params` get their defaults. */
  subscribe(
    ...args: {} extends Params ? [params?: Params, options?: Options] : [params: Params, options?: Options]
  ): Subscription<T, Params, Route, Current>;
}

/** A channel of events whose subscriptions can start with past ones. */
export type HistoryChannel<Params, T, Route extends string = string> = Channel<Params, T, Route, HistoryOptions>;

/** A channel of a current value. */
export type LatestChannel<Params, T, Route extends string = string> = Channel<Params, T, Route, RateOptions>;

/** A channel of rows with keys. */
export type TableChannel<Params, Row, Key, Route extends string = string> = Channel<
  Params,
  TableChange<Row, Key>,
  Route,
  RateOptions,
  Rows<Row, Key>
>;

/** A subscription to rows with keys. */
export type TableSubscription<Row, Key, Params = unknown, Route extends string = string> = Subscription<
  TableChange<Row, Key>,
  Params,
  Route,
  Rows<Row, Key>
>;

/**
 * An operation. One without a reply resolves once the server has read the request.
 *
 * Rejects with a `RefusalError` if the server refuses, with an `UnknownOutcomeError` if it is
 * unknown whether the request was carried out, and with a `NotSentError` if it was not sent.
 */
export type Operation<Payload, Reply> = (
  ...args: undefined extends Payload
    ? [payload?: Payload, options?: RequestOptions]
    : [payload: Payload, options?: RequestOptions]
) => Promise<Reply>;

/** A message that the server sends on its own initiative. */
export interface Push<T> {
  on(listener: (payload: T) => unknown, lifetime?: Lifetime): Off;
}

/** The base of every generated API. */
export interface Connected extends Disposable {
  /** The client, with its connection, its events and its other subscriptions. */
  readonly $client: Client;
}

type Node = { [name: string]: any };

/** Connects. The generated `connect` calls this. */
export function open<Api extends Connected>(surface: Surface, url: string | URL, options?: ClientOptions): Api {
  const client = new Client(surface, url, options);
  const api: Node = { $client: client, [DISPOSE]: () => client.close() };
  // Shorter names come first, since an operation is a function that others may be members of.
  for (const type of Object.keys(surface.operations).sort()) {
    place(api, type, (payload?: unknown, options?: RequestOptions) => client.request(type, payload, options));
  }
  for (const route of Object.keys(surface.channels)) {
    place(api, `${route}.subscribe`, (params?: unknown, options?: SubscribeOptions) => client.subscribe(route, params, options));
  }
  for (const type of surface.pushes) {
    place(api, `${type}.on`, (listener: (payload: unknown) => unknown, lifetime?: Lifetime) =>
      client.onPush(type, listener, lifetime),
    );
  }
  return api as Api;
}

/** Defines a member at its path, and creates the objects on the way. */
function place(node: Node, type: string, value: unknown): void {
  const path = type.split(".").map(camelCase);
  const name = path.pop() as string;
  for (const part of path) {
    const found: unknown = Object.hasOwn(node, part) ? node[part] : undefined;
    if (typeof found !== "object" && typeof found !== "function") define(node, part, {});
    node = node[part] as Node;
  }
  define(node, name, value);
}

/** Defines a member. An assignment cannot replace the read-only members of functions, such as `name`. */
function define(node: Node, name: string, value: unknown): void {
  Object.defineProperty(node, name, { value, enumerable: true, configurable: true });
}

/** Converts a name such as `order-book` to `orderBook`. */
export function camelCase(name: string): string {
  return name.replace(/-+(.?)/g, (_, next: string) => next.toUpperCase());
}
