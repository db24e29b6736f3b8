// Messages from the server, and the refusals in them.

import { RefusalError } from "./errors.js";

/** A message from the server. */
export interface Message {
  readonly type: string;
  readonly id?: number | string;
  readonly topic?: string;
  readonly epoch?: string;
  readonly seq?: number;
  readonly skipped?: number;
  readonly recovered?: boolean;
  readonly snapshot?: boolean;
  readonly payload?: any;
}

/** Converts the payload of a refusal to an error. */
export function refusal(payload: any): RefusalError {
  const { code, message, retryable, retry_after_ms: after } = payload ?? {};
  return new RefusalError(String(message), String(code), retryable === true, number(after));
}

/** Returns true if the payload of a reply is a refusal. */
export function isRefusal(payload: any): boolean {
  return payload?.status === "error" && typeof payload.code === "string" && typeof payload.retryable === "boolean";
}

/** Returns the value if it is a number. */
export function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** Returns true if the value is an integer from 0 to 2^53−1. */
export function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
