// Why a connection ended: close codes and reasons as one word each.

/** Why a connection ended, for programs. */
export type CloseKind =
  /** 1000, or this side closed it. */
  | "normal"
  /** 1001 and 1012: the server is going away, or starts again. */
  | "going_away"
  /** 1003: the heartbeat interval or the connection's lifespan is over. */
  | "time_limit"
  /** 1002: one side broke the WebSocket protocol. */
  | "protocol"
  /** 1003: a request was wrong as such; it is not repeated. */
  | "fault"
  /** 1007: text that is not UTF-8. */
  | "invalid_text"
  /** 1008: against the server's policy. */
  | "policy"
  /** 1008: the token has expired. */
  | "token_expired"
  /** 1008, or HTTP status 401: the token is invalid, revoked or missing. A second one in a row ends the client. */
  | "unauthenticated"
  /** 1008: a rate limit; the client stays away for 30 s at least. */
  | "rate_limited"
  /** 1009: a request was too large; it is not repeated. */
  | "too_big"
  /** 1011: a handler failed. */
  | "failed"
  /** 1013: this client read too slowly. */
  | "slow"
  /** 3000 to 4999: the application's own. */
  | "application"
  /** The server said nothing for too long. */
  | "silent"
  /** The server does not read: more waits to be written than the client's bound allows. */
  | "not_reading"
  /** No connection was made: refused, unreachable, or the token could not be had. */
  | "unreachable"
  /** The connection broke without a close code. */
  | "lost"
  /** Any other code. */
  | "other";

/** How a connection ended. */
export interface CloseInfo {
  readonly kind: CloseKind;
  /** The WebSocket close code; 1006 where none came. */
  readonly code: number;
  readonly reason: string;
  /** Whether the client connects again. */
  readonly reconnects: boolean;
}

const KINDS: { readonly [code: number]: CloseKind } = {
  1000: "normal",
  1001: "going_away",
  1002: "protocol",
  1003: "fault",
  1005: "normal",
  1006: "lost",
  1007: "invalid_text",
  1008: "policy",
  1009: "too_big",
  1011: "failed",
  1012: "going_away",
  1013: "slow",
};

/** Reasons that tell apart what shares the code 1008. */
const POLICIES: { readonly [reason: string]: CloseKind } = {
  "Token expired": "token_expired",
  "Invalid token": "unauthenticated",
  "Token revoked": "unauthenticated",
  "Authentication required": "unauthenticated",
  "Rate limit exceeded": "rate_limited",
};

/**
 * The shortest wait before the next connection, in milliseconds, and what becomes of the first
 * unanswered request, for the server answers in order: it is at fault, or it is tried again apart
 * from the others, which it must not take along every time.
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

/** Time limits and faults share the code 1003; the reason tells them apart. */
export function kindOf(code: number, reason: string): CloseKind {
  if (code === 1003 && reason.startsWith("Connection timed out.")) return "time_limit";
  if (code === 1008 && Object.hasOwn(POLICIES, reason)) return POLICIES[reason] as CloseKind;
  return KINDS[code] ?? (code >= 3000 && code < 5000 ? "application" : "other");
}
