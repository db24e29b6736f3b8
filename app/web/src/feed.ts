// Feeds a series: subscribes first, then fetches history, and again whenever something may be missing.

import type { Subscription } from "topicast";

import type { Api, Bar, Bars, Resolution } from "./api.js";
import { type Lane, laneOf, PAGE, type Request, Series } from "./series.js";

/**
 * `loading`: bars are on their way, or some are missing and asked for. `live`: nothing is missing; `empty`:
 * neither, but there are no bars. `stale`: the connection is lost. `retrying`: the server refused, or its newest
 * history failed, and it is tried again. `failed`: the server refused for good.
 */
export type FeedStatus = "loading" | "live" | "empty" | "stale" | "retrying" | "failed";

/** Gets what a series asks for. */
export type FetchBars = (
  symbol: string,
  resolution: Resolution,
  request: Request,
  signal: AbortSignal,
) => Promise<readonly Bar[]>;

export interface FeedEvents {
  /** The series or the status may have changed. */
  changed(): void;
  /** A live bar came. */
  heard(): void;
}

/** How often the last bars are asked for again, in milliseconds. */
const REFRESH = 15_000;

/** Every how many times all that is loaded is asked for, at most; less often where that is more than as many pages. */
const OFTEN = 4;

/** The shortest time between two requests, and the longest after failures, in milliseconds. */
const PAUSE = 250;
const LONGEST = 10_000;

/** How one kind of request fares. */
interface Attempts {
  failures: number;
  failure: string;
  /** Runs while none may go out. */
  pause: ReturnType<typeof setTimeout> | undefined;
}

export class Feed {
  readonly series = new Series();
  /** When something new was last told, in milliseconds; undefined before that. */
  updated: number | undefined;
  /** Changes when the server restarts; undefined until a bar tells it. */
  epoch: string | undefined;
  readonly #subscription: Subscription<Bar, Bars>;
  readonly #fetch: FetchBars;
  readonly #events: FeedEvents;
  readonly #end = new AbortController();
  readonly #refresh: ReturnType<typeof setInterval>;
  readonly #attempts: Readonly<Record<Lane, Attempts>> = { newest: untried(), older: untried() };
  #news = 0;
  #pumping = false;
  /** How often the last bars were asked for since everything was. */
  #sinceAll = 0;

  /** Begins at once. */
  constructor(
    api: Pick<Api, "bars">,
    fetch: FetchBars,
    readonly symbol: string,
    readonly resolution: Resolution,
    events: FeedEvents,
  ) {
    this.#fetch = fetch;
    this.#events = events;
    this.#subscription = api.bars.subscribe({ symbol, resolution });
    this.#subscription.on((bar, { epoch }) => {
      this.epoch = epoch;
      this.series.take(bar);
      events.heard();
      this.#update();
    });
    this.#subscription.on("gap", ({ reason }) => {
      if (reason === "epoch") this.series.restarted();
      else this.series.missed();
      this.#update();
    });
    this.#subscription.on("status", () => this.#turn());
    this.#refresh = setInterval(() => {
      this.#sinceAll += 1;
      const isAll = this.#sinceAll >= Math.max(OFTEN, this.series.bars.length / PAGE);
      if (isAll) this.#sinceAll = 0;
      this.series.refresh(isAll ? "all" : "last");
      this.#update();
    }, REFRESH);
    this.#turn();
  }

  get status(): FeedStatus {
    switch (this.#subscription.status) {
      case "failed":
      case "closed":
        return "failed";
      case "retrying":
        return "retrying";
      case "reconnecting":
        return "stale";
      case "subscribing":
        return "loading";
      case "live":
        if (this.#attempts.newest.failures > 0) return "retrying";
        if (!this.series.isCurrent) return "loading";
        return this.series.bars.length ? "live" : "empty";
    }
  }

  /** What fails; empty where nothing does. Older bars may fail while the newest are live. */
  get message(): string {
    const { error, status } = this.#subscription;
    if (error && (status === "retrying" || status === "failed")) return `The server refuses: ${error.message}`;
    const { newest, older } = this.#attempts;
    if (newest.failures > 0) return `No history: ${newest.failure}`;
    return older.failures > 0 ? `No older bars: ${older.failure}` : "";
  }

  /** Whether history is being tried again, which {@link retry} can hasten. */
  get isFailing(): boolean {
    return this.#lanes.some(({ failures }) => failures > 0) && this.#subscription.status === "live";
  }

  /** Loads the bars before the first, if there are any. */
  wantOlder(): void {
    this.series.wantOlder();
    this.#update();
  }

  /** Does not wait any longer after failures. */
  retry(): void {
    this.#resume();
    this.#update();
  }

  close(): void {
    clearInterval(this.#refresh);
    this.#resume();
    this.#subscription.close();
    this.#end.abort();
  }

  #turn(): void {
    if (this.#subscription.status === "live") {
      this.series.connected();
      this.#resume();
    } else {
      // Nobody asks for older bars any more, so none fail.
      this.#attempts.older.failures = 0;
      this.series.disconnected();
    }
    this.#update();
  }

  #update(): void {
    if (this.series.news !== this.#news) this.updated = Date.now();
    this.#news = this.series.news;
    this.#events.changed();
    if (this.#pumping) return;
    this.#pumping = true;
    // Whatever else the same message has to tell is told first: after `live` comes the gap.
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#end.signal.aborted) return;
    const next = (): Request | undefined => this.series.next((lane) => this.#attempts[lane].pause === undefined);
    for (let request = next(); request; request = next()) void this.#carryOut(request);
  }

  async #carryOut(request: Request): Promise<void> {
    const attempts = this.#attempts[laneOf(request)];
    try {
      const bars = await this.#fetch(this.symbol, this.resolution, request, this.#end.signal);
      this.series.answered(request, bars);
      attempts.failures = 0;
    } catch (error) {
      if (this.#end.signal.aborted) return;
      this.series.failed(request);
      attempts.failure = error instanceof Error ? error.message : String(error);
      attempts.failures += 1;
    }
    // At random, so that the pages of a server that comes back do not all ask at once.
    const { failures } = attempts;
    const wait = failures ? Math.min(LONGEST, PAUSE * 2 ** failures) * (0.5 + Math.random() / 2) : PAUSE;
    clearTimeout(attempts.pause);
    attempts.pause = setTimeout(() => {
      attempts.pause = undefined;
      this.#update();
    }, wait);
    this.#update();
  }

  get #lanes(): readonly Attempts[] {
    return Object.values(this.#attempts);
  }

  #resume(): void {
    for (const attempts of this.#lanes) {
      clearTimeout(attempts.pause);
      attempts.pause = undefined;
    }
  }
}

function untried(): Attempts {
  return { failures: 0, failure: "", pause: undefined };
}
