// What can go wrong, as types: refused, faulty, unknown, not sent, overflowed.

/** Any error of this package. */
export abstract class TopicastError extends Error {
  protected constructor(
    /** The name of the class, which minifiers change. */
    override readonly name: string,
    message: string,
    /** Whether the same request may succeed later. */
    readonly retryable: boolean,
  ) {
    super(message);
  }
}

/** The server understood a request and said no, or ended a subscription. */
export class RefusalError<Code extends string = string> extends TopicastError {
  constructor(
    message: string,
    /** Why, for programs. */
    readonly code: Code,
    retryable: boolean,
    /** In how many milliseconds the same request may succeed, where the server says so. */
    readonly retryAfterMs?: number,
  ) {
    super("RefusalError", message, retryable);
  }
}

/** A fault of form: the request was wrong as such, and is never repeated. */
export class FaultError extends TopicastError {
  constructor(
    message: string,
    /** The operation at fault, where it is known. */
    readonly operation?: string,
  ) {
    super("FaultError", message, false);
  }
}

/**
 * A request was sent and no answer came: whether it was carried out is unknown.
 *
 * It may have been, so repeat it only where doing it twice does no harm.
 */
export class UnknownOutcomeError extends TopicastError {
  constructor(
    message: string,
    /** Whether time ran out or the connection was lost. */
    readonly reason: "timeout" | "lost",
  ) {
    super("UnknownOutcomeError", message, false);
  }
}

/** A request was never sent; repeating it is safe. */
export class NotSentError extends TopicastError {
  constructor(
    message: string,
    /** Time ran out while disconnected, too many others were waiting, or the client is closed. */
    readonly reason: "timeout" | "full" | "closed",
  ) {
    super("NotSentError", message, reason !== "closed");
  }
}

/** Params that have no topic, and so cannot be subscribed to. */
export class TopicError extends TopicastError {
  constructor(message: string) {
    super("TopicError", message, false);
  }
}

/** An iterator whose `overflow` is `"throw"` was read too slowly. */
export class OverflowError extends TopicastError {
  constructor(buffer: number) {
    super("OverflowError", `more than ${buffer} values wait to be read`, true);
  }
}
