// Why a connection ended: one word for each close code and reason.

/** The machine-readable reason why a connection ended. */
export type CloseKind =
  /** 1000, or the client closed the connection. */
  | "normal"
  /** 1001 and 1012: the server is going away or restarting. */
  | "going_away"
  /** 1003: the heartbeat interval or the connection's lifespan elapsed. */
  | "time_limit"
  /** 1002, or a code that no close frame may contain: one side violated the WebSocket protocol. */
  | "protocol"
  /** 1003: a request was not valid; the client does not repeat it. */
  | "fault"
  /** 1007: text that is not UTF-8. */
  | "invalid_text"
  /** 1008: a violation of the server's policy. */
  | "policy"
  /** 1008: the token has expired. */
  | "token_expired"
  /** 1008, or HTTP status 401: the token is invalid, revoked or missing. A second one in a row closes the client. */
  | "unauthenticated"
  /** 1008: a rate limit; the client waits at least 30 s before it reconnects. */
  | "rate_limited"
  /** 1009: a request was too large; the client does not repeat it. */
  | "too_big"
  /** 1011: a handler of the server failed. */
  | "failed"
  /** 1013: this client read too slowly. */
  | "slow"
  /** 3000 to 4999: a close code of the application. */
  | "application"
  /** Nothing arrived within the timeout after a ping. */
  | "silent"
  /** The server does not read: the unwritten bytes exceed the client's limit. */
  | "not_reading"
  /** The connection was refused, the server is unreachable, or the token function failed. */
  | "unreachable"
  /** The connection ended without a close code. */
  | "lost"
  /** Any other code. */
  | "other";

/** How a connection ended. */
export interface CloseInfo {
  readonly kind: CloseKind;
  /** The WebSocket close code; 1006 if there was none. */
  readonly code: number;
  readonly reason: string;
  /** Whether the client reconnects. */
  readonly reconnects: boolean;
}

/** The kinds of the codes from 1000 on. */
const KINDS: readonly (CloseKind | undefined)[] = [
  "normal",
  "going_away",
  "protocol",
  "fault",
  "other",
  "normal",
  "lost",
  "invalid_text",
  "policy",
  "too_big",
  "other",
  "failed",
  "going_away",
  "slow",
  "other",
  // No close frame may contain it, nor a code below 1000.
  "protocol",
];

/**
 * The shortest delay before the next attempt, in milliseconds, and how the close affects the first
 * unanswered request, which the server was handling: it is the fault, or it is retried separately
 * so that it does not interrupt the others again.
 */
export const RULES: { readonly [kind in CloseKind]?: readonly [least: number, first?: "fault" | "retry"] } = {
  protocol: [1_000, "retry"],
  fault: [0, "fault"],
  invalid_text: [1_000, "retry"],
  policy: [1_000],
  rate_limited: [30_000],
  too_big: [0, "fault"],
  failed: [0, "retry"],
};

/** Returns the kind of a close. Time limits and faults share the code 1003, and differ in the reason. */
export function kindOf(code: number, reason: string): CloseKind {
  if (code === 1003 && reason.startsWith("Connection timed out.")) return "time_limit";
  if (code === 1008) {
    if (reason === "Token expired") return "token_expired";
    if (reason === "Rate limit exceeded") return "rate_limited";
    if (/^(Invalid token|Token revoked|Authentication required)$/.test(reason)) return "unauthenticated";
  }
  if (code < 1000) return "protocol";
  return KINDS[code - 1000] ?? (code >= 3000 && code < 5000 ? "application" : "other");
}
