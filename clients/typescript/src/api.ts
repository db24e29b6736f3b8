// The generated surface brought to life: names with dots become objects in objects.

/// <reference lib="esnext.disposable" preserve="true" />

import { Client, type ClientOptions, type RequestOptions, type Surface } from "./client.js";
import { DISPOSE, type Lifetime, type Off } from "./events.js";
import type { BufferOptions } from "./stream.js";
import type { Subscription } from "./subscription.js";

/** A channel. */
export interface Channel<Params, T, Route extends string = string> {
  /** Subscribes at once; what was left out of `params` gets its default. */
  subscribe(
    ...args: {} extends Params ? [params?: Params, options?: BufferOptions] : [params: Params, options?: BufferOptions]
  ): Subscription<T, Params, Route>;
}

/**
 * An operation. Without a reply it resolves once the server has read the request.
 *
 * Rejects with a `RefusalError` where the server says no, with an `UnknownOutcomeError` where
 * nobody knows whether it was carried out, with a `NotSentError` where it was not.
 */
export type Operation<Payload, Reply> = (
  ...args: undefined extends Payload
    ? [payload?: Payload, options?: RequestOptions]
    : [payload: Payload, options?: RequestOptions]
) => Promise<Reply>;

/** A message that the server sends unasked. */
export interface Push<T> {
  on(listener: (payload: T) => unknown, lifetime?: Lifetime): Off;
}

/** What every generated surface has. */
export interface Connected extends Disposable {
  /** The connection and what belongs to all of it. */
  readonly $client: Client;
}

type Node = { [name: string]: any };

/** Connects; called by the `connect` that is generated. */
export function open<Api extends Connected>(surface: Surface, url: string | URL, options?: ClientOptions): Api {
  const client = new Client(surface, url, options);
  const api: Node = { $client: client, [DISPOSE]: () => client.close() };
  // Shorter names come first: an operation is a function that others may be members of.
  for (const type of Object.keys(surface.operations).sort()) {
    place(api, type, (payload?: unknown, options?: RequestOptions) => client.request(type, payload, options));
  }
  for (const route of Object.keys(surface.channels)) {
    place(api, `${route}.subscribe`, (params?: unknown, options?: BufferOptions) => client.subscribe(route, params, options));
  }
  for (const type of surface.pushes) {
    place(api, `${type}.on`, (listener: (payload: unknown) => unknown, lifetime?: Lifetime) =>
      client.onPush(type, listener, lifetime),
    );
  }
  return api as Api;
}

/** Puts a member with dots where it belongs, into objects that are made where they are not there. */
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

/** Functions have members of their own, `name` for one, which assigning would not replace. */
function define(node: Node, name: string, value: unknown): void {
  Object.defineProperty(node, name, { value, enumerable: true, configurable: true });
}

/** `order-book` is `orderBook`. */
export function camelCase(name: string): string {
  return name.replace(/-+(.?)/g, (_, next: string) => next.toUpperCase());
}
