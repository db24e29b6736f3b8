// Listeners: who hears what, in order, where none can harm another.

/// <reference lib="esnext.disposable" preserve="true" />

/** What `using` calls, also where the runtime does not know it yet. */
export const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

/** Takes a listener or anything else away again. */
export type Off = () => void;

/** How long something lasts. */
export interface Lifetime {
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** Lists of listeners by the name of the event. */
export class Events<Map> {
  // Lists are replaced, never changed, so that one can be walked while listeners come and go.
  // Without a prototype, for a server may name its messages as it likes.
  readonly #lists: { [Name in keyof Map]?: readonly ((event: Map[Name], more?: unknown) => unknown)[] } = Object.create(null);
  readonly #held = new Set<Off>();
  readonly #report: (error: unknown) => void;

  /** `report` is told what listeners throw. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  on<Name extends keyof Map>(
    name: Name,
    listener: (event: Map[Name], more?: never) => unknown,
    lifetime?: Lifetime,
  ): Off {
    // A function of its own, so that a listener which was added twice is taken away once.
    const entry = (event: Map[Name], more?: unknown): unknown => listener(event, more as never);
    this.#lists[name] = [...(this.#lists[name] ?? []), entry];
    const signal = lifetime?.signal;
    const release = (): void => signal?.removeEventListener("abort", off);
    const off = (): void => {
      release();
      this.#held.delete(release);
      this.#lists[name] = this.#lists[name]?.filter((other) => other !== entry);
    };
    signal?.addEventListener("abort", off);
    if (signal?.aborted) off();
    else if (signal) this.#held.add(release);
    return off;
  }

  /** Lets go of the signals: they may outlive what is told here by far. */
  release(): void {
    for (const release of this.#held) release();
    this.#held.clear();
  }

  has(name: keyof Map): boolean {
    return !!this.#lists[name]?.length;
  }

  emit<Name extends keyof Map>(name: Name, event: Map[Name], more?: unknown): void {
    for (const listener of this.#lists[name] ?? []) {
      try {
        const result = listener(event, more);
        if (result instanceof Promise) result.catch(this.#report);
      } catch (error) {
        this.#report(error);
      }
    }
  }
}

/** What timers can hold: they take a longer time for none at all. */
const LONGEST = 2 ** 31 - 1;

/** A timer that may be set to any time, `Infinity` included. */
export function after(delay: number, then: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(then, Math.min(delay, LONGEST));
}

/** Has `end` called once: by the function returned, or by the signal. */
export function until(signal: AbortSignal | undefined, end: () => void): Off {
  const off = (): void => {
    signal?.removeEventListener("abort", off);
    const last = end;
    end = () => {};
    last();
  };
  signal?.addEventListener("abort", off);
  if (signal?.aborted) off();
  return off;
}
