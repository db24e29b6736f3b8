// A made-up market as a recording of Binance's combined stream, and the bars that follow from it.

import { writeFileSync } from "node:fs";

/** 2024-08-08 23:57:30 UTC: so a tape of ten minutes passes the end of an hour and of a day. */
const BEGIN = 1_723_161_450_000;

const MINUTE = 60_000;

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Trades in the order in which they are received. Prices and quantities are whole hundredths.
 * Now and then a trade comes late, one or two minutes: after its bar has ended, and with a price
 * and a quantity that are seen. The last two of each symbol are such, so that no bar begins after
 * them; with a `straggler` one of the first minute comes after them.
 */
function trades({ seed, symbols, begin, seconds, quantity, straggler }) {
  const next = random(seed);
  const below = (bound) => Math.floor(next() * bound);
  const walks = symbols.map((symbol, index) => ({ symbol, id: 1, price: 10_000 * (index + 1) }));
  const all = [];
  const push = (walk, time, price, amount) => {
    all.push({ symbol: walk.symbol, id: walk.id++, time, price, quantity: amount });
  };
  const late = (walk, now) => {
    const time = Math.max(begin, now - MINUTE - below(MINUTE));
    push(walk, time, walk.price + (below(2) ? 700 : -700), quantity * 50 + below(quantity * 50));
  };
  for (let second = 0; second < seconds; second += 1) {
    const now = begin + second * 1_000;
    for (const walk of walks) {
      for (let count = below(4); count > 0; count -= 1) {
        walk.price += below(41) - 20;
        push(walk, now + below(1_000), walk.price, 1 + below(quantity * 10));
      }
      if (second > 90 && below(40) === 0) late(walk, now);
      // What comes twice counts once.
      if (all.length && below(50) === 0) all.push(all.at(-1));
    }
  }
  for (const walk of walks) {
    late(walk, begin + seconds * 1_000);
    late(walk, begin + seconds * 1_000);
    if (straggler) push(walk, begin + 1_000, walk.price + 900, quantity * 99);
  }
  return all;
}

const hundredths = (number) => (number / 100).toFixed(2);

function line({ symbol, id, time, price, quantity }) {
  const data = { e: "trade", E: time + 1, s: symbol, t: id, p: hundredths(price), q: hundredths(quantity), T: time, m: true, M: true };
  return `${time - 1_270}000000 ${JSON.stringify({ stream: `${symbol.toLowerCase()}@trade`, data })}\n`;
}

/**
 * Writes a tape to a file. What is returned tells its symbols, and its bars: reckoned here, apart
 * from the server's code, and as numbers exactly those that its JSON says.
 */
export function writeTape(file, { seed, symbols, begin = BEGIN, seconds = 600, quantity = 100, straggler = false }) {
  const all = trades({ seed, symbols, begin, seconds, quantity, straggler });
  writeFileSync(file, all.map(line).join(""));
  return { file, symbols, bars: (symbol, minutes) => bars(all.filter((trade) => trade.symbol === symbol), minutes) };
}

function bars(trades, minutes) {
  const once = new Map(trades.map((trade) => [trade.id, trade]));
  const inOrder = [...once.values()].sort((a, b) => a.time - b.time || a.id - b.id);
  const byTime = new Map();
  for (const { time, price, quantity } of inOrder) {
    const start = Math.floor(time / (minutes * MINUTE)) * minutes * MINUTE;
    const bar = byTime.get(start) ?? { time: start, open: price, high: price, low: price, close: price, volume: 0 };
    byTime.set(start, {
      ...bar,
      high: Math.max(bar.high, price),
      low: Math.min(bar.low, price),
      close: price,
      volume: bar.volume + quantity,
    });
  }
  // Only here, so that sums are of whole numbers; a quotient is the double nearest to the decimal.
  const decimal = ({ time, ...numbers }) => ({
    time,
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, value / 100])),
  });
  return [...byTime.values()].map(decimal);
}
