// Feeds a series: subscribes first, then fetches history, and again whenever something may be missing.

import type { Subscription } from "topicast";

import type { Api, Bar, Bars, Resolution } from "./api.js";
import { type Request, Series } from "./series.js";

/**
 * `loading`: bars are on their way, or some are missing and asked for. `live`: nothing is missing; `empty`:
 * neither, but there are no bars. `stale`: the connection is lost. `retrying`: the server refused, or
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

/** The shortest time between two requests, and the longest after failures, in milliseconds. */
const PAUSE = 250;
const LONGEST = 10_000;

export class Feed {
  readonly series = new Series();
  /** Changes when the server restarts; undefined until a bar tells it. */
  epoch: string | undefined;
  readonly #subscription: Subscription<Bar, Bars>;
  readonly #fetch: FetchBars;
  readonly #events: FeedEvents;
  readonly #end = new AbortController();
  readonly #refresh: ReturnType<typeof setInterval>;
  #failures = 0;
  #failure = "";
  /** Runs while no request may go out. */
  #pause: ReturnType<typeof setTimeout> | undefined;
  #pumping = false;

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
      this.series.refresh();
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
        if (this.#failures > 0) return "retrying";
        if (!this.series.isCurrent) return "loading";
        return this.series.bars.length ? "live" : "empty";
    }
  }

  /** Why the status is what it is, where that is a failure. */
  get message(): string {
    const { error, status } = this.#subscription;
    if (error && (status === "retrying" || status === "failed")) return `The server refuses: ${error.message}`;
    return this.#failures > 0 ? `No history: ${this.#failure}` : "";
  }

  /** Whether history is being tried again, which {@link retry} can hasten. */
  get isFailing(): boolean {
    return this.#failures > 0 && this.#subscription.status === "live";
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
    clearTimeout(this.#pause);
    this.#subscription.close();
    this.#end.abort();
  }

  #turn(): void {
    if (this.#subscription.status === "live") {
      this.series.connected();
      this.#resume();
    } else {
      this.series.disconnected();
    }
    this.#update();
  }

  #update(): void {
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
    if (this.#pause !== undefined || this.#end.signal.aborted) return;
    for (let request = this.series.next(); request; request = this.series.next()) void this.#carryOut(request);
  }

  async #carryOut(request: Request): Promise<void> {
    try {
      const bars = await this.#fetch(this.symbol, this.resolution, request, this.#end.signal);
      this.series.answered(request, bars);
      this.#failures = 0;
    } catch (error) {
      if (this.#end.signal.aborted) return;
      this.series.failed(request);
      this.#failure = error instanceof Error ? error.message : String(error);
      this.#failures += 1;
    }
    // At random, so that the pages of a server that comes back do not all ask at once.
    const wait = this.#failures ? Math.min(LONGEST, PAUSE * 2 ** this.#failures) * (0.5 + Math.random() / 2) : PAUSE;
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => {
      this.#resume();
      this.#update();
    }, wait);
    this.#update();
  }

  #resume(): void {
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }
}
