// Delays in milliseconds: random backoff, and what a server asks for within bounds.

/** The longest delay that a server can impose. */
const CEILING = 300_000;

/** Returns a random delay up to a limit that doubles with every attempt: full jitter. */
export function backoff(attempt: number, base = 500, cap = 30_000): number {
  return Math.random() * Math.min(cap, base * 2 ** attempt);
}

/** Limits a delay that a server asks for. */
export function bounded(delay: number, floor: number): number {
  return Math.min(Math.max(delay, floor), CEILING);
}

/** Returns the delay for the `Retry-After` of a refused handshake, in whole seconds. Dates are ignored because clocks differ. */
export function retryAfter(value: unknown): number {
  return /^\d+$/.test(String(value)) ? bounded(Number(value) * 1_000, 1_000) : 0;
}

/** Returns the interval between pings for a server that names its heartbeat interval in a close reason. */
export function pingInterval(reason: string, interval: number): number {
  const [, seconds] = /interval (\d+\.\d+)\. /.exec(reason) ?? [];
  return seconds ? Math.min(interval, Math.max((Number(seconds) * 1_000) / 3, 1_000)) : interval;
}
