// The bars of one chart: which are known for certain, and what is to be asked of the server next.

import type { Bar } from "./api.js";

/** What to ask the server for. Times are in milliseconds; `to` is exclusive. */
export interface Request {
  /** `latest`: the newest bars, to begin with. `tail`: all from a bar on. `older`: those before the first. */
  readonly kind: "latest" | "tail" | "older";
  readonly from?: number;
  readonly to?: number;
  readonly count?: number;
  /** Answers that were asked for in another life of the series are not taken. */
  readonly generation: number;
}

/** Of what a request can be in the way: one of each is out at a time, and one that fails does not hold the other up. */
export type Lane = "newest" | "older";

export function laneOf({ kind }: Request): Lane {
  return kind === "older" ? "older" : "newest";
}

/** How many bars one request gets at the beginning and when going back. */
export const PAGE = 500;

/** How many of the newest bars are asked for again whenever a bar begins: trades are rarely later. */
export const REVISED = 3;

/** How many bars are kept. */
export const MOST = 20_000;

/**
 * Joins history and live bars, without I/O: the owner passes events in and carries out
 * {@link next}.
 *
 * `bars` has no hole and no bar that the server never had. So while live bars may be missing (before
 * the first history, after a gap) live bars are held back until an answer, asked for after that,
 * has closed the hole. A reconnect after which the server recovers the subscription leaves no gap. Of two states of one bar the one with the larger
 * volume is newer: both come from one store, where volume only grows. That store dies with its server:
 * after a restart nothing is joined with what was before.
 *
 * The live channel never goes back to a bar it has left, so the last few are asked for again
 * whenever a bar begins, and now and then. Of bars that began while disconnected only the latter
 * is true: when a server returns, its pages would all ask at once. Trades may be as late as they like, so from time to time
 * everything is.
 */
export class Series {
  #bars: Bar[] = [];
  /** Live bars held back; undefined while `bars` is up to date. */
  #held: Bar[] | undefined = [];
  #connected = false;
  /** Whether the server may be sending what was missed while disconnected, until the next refresh. */
  #returning = false;
  /** Whether the bars are of a server that is no more. */
  #foreign = false;
  #exhausted = false;
  /** The bar from which on there may be changes that the live channel lacks; undefined before any history. */
  #settled: number | undefined;
  /** Whether the newest bars are to be asked for: nothing is known yet. */
  #due = true;
  /** Whether the next request is for everything from the first bar on. */
  #dueWhole = false;
  /** Whether something was missed since the last request went out. */
  #missed = false;
  #generation = 0;
  #asked: Request | undefined;
  #older: Request | undefined;
  #wantsOlder = false;
  #changed = Infinity;
  #news = 0;

  /** What is to be shown, in order. */
  get bars(): readonly Bar[] {
    return this.#bars;
  }

  /** Whether `bars` includes everything that the server has published. */
  get isCurrent(): boolean {
    return this.#connected && this.#held === undefined;
  }

  /** Whether there may be bars before the first. */
  get hasOlder(): boolean {
    return this.#bars.length > 0 && this.#bars.length < MOST && !this.#exhausted && !this.#foreign;
  }

  /** The time of the first bar that has changed since this was last asked; -Infinity where all may have. */
  takeChange(): number {
    const changed = this.#changed;
    this.#changed = Infinity;
    return changed;
  }

  /** Grows whenever there is something new: a bar, or another state of one. Older bars are not new. */
  get news(): number {
    return this.#news;
  }

  /** The server says yes to the subscription: live bars come from now on, and continue those of before unless {@link missed} follows. */
  connected(): void {
    this.#connected = true;
  }

  /**
   * No live bars come any more. What has been asked may be answered by another server, so it is
   * forgotten, and asked for again only where a hole is open.
   */
  disconnected(): void {
    this.#returning ||= this.#connected;
    this.#connected = false;
    this.#forget();
    this.#due = this.#held !== undefined;
    this.#dueWhole = false;
  }

  /** Live bars are missing: the server skipped them, or could not recover the subscription. */
  missed(): void {
    this.#held ??= [];
    this.#missed = true;
    this.#due = true;
    this.#returning = false;
  }

  /** Another server answers from now on, with other bars. */
  restarted(): void {
    this.#forget();
    this.#held = [];
    this.#foreign = true;
    this.#settled = undefined;
    this.missed();
  }

