// Checks what a listener received: nothing wrong, duplicated, out of order or silently missing.

import type { Gap, Info, Item, Subscription } from "../../src/index.js";
import type { Bar } from "./server.js";

/** Listens to a subscription to bars whose time and close are one number, counted up by one. */
export class Oracle {
  readonly complaints: string[] = [];
  /** The number of values and gaps that were received. */
  values = 0;
  gaps = 0;
  last: number | undefined;
  /** The number of values that the gaps since the last value report missing; null if it is unknown. */
  #missing: number | null = 0;
  #info: Info | undefined;

  constructor(readonly subscription: Subscription<Bar, any>) {
    subscription.on((bar, info) => this.#value(bar, info));
    subscription.on("gap", (gap) => this.#gap(gap));
  }

  /** Complains unless the newest bar is what the listener has. */
  settled(newest: number): void {
    const { status, stale, current } = this.subscription;
    if (status !== "live") this.#complain(`is ${status} at the end`);
    if (stale || current?.time !== newest) this.#complain(`has ${current?.time} at the end, the newest is ${newest}`);
  }

  #value({ time, close }: Bar, info: Info): void {
    this.values += 1;
    if (time !== close) this.#complain(`wrong: ${time} with ${close}`);
    if (this.last !== undefined) {
      const missing = time - this.last - 1;
      if (missing < 0) this.#complain(`${time} after ${this.last}: twice or out of order`);
      else if (this.#missing !== null && this.#missing !== missing) {
        this.#complain(`${time} after ${this.last}: ${missing} missing, ${this.#missing} reported`);
      }
    }
    if (this.#info?.epoch === info.epoch && info.seq <= this.#info.seq && !info.snapshot) {
      this.#complain(`seq ${info.seq} after ${this.#info.seq} in one epoch`);
    }
    if (this.subscription.current !== undefined && this.subscription.stale) this.#complain(`stale at ${time}`);
    this.last = time;
    this.#missing = 0;
    this.#info = info;
  }

  #gap({ missed }: Gap): void {
    this.gaps += 1;
    this.#missing = missed === null || this.#missing === null ? null : this.#missing + missed;
  }

  #complain(what: string): void {
    if (this.complaints.length < 10) this.complaints.push(`${this.subscription.topic}: ${what}`);
  }
}

/** Reads items until the iterator ends. */
export async function drain<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function valuesOf(items: readonly Item<Bar>[]): number[] {
  return items.flatMap((item) => (item.kind === "value" ? [item.value.time] : []));
}
