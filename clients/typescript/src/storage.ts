// Saves subscriptions in the user's storage, so that a reloaded page can restore them.

import type { SubscribeOptions } from "./kind.js";

/** A storage for texts like `localStorage`; the methods may return promises. */
export interface SubscriptionStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, value: string): unknown;
}

/** A request, and its options if there are any. */
export type Entry = [route: string, params: unknown, options?: SubscribeOptions];

export class Persistence {
  /** The subscriptions that the storage held at the start. */
  readonly loaded: Promise<Entry[]>;
  readonly #storage: SubscriptionStorage;
  readonly #key: string;
  readonly #report: (error: unknown) => void;
  /** The last write. The next one waits for it, so that an older list cannot replace a newer one. */
  #written: Promise<unknown>;
  #next: readonly Entry[] | undefined;

  constructor(storage: SubscriptionStorage, key: string, report: (error: unknown) => void) {
    this.#storage = storage;
    this.#key = key;
    this.#report = report;
    this.#written = this.loaded = this.#load();
  }

  /** Saves these subscriptions in place of the previous ones; calls in the same turn share one write. */
  save(entries: readonly Entry[]): void {
    const isScheduled = this.#next;
    this.#next = entries;
    if (isScheduled) return;
    this.#written = this.#written
      .then(() => {
        const text = JSON.stringify(this.#next);
        this.#next = undefined;
        return this.#storage.setItem(this.#key, text);
      })
      .catch(this.#report);
  }

  async #load(): Promise<Entry[]> {
    try {
      const text = await this.#storage.getItem(this.#key);
      const entries: unknown = text ? JSON.parse(text) : [];
      if (!Array.isArray(entries)) return [];
      return entries.filter((entry): entry is Entry => Array.isArray(entry) && typeof entry[0] === "string");
    } catch (error) {
      this.#report(error);
      return [];
    }
  }
}
