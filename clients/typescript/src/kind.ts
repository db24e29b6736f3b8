// What a channel's updates mean, and the options that depend on it.

import type { BufferOptions } from "./stream.js";

/** The kind of a channel; generated from the document. A channel without one has events without history. */
export interface Kind {
  /** An update is something that happened, the new current value, or a change of rows. */
  readonly kind: "events" | "latest" | "table";
  /** The server keeps past events, so a subscription can start with them. */
  readonly history?: true;
  /** The members that identify a row of a table. */
  readonly key?: readonly string[];
  /** The server sends checksums of the table. */
  readonly checksum?: true;
}

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

/**
 * Checks the options that a kind may not have.
 *
 * @throws {RangeError} if the kind does not have the option, or the value is out of range
 */
export function check({ rewind, maxRate }: SubscribeOptions, kind: Kind | undefined): void {
  if (rewind !== undefined && !(kind?.history && Number.isInteger(rewind) && rewind >= 1 && rewind <= 1000)) {
    throw new RangeError(`rewind is ${rewind}; allowed is an integer from 1 to 1000, for events with history`);
  }
  if (maxRate !== undefined && !(isState(kind) && Number.isFinite(maxRate) && maxRate >= 0.1 && maxRate <= 1000)) {
    throw new RangeError(`maxRate is ${maxRate}; allowed is a number from 0.1 to 1000, for latest and tables`);
  }
}

/** Returns true if updates describe a state, so that one update can stand for several. */
export function isState(kind: Kind | undefined): boolean {
  return kind !== undefined && kind.kind !== "events";
}
