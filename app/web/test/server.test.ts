// What is asked over HTTP, and what errors say.

import { afterEach, expect, test, vi } from "vitest";

import type { Request } from "../src/series.js";
import { fetchBars, fetchMarket } from "../src/server.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

function answering(answer: () => Promise<Response>): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (url: string) => {
    asked.push(url);
    return answer();
  });
  return asked;
}

function bars(request: Partial<Request>): ReturnType<typeof fetchBars> {
  return fetchBars("A&B", "5", { kind: "latest", generation: 0, ...request }, new AbortController().signal);
}

test("times are asked in seconds", async () => {
  const bar = { time: 60_000, open: 1, high: 1, low: 1, close: 1, volume: 1 };
  const asked = answering(async () => Response.json({ bars: [bar], noData: false }));
  expect(await bars({ count: 500 })).toEqual([bar]);
  await bars({ from: 60_000 });
  await bars({ to: 120_000, count: 500 });
  const path = "/api/v1/bars?symbol=A%26B&resolution=5";
  expect(asked).toEqual([
    `${path}&to=9999999999&countBack=500`,
    `${path}&to=9999999999&from=60`,
    `${path}&to=120&countBack=500`,
  ]);
});

test("errors say what the server says, or that there is none", async () => {
  answering(async () => Response.json({ code: "invalid_parameter", message: "to is missing" }, { status: 400 }));
  await expect(bars({})).rejects.toThrow("to is missing");
  answering(async () => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  await expect(fetchMarket()).rejects.toThrow("the server answers 502");
  answering(() => Promise.reject(new TypeError("Failed to fetch")));
  await expect(bars({})).rejects.toThrow("the server cannot be reached");
});