  /** A live bar. */
  take(bar: Bar): void {
    const bars = this.#held ?? this.#bars;
    const last = bars.at(-1);
    if (!this.#returning && (!last || bar.time > last.time)) this.#due = true;
    if (this.#held) merge(this.#held, [bar]);
    else this.#merge(since(this.#bars, [bar]));
  }

  /** A late trade may have revised a bar, of the last ones or of all: they are to be asked for again. */
  refresh(which: "last" | "all" = "last"): void {
    this.#due = true;
    this.#returning = false;
    if (which === "all") this.#dueWhole = true;
  }

  /** The bars before the first are to be shown. */
  wantOlder(): void {
    if (this.hasOlder) this.#wantsOlder = true;
  }

  /** Takes what is to be asked now, if anything is; it then counts as asked until it is answered or failed. */
  next(isOpen: (lane: Lane) => boolean = () => true): Request | undefined {
    if (!this.#connected) return undefined;
    const generation = this.#generation;
    if (this.#due && !this.#asked && isOpen("newest")) {
      this.#due = false;
      this.#missed = false;
      this.#asked =
        this.#settled === undefined
          ? { kind: "latest", count: PAGE, generation }
          : { kind: "tail", from: this.#dueWhole ? this.#begin : this.#settled, generation };
      this.#dueWhole = false;
      return this.#asked;
    }
    const [first] = this.#bars;
    if (this.#wantsOlder && !this.#older && first && this.hasOlder && isOpen("older")) {
      this.#wantsOlder = false;
      this.#older = { kind: "older", to: first.time, count: PAGE, generation };
      return this.#older;
    }
    return undefined;
  }

  /** The answer to a request, in order of time; of no use if the request was forgotten. */
  answered(request: Request, bars: readonly Bar[]): void {
    if (request.generation !== this.#generation) return;
    if (request.kind === "older") this.#prepend(request, bars);
    else this.#append(request, bars);
  }

  /** A request has no answer; it is made again. Returns false if it was forgotten, so it is not made again. */
  failed(request: Request): boolean {
    if (request.generation !== this.#generation) return false;
    if (request.kind === "older") {
      this.#older = undefined;
      this.#wantsOlder = true;
    } else {
      this.#asked = undefined;
      this.#due = true;
      if (request.from !== this.#settled) this.#dueWhole = true;
    }
    return true;
  }

  /** From where on nothing is left out of what is shown. */
  get #begin(): number {
    const settled = this.#settled ?? 0;
    return Math.min(settled, this.#bars[0]?.time ?? settled);
  }

  #append(request: Request, bars: readonly Bar[]): void {
    this.#asked = undefined;
    // A server that has let go of the bar to continue from may have let go of others after it.
    const torn = this.#settled && !bars.some(({ time }) => time === this.#settled);
    if (this.#foreign) this.#replace(bars);
    else if (torn) this.#replace(bars, this.#bars);
    else this.#merge(bars);
    this.#foreign = false;
    if (request.kind === "latest") this.#exhausted = bars.length < PAGE;
    // The last bars at the time of the answer, not the last ones known by now.
    // Without any, all that will be there.
    this.#settled = bars[Math.max(0, bars.length - REVISED)]?.time ?? 0;
    if (!this.#held || this.#missed) return;
    this.#merge(since(bars, this.#held));
    this.#held = undefined;
  }

  #prepend(request: Request, bars: readonly Bar[]): void {
    this.#older = undefined;
    if (this.#bars[0]?.time !== request.to) return;
    this.#exhausted = bars.length < PAGE;
    if (!bars.length) return;
    this.#bars.unshift(...bars);
    this.#changed = -Infinity;
  }

  #merge(bars: readonly Bar[]): void {
    const changed = merge(this.#bars, bars);
    if (changed === Infinity) return;
    this.#changed = Math.min(this.#changed, changed);
    this.#news += 1;
    if (this.#bars.length > MOST) this.#trim();
  }

  /** Restarts with these bars, merged with the others. */
  #replace(bars: readonly Bar[], others: readonly Bar[] = []): void {
    this.#bars = [...bars];
    merge(this.#bars, since(bars, others));
    this.#exhausted = false;
    this.#changed = -Infinity;
    this.#news += 1;
  }

  #trim(): void {
    // A quarter at a time, so that it is rare.
    this.#bars.splice(0, MOST / 4);
    this.#exhausted = false;
    this.#changed = -Infinity;
  }

  #forget(): void {
    this.#generation += 1;
    this.#asked = undefined;
    this.#older = undefined;
    this.#wantsOlder = false;
  }
}

/** Those of the others that can be joined with bars: between their first and one before it may be a hole. */
function since(bars: readonly Bar[], others: readonly Bar[]): readonly Bar[] {
  const begin = bars[0]?.time ?? -Infinity;
  return others.filter((bar) => bar.time >= begin);
}

/** Merges bars into others, both in order of time; answers the first time at which something changed. */
function merge(into: Bar[], bars: readonly Bar[]): number {
  let changed = Infinity;
  let at = into.length;
  // Back to where the first one belongs, and from there on with them: an answer may have thousands.
  const begin = bars[0]?.time ?? Infinity;
  while (at > 0 && (into[at - 1] as Bar).time > begin) at -= 1;
  for (const bar of bars) {
    while (at < into.length && (into[at] as Bar).time <= bar.time) at += 1;
    const known = into[at - 1];
    if (known?.time !== bar.time) into.splice(at, 0, bar);
    else if (bar.volume > known.volume) into[at - 1] = bar;
    else continue;
    changed = Math.min(changed, bar.time);
  }
  return changed;
}
