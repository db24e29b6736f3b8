// Event listeners, called in order and isolated from each other's errors.

/// <reference lib="esnext.disposable" preserve="true" />

/** The key of the method that `using` calls, also on runtimes without `Symbol.dispose`. */
export const DISPOSE: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

/** Removes a listener, or ends something else; calling it again has no effect. */
export type Off = () => void;

/** The lifetime of a listener, a subscription, a request or a client. */
export interface Lifetime {
  /** Ends the lifetime when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/** Listeners by the name of the event. */
export class Events<Map> {
  // Lists are replaced, never mutated, so that listeners can be added and removed during a call.
  // The object has no prototype because servers choose the names of pushes.
  readonly #lists: { [Name in keyof Map]?: readonly ((event: Map[Name], more?: unknown) => unknown)[] } = Object.create(null);
  readonly #held = new Set<Off>();
  readonly #report: (error: unknown) => void;

  /** `report` receives the errors that listeners throw. */
  constructor(report: (error: unknown) => void) {
    this.#report = report;
  }

  on<Name extends keyof Map>(
    name: Name,
    listener: (event: Map[Name], more?: never) => unknown,
    lifetime?: Lifetime,
  ): Off {
    // A new function, so that a listener that was added twice can be removed once.
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

  /** Detaches from the abort signals, which may live much longer than the listeners. */
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

/** The longest delay of a timer; a longer one would fire at once. */
const LONGEST = 2 ** 31 - 1;

/** Starts a timer with any delay, including `Infinity`. */
export function after(delay: number, then: () => void): ReturnType<typeof setTimeout> {
  return setTimeout(then, Math.min(delay, LONGEST));
}

/** Calls `end` once: when the returned function is called, or with the reason when the signal is aborted. */
export function until(signal: AbortSignal | undefined, end: (reason?: unknown) => void): Off {
  const off = (): void => {
    signal?.removeEventListener("abort", off);
    const last = end;
    end = () => {};
    last(signal?.aborted ? signal.reason : undefined);
  };
  signal?.addEventListener("abort", off);
  if (signal?.aborted) off();
  return off;
}
