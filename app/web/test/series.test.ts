// Whatever happens in whatever order, a series shows nothing wrong and ends with the server's bars.

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Bar } from "../src/api.js";
import { MOST, PAGE, type Request, Series } from "../src/series.js";
import { Simulation } from "./simulation.js";

type Act = (simulation: Simulation, series: Series) => void;

const quantity = fc.integer({ min: 1, max: 9 });
const history = fc.constantFrom(0, 1, 2, 3, 8, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE + 20);

/** One step, with a description for the report of a failed property. */
function act(weight: number, arbitrary: fc.Arbitrary<[string, Act]>): fc.WeightedArbitrary<[string, Act]> {
  return { weight, arbitrary };
}

function once(name: string, run: Act): fc.Arbitrary<[string, Act]> {
  return fc.constant([name, run]);
}

const anything = fc.oneof(
  act(6, fc.tuple(fc.oneof(fc.nat(4), fc.nat(3 * PAGE)), quantity).map(([back, amount]) => [`trade ${back} back`, (world) => world.trade(back, amount)])),
  act(4, fc.tuple(fc.nat(2), quantity).map(([empty, amount]) => ["begin", (world) => world.begin(empty, amount)])),
  act(8, once("publish", (world) => world.publish(false))),
  act(5, once("publish, skipping", (world) => world.publish(true))),
  act(12, once("deliver", (world) => world.deliver())),
  act(10, once("ask", (world) => world.ask())),
  act(12, fc.nat(3).map((which) => [`look at ${which}`, (world) => world.progress(which, "look")])),
  act(8, fc.nat(3).map((which) => [`answer ${which}`, (world) => world.progress(which, "answer")])),
  act(2, fc.nat(3).map((which) => [`fail ${which}`, (world) => world.progress(which, "fail")])),
  act(4, once("connect", (world) => world.connect())),
  act(2, once("cut", (world) => world.cut())),
  act(1, history.map((bars) => [`restart with ${bars}`, (world) => world.restart(bars)])),
  act(2, once("refresh", (_, series) => series.refresh())),
  act(2, once("refresh all", (_, series) => series.refresh("all"))),
  act(3, once("older", (_, series) => series.wantOlder())),
);

