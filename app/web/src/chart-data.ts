// The data of a chart: subscribes first, then fetches history, and again whenever bars are missing.

import type { Subscription } from "topicast";

import type { Api, Bar, Bars, Resolution } from "./api.js";
import { type Lane, laneOf, PAGE, type Request, Series } from "./series.js";

/**
 * `loading`: the first or missing bars are being fetched. `live`: nothing is missing. `empty`: nothing
 * is missing, and there are no bars. `stale`: the connection is lost. `retrying`: the server refused, or the
 * newest history failed, and the client retries. `failed`: the server refused for good.
 */
export type ChartStatus = "loading" | "live" | "empty" | "stale" | "retrying" | "failed";

/** Fetches the bars of a request. */
export type FetchBars = (
  symbol: string,
  resolution: Resolution,
  request: Request,
  signal: AbortSignal,
) => Promise<readonly Bar[]>;

export interface ChartDataEvents {
  /** The series or the status may have changed. */
  changed(): void;
  /** A live bar arrived. */
  heard(): void;
}

/** The interval for fetching the last bars again, in milliseconds. */
const REFRESH = 15_000;

/** Every how many times all that is loaded is asked for, at most; less often where that is more than as many pages. */
const OFTEN = 4;

/** The shortest time between two requests, and the longest after failures, in milliseconds. */
const PAUSE = 250;
const LONGEST = 10_000;

/** The failures of one kind of request. */
interface Attempts {
  failures: number;
  failure: string;
  /** Runs while none may go out. */
  pause: ReturnType<typeof setTimeout> | undefined;
}

export class ChartData {
  readonly series = new Series();
  /** The time of the last news, in milliseconds; undefined before the first. */
  updated: number | undefined;
  /** Changes when the server restarts; undefined until the first live bar. */
  epoch: string | undefined;
  readonly #subscription: Subscription<Bar, Bars>;
  readonly #fetch: FetchBars;
  readonly #events: ChartDataEvents;
  readonly #end = new AbortController();
  readonly #refresh: ReturnType<typeof setInterval>;
  readonly #attempts: Readonly<Record<Lane, Attempts>> = { newest: untried(), older: untried() };
  #news = 0;
  #pumping = false;
  /** How often the last bars were fetched since all were. */
  #sinceAll = 0;

  /** Subscribes and fetches at once. */
  constructor(
    api: Pick<Api, "bars">,
    fetch: FetchBars,
    readonly symbol: string,
    readonly resolution: Resolution,
    events: ChartDataEvents,
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
      // What is due while disconnected would be asked for by every page at once when the server returns.
      if (this.#subscription.status !== "live") return;
      this.#sinceAll += 1;
      const isAll = this.#sinceAll >= Math.max(OFTEN, this.series.bars.length / PAGE);
      if (isAll) this.#sinceAll = 0;
      this.series.refresh(isAll ? "all" : "last");
      this.#update();
    }, REFRESH);
    this.#turn();
  }

  get status(): ChartStatus {
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
      // What was requested is forgotten, so no such request fails.
      for (const attempts of this.#lanes) attempts.failures = 0;
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
    // Runs after the other events of the same message: `live` is followed by the gap.
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
      if (!this.series.failed(request)) return;
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
