// How long to wait: at random, and with what a server asks for kept within bounds. In milliseconds.

/** The longest that a server can make a client wait. */
const CEILING = 300_000;

/** A random time up to a limit that doubles with every attempt: full jitter. */
export function backoff(attempt: number, base = 500, cap = 30_000): number {
  return Math.random() * Math.min(cap, base * 2 ** attempt);
}

/** A delay that a server sets. */
export function bounded(delay: number, floor: number): number {
  return Math.min(Math.max(delay, floor), CEILING);
}

/** `Retry-After` of a refused handshake: whole seconds. A date is not read, for clocks differ. */
export function retryAfter(value: unknown): number {
  return /^\d+$/.test(String(value)) ? bounded(Number(value) * 1_000, 1_000) : 0;
}

/** How often to ping a server that named the silence it allows in the reason of a time limit. */
export function pingInterval(reason: string, interval: number): number {
  const [, seconds] = /interval (\d+\.\d+)\. /.exec(reason) ?? [];
  return seconds ? Math.min(interval, Math.max((Number(seconds) * 1_000) / 3, 1_000)) : interval;
}
