// What the updates of a channel mean.

import type { BufferOptions } from "./stream.js";

/** The kind of a channel, as generated modules describe it. A channel without one has events without history. */
export interface Kind {
  /** The range of the option `rewind`, if there are past updates. */
  readonly rewind?: Range;
  /** The range of the option `maxRate`, if one update can stand for several. */
  readonly maxRate?: Range;
  /** Returns what interprets the updates of one subscription, if they are not values themselves. @internal */
  readonly interpreter?: () => Interpreter;
}

type Range = readonly [least: number, most: number];

/** Makes values of the messages of one subscription. */
export interface Interpreter {
  /**
   * Returns the value of a message, and the state after it. `before` is the state before, undefined
   * if there is none; `report` receives faults that have no consequence.
   *
   * @throws {Error} if the message leads to no valid state
   */
  interpret(before: unknown, payload: any, isSnapshot: boolean, report: (fault: string) => void): [value: unknown, state: unknown];
}

/** Events of which the server keeps past ones. */
export const history: Kind = { rewind: [1, 1000] };

/** A current value, which each update replaces. */
export const latest: Kind = { maxRate: [0.1, 1000] };

/** Options of a subscription to events with history. */
export interface HistoryOptions extends BufferOptions {
  /** The number of past updates to start with, if the server still has them: 1 to 1,000. */
  readonly rewind?: number | undefined;
}

/** Options of a subscription to a `latest` value or a table. */
export interface RateOptions extends BufferOptions {
  /** The limit of updates per second: 0.1 to 1,000. The server merges the updates in between. */
  readonly maxRate?: number | undefined;
}

/** Options of a subscription of any kind. */
export interface SubscribeOptions extends HistoryOptions, RateOptions {}
