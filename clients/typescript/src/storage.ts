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
  #writing: Promise<unknown> | undefined;
  #next: readonly Entry[] = [];

  constructor(storage: SubscriptionStorage, key: string, report: (error: unknown) => void) {
    this.#storage = storage;
    this.#key = key;
    this.#report = report;
    this.loaded = this.#load();
  }

  /** Keeps these instead; what changes in one turn is written once. */
  save(entries: readonly Entry[]): void {
    this.#next = entries;
    this.#writing ??= this.loaded
      .then(() => {
        this.#writing = undefined;
        return this.#storage.setItem(this.#key, JSON.stringify(this.#next));
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
