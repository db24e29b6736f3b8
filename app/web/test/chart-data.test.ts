// The data of a chart over a subscription and a history that the test controls.

import type { Gap, Info, Subscription } from "topicast";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Bar, Bars } from "../src/api.js";
import { ChartData } from "../src/chart-data.js";
import { PAGE, type Request } from "../src/series.js";

/** A subscription that the test controls. */
class Script {
  status = "subscribing";
  error: Error | undefined;
  closed = false;
  readonly #listeners: Record<string, ((event: unknown, info?: Partial<Info>) => void)[]> = {};

  on(first: unknown, second?: unknown): void {
    const [name, listener] = typeof first === "string" ? [first, second] : ["value", first];
    (this.#listeners[name as string] ??= []).push(listener as () => void);
  }

  emit(name: string, event: unknown, info?: Partial<Info>): void {
    for (const listener of this.#listeners[name] ?? []) listener(event, info);
  }

  turn(status: string): void {
    this.status = status;
    this.emit("status", status);
  }

  gap(reason: Gap["reason"]): void {
    this.emit("gap", { reason, missed: null });
  }

  bar(bar: Bar, epoch = "a"): void {
    this.emit("value", bar, { epoch });
  }

  close(): void {
    this.closed = true;
  }
}

/** A request that waits for the test's answer. */
interface Asked {
  readonly request: Request;
  readonly signal: AbortSignal;
  answer(...bars: Bar[]): void;
  fail(message: string): void;
}

let script: Script;
let asked: Asked[];
let data: ChartData;
let heard: number;

beforeEach(() => {
  vi.useFakeTimers();
  script = new Script();
  asked = [];
  heard = 0;
  const bars = { subscribe: () => script as unknown as Subscription<Bar, Bars, "bars"> };
  const fetch = (_symbol: string, _resolution: string, request: Request, signal: AbortSignal): Promise<Bar[]> =>
    new Promise((resolve, reject) => {
      asked.push({ request, signal, answer: (...bars) => resolve(bars), fail: (message) => reject(new Error(message)) });
    });
  data = new ChartData({ bars }, fetch, "AAPL", "1", { changed: () => {}, heard: () => (heard += 1) });
});

afterEach(() => {
  data.close();
  vi.useRealTimers();
});

describe("a chart's data", () => {
  test("asks for history only once it is subscribed, and joins what came meanwhile", async () => {
    await passes(60_000);
    expect(asked).toHaveLength(0);
    expect(data.status).toBe("loading");
    script.turn("live");
    script.bar(bar(2, 7));
    await passes(0);
    expect(asked.map(({ request }) => request.kind)).toEqual(["latest"]);
    expect(data.status).toBe("loading");
    asked[0]?.answer(bar(1, 5), bar(2, 6));
    await passes(0);
    expect(data.series.bars).toEqual([bar(1, 5), bar(2, 7)]);
    expect([data.status, data.epoch, heard]).toEqual(["live", "a", 1]);
  });

  test("starts at once on a topic that others hold already", async () => {
    data.close();
    script = new Script();
    script.status = "live";
    const bars = { subscribe: () => script as unknown as Subscription<Bar, Bars, "bars"> };
    data = new ChartData({ bars }, async () => [bar(1, 1)], "AAPL", "1", { changed: () => {}, heard: () => (heard += 1) });
    await passes(0);
    expect(data.status).toBe("live");
  });

  test("retries a failed history, reports why, and waits longer every time", async () => {
    script.turn("live");
    await passes(0);
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      expect(asked).toHaveLength(attempt);
      asked.at(-1)?.fail("no such thing");
      await passes(0);
      expect([data.status, data.message, data.isFailing]).toEqual(["retrying", "No history: no such thing", true]);
      const longest = Math.min(10_000, 250 * 2 ** attempt);
      await passes(longest / 2 - 1);
      expect(asked, `too early after failure ${attempt}`).toHaveLength(attempt);
      await passes(longest / 2 + 1);
    }
    asked.at(-1)?.answer(bar(1, 1));
    await passes(0);
    expect([data.status, data.message, data.isFailing]).toEqual(["live", "", false]);
  });

  test("can skip the wait after a failure", async () => {
    script.turn("live");
    await passes(0);
    asked[0]?.fail("down");
    await passes(0);
    data.retry();
    await passes(0);
    expect(asked).toHaveLength(2);
  });

  test("asks again after a gap, and shows nothing torn meanwhile", async () => {
    await live(bar(1, 5), bar(2, 5));
    script.gap("skipped");
    script.bar(bar(4, 1));
    await passes(250);
    expect(data.status).toBe("loading");
    expect(data.series.bars).toEqual([bar(1, 5), bar(2, 5)]);
    expect(asked.at(-1)?.request).toMatchObject({ kind: "tail", from: 1 });
    asked.at(-1)?.answer(bar(1, 5), bar(2, 6), bar(3, 5), bar(4, 1));
    await passes(0);
    expect(data.series.bars).toEqual([bar(1, 5), bar(2, 6), bar(3, 5), bar(4, 1)]);
    expect(data.status).toBe("live");
  });

  test("asks nothing after a cut that the server recovers, however long it was", async () => {
    await live(bar(1, 5), bar(2, 5));
    script.turn("reconnecting");
    expect(data.status).toBe("stale");
    await passes(120_000);
    script.turn("live");
    script.bar(bar(2, 6));
    await passes(1_000);
    expect(asked).toHaveLength(1);
    expect(data.status).toBe("live");
    expect(data.series.bars).toEqual([bar(1, 5), bar(2, 6)]);
  });

  test.each(["before", "after"])("a request that fails %s the cut is noticed is forgotten with it", async (when) => {
    await live(bar(1, 5));
    await passes(250);
    script.bar(bar(2, 5));
    await passes(0);
    expect(asked).toHaveLength(2);
    if (when === "before") asked[1]?.fail("the server cannot be reached");
    await passes(0);
    script.turn("reconnecting");
    if (when === "after") asked[1]?.fail("the server cannot be reached");
    await passes(0);
    script.turn("live");
    await passes(0);
    expect([data.status, data.message, asked.length]).toEqual(["live", "", 2]);
    await passes(15_000);
    expect(asked, "late trades are looked for as ever").toHaveLength(3);
  });

  test("asks after a cut that the server cannot recover", async () => {
    await live(bar(1, 5), bar(2, 5));
    script.turn("reconnecting");
    await passes(1_000);
    script.turn("live");
    script.gap("reconnect");
    await passes(0);
    expect(data.status).toBe("loading");
    expect(asked.slice(1).map(({ request }) => request.kind)).toEqual(["tail"]);
  });

  test("starts again after a gap that says that the server has restarted", async () => {
    await live(bar(1, 5), bar(2, 5));
    const before = asked.length;
    data.series.refresh();
    script.turn("reconnecting");
    expect(data.status).toBe("stale");
    await passes(60_000);
    expect(asked, "no request is made").toHaveLength(before);
    script.turn("live");
    script.gap("epoch");
    await passes(0);
    // Were the gap not waited for, the request would continue from the old bars.
    expect(asked.slice(before).map(({ request }) => request.kind)).toEqual(["latest"]);
    asked.at(-1)?.answer(bar(2, 1));
    await passes(0);
    expect(data.series.bars).toEqual([bar(2, 1)]);
  });

  test("asks for the last bars now and then, and pauses in between", async () => {
    await live(bar(1, 5));
    script.bar(bar(2, 1));
    await passes(0);
    expect(asked, "too soon after the first").toHaveLength(1);
    await passes(250);
    expect(asked).toHaveLength(2);
    asked[1]?.answer(bar(1, 6), bar(2, 1));
    await passes(15_000);
    expect(asked).toHaveLength(3);
    expect(data.series.bars).toEqual([bar(1, 6), bar(2, 1)]);
  });

  test("asks for everything that is loaded once a minute, less often where that is much", async () => {
    const rounds = async (count: number): Promise<(number | undefined)[]> => {
      const begin = asked.length;
      for (let round = 0; round < count; round += 1) {
        await passes(15_000);
        asked.at(-1)?.answer(...data.series.bars);
      }
      return asked.slice(begin).map(({ request }) => request.from);
    };
    const bars = (from: number, count: number): Bar[] => Array.from({ length: count }, (_, at) => bar(from + at, 1));
    await live(...bars(10_000, 500));
    expect(await rounds(8)).toEqual([10_497, 10_497, 10_497, 10_000, 10_497, 10_497, 10_497, 10_000]);
    for (let page = 1; page < 6; page += 1) {
      data.wantOlder();
      await passes(0);
      asked.at(-1)?.answer(...bars(10_000 - page * 500, 500));
      await passes(1_000);
    }
    expect(await rounds(6)).toEqual([10_497, 10_497, 10_497, 10_497, 10_497, 7_500]);
  });

  test("does not take the success of one kind of request for that of the other", async () => {
    await live(...Array.from({ length: PAGE }, (_, at) => bar(1_000 + at, 1)));
    await passes(250);
    let failures = 0;
    const older = (): Asked[] => asked.filter(({ request }) => request.kind === "older");
    data.wantOlder();
    for (let second = 0; second < 120; second += 1) {
      await passes(1_000);
      for (; failures < older().length; failures += 1) older()[failures]?.fail("too far back");
      // A bar begins, and what is asked of the newest is answered.
      script.bar(bar(2_000 + second, 1));
      for (const { request, answer } of asked) if (request.kind === "tail") answer(...data.series.bars.filter(({ time }) => time >= (request.from ?? 0)));
    }
    // A failure in the loop's last turn must arrive before the retry that follows it.
    await passes(0);
    expect([data.status, data.message, data.isFailing]).toEqual(["live", "No older bars: too far back", true]);
    expect(failures, "it waits longer every time").toBeLessThan(30);
    const before = older().length;
    data.retry();
    await passes(0);
    expect(older().length - before).toBeLessThanOrEqual(1);
    older().at(-1)?.answer();
    await passes(0);
    expect([data.status, data.message, data.isFailing]).toEqual(["live", "", false]);
  });

  test("knows the time of the last news", async () => {
    expect(data.updated).toBeUndefined();
    await live(bar(1, 5));
    const loaded = data.updated;
    expect(loaded).toBe(Date.now());
    await passes(15_000);
    asked.at(-1)?.answer(bar(1, 5));
    await passes(0);
    expect(data.updated, "what is asked again is nothing new").toBe(loaded);
    script.bar(bar(1, 6));
    expect(data.updated).toBe(Date.now());
    await passes(15_000);
    asked.at(-1)?.answer(bar(1, 7));
    await passes(0);
    expect(data.updated, "a late trade is").toBe(Date.now());
  });

  test("reports refusals with the server's message", async () => {
    script.error = new Error("no more than 2 subscriptions");
    script.turn("retrying");
    expect([data.status, data.message]).toEqual(["retrying", "The server refuses: no more than 2 subscriptions"]);
    script.turn("failed");
    expect(data.status).toBe("failed");
    expect(data.isFailing).toBe(false);
  });

  test("says so where there is nothing", async () => {
    await live();
    expect(data.status).toBe("empty");
    script.bar(bar(1, 1));
    expect(data.status).toBe("live");
  });

  test("lets go of everything when it is closed", async () => {
    script.turn("live");
    await passes(0);
    data.close();
    expect([script.closed, asked[0]?.signal.aborted]).toEqual([true, true]);
    asked[0]?.fail("aborted");
    await passes(60_000);
    expect(asked).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** Subscribed, with this history. */
async function live(...bars: Bar[]): Promise<void> {
  script.turn("live");
  await passes(0);
  asked.at(-1)?.answer(...bars);
  await passes(0);
}

async function passes(time: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(time);
}

function bar(time: number, volume: number): Bar {
  return { time, open: 1, high: 1, low: 1, close: 1, volume };
}
