// The errors of the client.

/** The base class of the errors of this package. */
export abstract class TopicastError extends Error {
  protected constructor(
    /** The name of the class, set explicitly because minifiers change it. */
    override readonly name: string,
    message: string,
    /** Whether the same request may succeed later. */
    readonly retryable: boolean,
  ) {
    super(message);
  }
}

/** The server refused a valid request, or ended a subscription. */
export class RefusalError<Code extends string = string> extends TopicastError {
  constructor(
    message: string,
    /** The machine-readable reason. */
    readonly code: Code,
    retryable: boolean,
    /** The delay after which the same request may succeed, in milliseconds, if the server gives one. */
    readonly retryAfterMs?: number,
  ) {
    super("RefusalError", message, retryable);
  }
}

/** The request was not valid. The client never repeats it. */
export class FaultError extends TopicastError {
  constructor(
    message: string,
    /** The operation at fault, if it is known. */
    readonly operation?: string,
  ) {
    super("FaultError", message, false);
  }
}

/**
 * The request was sent and no reply arrived, so it may or may not have been carried out.
 *
 * Repeat it only if carrying it out twice does no harm.
 */
export class UnknownOutcomeError extends TopicastError {
  constructor(
    message: string,
    /** Whether the request timed out or the connection was lost. */
    readonly reason: "timeout" | "lost",
  ) {
    super("UnknownOutcomeError", message, false);
  }
}

/** The request was never sent; repeating it is safe. */
export class NotSentError extends TopicastError {
  constructor(
    message: string,
    /** The request timed out while disconnected, the queue is full, or the client is closed. */
    readonly reason: "timeout" | "full" | "closed",
  ) {
    super("NotSentError", message, reason !== "closed");
  }
}

/** The params have no canonical topic, so they cannot be subscribed to. */
export class TopicError extends TopicastError {
  constructor(message: string) {
    super("TopicError", message, false);
  }
}

/** An iterator with `overflow: "throw"` was read too slowly. */
export class OverflowError extends TopicastError {
  constructor(buffer: number) {
    super("OverflowError", `more than ${buffer} items are waiting to be read`, true);
  }
}
