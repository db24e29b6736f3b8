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
 */
export function subscriptionStore<T>(open: () => Subscription<T, any>): Store<Snapshot<T>> {
  const nothing: Snapshot<T> = { value: undefined, status: "subscribing", stale: false, error: undefined };
  const listeners = new Set<() => void>();
  let subscription: Subscription<T, any> | undefined;
  let snapshot = nothing;
  const read = (): void => {
    if (!subscription) return;
    const { current: value, status, stale, error } = subscription;
    snapshot = { value, status, stale, error };
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
