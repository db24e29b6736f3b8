// Subscriptions and the connection in the shape that React's `useSyncExternalStore` takes.

import type { Client } from "./client.js";
import type { ConnectionState } from "./connection.js";
import type { TopicastError } from "./errors.js";
import type { Status, Subscription } from "./subscription.js";

/** What `useSyncExternalStore(store.subscribe, store.getSnapshot, store.getServerSnapshot)` takes. */
export interface Store<T> {
  readonly subscribe: (onChange: () => void) => () => void;
  readonly getSnapshot: () => T;
  readonly getServerSnapshot: () => T;
}

/** A subscription at one moment; the same object until something changes. */
export interface Snapshot<T> {
  readonly value: T | undefined;
  readonly status: Status;
  /** Whether newer values may exist. */
  readonly stale: boolean;
  readonly error: TopicastError | undefined;
}

/**
 * A store that is subscribed for as long as a component is: make it once, with `useMemo`.
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
      // A function of its own, so that one which is given twice is told twice.
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

/** The state of the connection as a store. */
export function connectionStore({ $client: client }: { readonly $client: Client }): Store<ConnectionState> {
  return {
    subscribe: (onChange) => client.on("state", onChange),
    getSnapshot: () => client.state,
    getServerSnapshot: () => client.state,
  };
}