describe("a series", () => {
  test("shows nothing wrong at any moment, and ends with exactly the server's bars", { timeout: 120_000 }, () => {
    const acts = fc.array(anything, { maxLength: 120, size: "max" });
    const room = fc.constantFrom(6, PAGE - 10, 100_000);
    fc.assert(
      fc.property(room, history, acts, (room, history, acts) => {
        const series = new Series();
        const simulation = new Simulation(series, room, history);
        for (const [name, run] of acts) {
          run(simulation, series);
          expect(simulation.fault(), `after ${name}`).toBeUndefined();
        }
        simulation.settle();
        expect(simulation.fault()).toBeUndefined();
        expect(series.isCurrent).toBe(true);
        const { bars } = simulation.server;
        const since = Math.max(series.bars[0]?.time ?? 0, bars[0]?.time ?? 0);
        const from = (all: readonly Bar[]): Bar[] => all.filter(({ time }) => time >= since);
        expect(from(series.bars)).toEqual(from(bars));
        expect(series.bars.length).toBeGreaterThanOrEqual(Math.min(bars.length, PAGE));
      }),
      { numRuns: 6_000 },
    );
  });

  test("goes back to the server's very first bar", () => {
    const series = new Series();
    const simulation = new Simulation(series, 100_000, 2 * PAGE + 20);
    simulation.connect();
    simulation.settle();
    for (let page = 0; page < 3; page += 1) {
      expect(series.bars.length).toBe([PAGE, 2 * PAGE, 2 * PAGE + 20][page]);
      series.wantOlder();
      simulation.settle();
    }
    expect(series.hasOlder).toBe(false);
    expect(series.bars).toEqual(simulation.server.bars);
  });

  test("reports from where on it has changed", () => {
    const series = connected();
    answer(series, [bar(1, 5), bar(2, 5), bar(3, 5)]);
    expect(series.takeChange()).toBe(1);
    expect(series.takeChange()).toBe(Infinity);
    series.take(bar(3, 6));
    expect(series.takeChange()).toBe(3);
    series.take(bar(3, 6));
    expect(series.takeChange(), "nothing is new").toBe(Infinity);
    expect(series.next(), "and nothing is to be asked").toBeUndefined();
    series.refresh();
    answer(series, [bar(1, 5), bar(2, 7), bar(3, 5)]);
    expect(series.takeChange(), "a late trade").toBe(2);
    expect(series.bars).toEqual([bar(1, 5), bar(2, 7), bar(3, 6)]);
  });

  test("asks again when a bar begins, from the third last that the server sent", () => {
    const series = connected();
    answer(series, [1, 2, 3, 4].map((time) => bar(time, 5)));
    expect(series.next()).toBeUndefined();
    series.take(bar(4, 9));
    expect(series.next(), "no bar has begun").toBeUndefined();
    series.take(bar(5, 1));
    expect(series.next()).toMatchObject({ kind: "tail", from: 2 });
  });

  test("finds a trade of any time in all that is loaded", () => {
    const series = connected();
    answer(series, Array.from({ length: PAGE }, (_, at) => bar(at + 1_000, 1)));
    series.wantOlder();
    answer(series, Array.from({ length: PAGE }, (_, at) => bar(at + 500, 1)));
    series.refresh("all");
    const whole = series.next() as Request;
    expect(whole).toMatchObject({ kind: "tail", from: 500 });
    series.failed(whole);
    expect(series.next(), "a failure does not make it less").toEqual(whole);
    // The server has let go of what is before 600.
    series.answered(whole, Array.from({ length: 900 }, (_, at) => bar(at + 600, at === 1 ? 9 : 1)));
    expect(series.bars).toEqual(Array.from({ length: 2 * PAGE }, (_, at) => bar(at + 500, at === 101 ? 9 : 1)));
    expect(series.takeChange()).toBe(-Infinity);
    series.refresh();
    expect(series.next()).toMatchObject({ kind: "tail", from: 1_497 });
  });

  test("holds live bars back until an answer that was asked for after the gap", () => {
    const series = connected();
    const before = series.next() as Request;
    series.missed();
    series.take(bar(9, 1));
    series.answered(before, [bar(1, 5), bar(2, 5)]);
    expect(series.bars, "what is between was missed").toEqual([bar(1, 5), bar(2, 5)]);
    expect(series.isCurrent).toBe(false);
    series.take(bar(9, 2));
    answer(series, [bar(1, 5), bar(2, 5), bar(8, 1), bar(9, 1)]);
    expect(series.bars).toEqual([bar(1, 5), bar(2, 5), bar(8, 1), bar(9, 2)]);
    expect(series.isCurrent).toBe(true);
  });

  test("keeps the old bars in sight after a restart, and takes no answer of before", () => {
    const series = connected();
    answer(series, [bar(1, 5), bar(2, 5)]);
    series.refresh();
    const old = series.next() as Request;
    series.restarted();
    series.take(bar(2, 1));
    series.answered(old, [bar(2, 100)]);
    expect(series.bars).toEqual([bar(1, 5), bar(2, 5)]);
    expect(series.isCurrent).toBe(false);
    answer(series, [bar(2, 1)]);
    expect(series.bars).toEqual([bar(2, 1)]);
  });

  test("asks again for what failed", () => {
    const series = connected();
    const latest = series.next() as Request;
    series.failed(latest);
    expect(series.next()).toEqual(latest);
    series.answered(latest, Array.from({ length: PAGE }, (_, at) => bar(at + 1_000, 1)));
    series.wantOlder();
    const older = series.next() as Request;
    series.failed(older);
    expect(series.next()).toEqual(older);
  });

  test("takes no page of older bars that does not join", () => {
    const series = connected();
    answer(series, Array.from({ length: PAGE }, (_, at) => bar(at + 1_000, 1)));
    series.wantOlder();
    const older = series.next() as Request;
    series.refresh();
    // The server has let go of all that was shown.
    answer(series, [bar(5_000, 1), bar(5_001, 1)]);
    series.answered(older, [bar(999, 1)]);
    expect(series.bars).toEqual([bar(5_000, 1), bar(5_001, 1)]);
  });

  test("takes no live bar that is older than all it has", () => {
    const series = connected();
    answer(series, [bar(5, 1), bar(6, 1)]);
    series.take(bar(3, 1));
    expect(series.bars).toEqual([bar(5, 1), bar(6, 1)]);
  });

  test("asks for nothing after a reconnect that the server recovers, and continues where it was", () => {
    const series = connected();
    answer(series, [bar(1, 1), bar(2, 1)]);
    series.refresh();
    series.disconnected();
    series.connected();
    expect(series.isCurrent).toBe(true);
    series.take(bar(2, 2));
    series.take(bar(3, 1));
    expect(series.bars).toEqual([bar(1, 1), bar(2, 2), bar(3, 1)]);
    expect(series.next()).toBeUndefined();
    series.refresh();
    answer(series, [bar(1, 1), bar(2, 2), bar(3, 1)]);
    series.take(bar(4, 1));
    expect(series.next(), "as ever from the next refresh on").toMatchObject({ kind: "tail" });
    series.disconnected();
    series.connected();
    series.missed();
    series.take(bar(4, 9));
    expect(series.isCurrent).toBe(false);
    expect(series.next()).toMatchObject({ kind: "tail", from: 1 });
  });

  test("asks again for what a cut left unanswered while bars were missing", () => {
    const series = connected();
    const first = series.next() as Request;
    series.take(bar(2, 2));
    series.disconnected();
    series.connected();
    series.answered(first, [bar(1, 1), bar(2, 1)]);
    expect(series.bars, "it may be another server's answer").toEqual([]);
    answer(series, [bar(1, 1), bar(2, 1)]);
    expect(series.bars).toEqual([bar(1, 1), bar(2, 2)]);
    expect(series.isCurrent).toBe(true);
  });

  test("is not current while it is disconnected", () => {
    const series = connected();
    answer(series, [bar(1, 1)]);
    expect(series.isCurrent).toBe(true);
    series.disconnected();
    expect(series.isCurrent).toBe(false);
  });

  test("keeps a bounded number of bars", () => {
    const series = connected();
    answer(series, []);
    for (let time = 1; time <= 2 * MOST; time += 1) series.take(bar(time, 1));
    expect(series.bars.length).toBeLessThanOrEqual(MOST);
    expect(series.bars.at(-1)).toEqual(bar(2 * MOST, 1));
    expect(series.takeChange()).toBe(-Infinity);
  });
});

function connected(): Series {
  const series = new Series();
  series.connected();
  return series;
}

function answer(series: Series, bars: readonly Bar[]): void {
  const request = series.next();
  expect(request).toBeDefined();
  series.answered(request as Request, bars);
}

function bar(time: number, volume: number): Bar {
  return { time, open: 1, high: 1, low: 1, close: 1, volume };
}
