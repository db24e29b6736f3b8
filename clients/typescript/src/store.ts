// Subscriptions and the connection as stores for React's `useSyncExternalStore`.

import type { Client } from "./client.js";
import type { ConnectionState } from "./connection.js";
import type { TopicastError } from "./errors.js";
import type { Status } from "./item.js";
import type { Subscription } from "./subscription.js";

/** The arguments of `useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot)`. */
export interface Store<T> {
  readonly subscribe: (onChange: () => void) => () => void;
  readonly getSnapshot: () => T;
  readonly getServerSnapshot: () => T;
}

/** The state of a subscription; the same object until something changes. */
export interface Snapshot<T> {
  /** The latest value, or the rows of a table; the same object until they change, as is their `list`. */
  readonly value: T | undefined;
  readonly status: Status;
  /** True if the value may be out of date. */
  readonly stale: boolean;
  readonly error: TopicastError | undefined;
}

/**
 * Creates a store that is subscribed while components use it. Create it once, with `useMemo`.
 *
 *     const bars = useMemo(() => subscriptionStore(() => api.bars.subscribe({ symbol })), [symbol]);
 *     const { value, status } = useSyncExternalStore(bars.subscribe, bars.getSnapshot, bars.getServerSnapshot);
 *
 * Channels of every kind have stores. The value of a table is its rows, so components use
 * `value?.list` and `value?.get(key)`; a row is the same object until it changes.
 */
export function subscriptionStore<Current>(open: () => Subscription<any, any, any, Current>): Store<Snapshot<Current>> {
  const nothing: Snapshot<Current> = { value: undefined, status: "subscribing", stale: false, error: undefined };
  const listeners = new Set<() => void>();
  let subscription: Subscription<any, any, any, Current> | undefined;
  let snapshot = nothing;
  const read = (): void => {
    if (!subscription) return;
    const { current: value, status, stale, error } = subscription;
    const next = { value, status, stale, error };
    if (Object.keys(next).every((name) => Object.is(next[name as keyof typeof next], snapshot[name as keyof typeof next]))) return;
    snapshot = next;
    for (const listener of [...listeners]) listener();
  };
  return {
    subscribe(onChange) {
      // A new function, so that a callback that is passed twice is called twice.
      const listener = (): void => onChange();
      listeners.add(listener);
      if (!subscription) {
        subscription = open();
        subscription.on(read);
        for (const name of ["gap", "status", "refusal"] as const) subscription.on(name, read);
        read();
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size || !subscription) return;
        const last = subscription;
        subscription = undefined;
        snapshot = { ...snapshot, status: "closed" };
        last.close();
      };
    },
    getSnapshot: () => snapshot,
    getServerSnapshot: () => nothing,
  };
}

/** Creates a store of the connection's state. */
export function connectionStore({ $client: client }: { readonly $client: Client }): Store<ConnectionState> {
  return {
    subscribe: (onChange) => client.on("state", onChange),
    getSnapshot: () => client.state,
    getServerSnapshot: () => client.state,
  };
}
