// Subscriptions kept in a storage that the user gives, so that a reloaded page resumes.

/** A place for texts, as `localStorage` is; it may answer later. */
export interface SubscriptionStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, value: string): unknown;
}

type Entry = [route: string, params: unknown];

export class Saved {
  /** What was kept when this was made. */
  readonly loaded: Promise<Entry[]>;
  readonly #storage: SubscriptionStorage;
  readonly #key: string;
  readonly #report: (error: unknown) => void;
  /** The last write; the next one waits for it, or an older list might end up in its place. */
  #written: Promise<unknown>;
  #next: readonly Entry[] | undefined;

  constructor(storage: SubscriptionStorage, key: string, report: (error: unknown) => void) {
    this.#storage = storage;
    this.#key = key;
    this.#report = report;
    this.#written = this.loaded = this.#load();
  }

  /** Keeps these instead; what changes in one turn is written once. */
  save(entries: readonly Entry[]): void {
    const waits = this.#next;
    this.#next = entries;
    if (waits) return;
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
