// Why a connection ended: close codes and reasons as one word each.

/** Why a connection ended, for programs. */
export type CloseKind =
  /** 1000, or this side closed it. */
  | "normal"
  /** 1001: the server is going away. */
  | "going_away"
  /** 1003: the heartbeat interval or the connection's lifespan is over. */
  | "time_limit"
  /** 1002, 1003 or 1007: a request was wrong as such; it is not repeated. */
  | "fault"
  /** 1008: against the server's policy. */
  | "policy"
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
  1002: "fault",
  1003: "fault",
  1005: "normal",
  1006: "lost",
  1007: "fault",
  1008: "policy",
  1009: "too_big",
  1011: "failed",
  1012: "going_away",
  1013: "slow",
};

/** Time limits and faults share the code 1003; the reason tells them apart. */
export function kindOf(code: number, reason: string): CloseKind {
  if (code === 1003 && reason.startsWith("Connection timed out.")) return "time_limit";
  return KINDS[code] ?? (code >= 3000 && code < 5000 ? "application" : "other");
}
