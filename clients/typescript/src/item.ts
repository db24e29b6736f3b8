// The items of a subscription: values, gaps and changes of status.

/** The metadata of a value. */
export interface Info {
  /** The canonical topic. */
  readonly topic: string;
  /** Changes whenever the topic's numbering restarts. */
  readonly epoch: string;
  /** The sequence number of this update, or of the last update that a snapshot includes. */
  readonly seq: number;
  /** The number of updates that the server dropped or replaced for this client just before this one. */
  readonly skipped: number;
  /** True for the state that the subscription starts with, false for an update. */
  readonly snapshot: boolean;
}

/** Updates that this listener does not receive. */
export interface Gap {
  /**
   * `skipped`: the server dropped or replaced them because this client was slow.
   * `sequence`: their sequence numbers are missing.
   * `reconnect`: they were published while the client was disconnected, and the server cannot send them.
   * `epoch`: the topic restarted its numbering, so their number is unknown.
   * `overflow`: this listener's iterator was read too slowly.
   */
  readonly reason: "skipped" | "sequence" | "reconnect" | "epoch" | "overflow";
  /** The number of missing updates; null if it is unknown. */
  readonly missed: number | null;
}

/**
 * The status of a subscription: `subscribing` until the server answers for the first time; `live`
 * once it accepts; `reconnecting` from a disconnect until it accepts again; `retrying` after a
 * retryable refusal; `failed` after a final refusal; `closed` after `close()`.
 */
export type Status = "subscribing" | "live" | "reconnecting" | "retrying" | "failed" | "closed";

/** A value, a gap or a change of status. */
export type Item<T> =
  | { readonly kind: "value"; readonly value: T; readonly info: Info }
  | { readonly kind: "gap"; readonly gap: Gap }
  | { readonly kind: "status"; readonly status: Status };
