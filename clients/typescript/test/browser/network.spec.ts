// The client in real Chromium, with the network cut and restored.

import { createServer } from "node:http";

import { expect, type Page, test } from "@playwright/test";
import { build } from "esbuild";
import { fileURLToPath } from "node:url";

import { Kit } from "../support/kit.js";
import { Proxy } from "../support/proxy.js";
import { Random } from "../support/random.js";
import type {} from "./page.js";

const HTML = '<!doctype html><html lang="en"><title>topicast</title><body></body><script type="module" src="/page.js"></script></html>';

let kit: Kit;
let network: Proxy;
let origin: string;
let close: () => void;

test.beforeAll(async () => {
  const bundle = await build({
    entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const server = createServer((request, response) => {
    const script = request.url === "/page.js";
    response.setHeader("content-type", script ? "text/javascript" : "text/html");
    response.setHeader("content-security-policy", "default-src 'self'; connect-src ws://127.0.0.1:*");
    response.end(script ? bundle.outputFiles[0]!.text : HTML);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  close = () => server.close();
});

test.afterAll(() => close());

test.beforeEach(async () => {
  kit = await Kit.start();
  network = await Proxy.start(kit.port);
});

test.afterEach(async () => {
  network.close();
  await kit.kill();
});

async function visit(page: Page): Promise<void> {
  await page.goto(`${origin}/?ws=${encodeURIComponent(network.url)}`);
  await page.waitForFunction(() => window.page?.oracle.subscription.status === "live");
}

const shows = (page: Page, number: number): Promise<unknown> =>
  page.waitForFunction((number) => window.page.oracle.subscription.current?.time === number, number);

/** Publishes one more and has the page say whether all was well. */
async function settles(page: Page): Promise<void> {
  await page.waitForFunction(() => window.page.oracle.subscription.status === "live");
  const { last } = await kit.do("publish", { symbol: "AAPL", times: 1 });
  await shows(page, last);
  expect(await page.evaluate((last) => (window.page.oracle.settled(last), window.page.oracle.complaints), last)).toEqual([]);
}

test("the network is cut and restored", async ({ page, context }) => {
  await visit(page);
  await kit.do("publish", { symbol: "AAPL", times: 3 });
  await shows(page, 3);
  await context.setOffline(true);
  network.cut();
  await page.waitForFunction(() => window.page.states.filter((status) => status === "waiting").length >= 3);
  expect(await page.evaluate(() => [window.page.oracle.subscription.status, window.page.oracle.subscription.stale])).toEqual(["reconnecting", true]);
  await kit.do("publish", { symbol: "AAPL", times: 4 });
  const ordered = page.evaluate(() => window.page.api.orders.place({ symbol: "X", quantity: 9 }));
  await context.setOffline(false);
  expect(await ordered).toEqual({ number: 9 });
  await settles(page);
  expect(await page.evaluate(() => [window.page.gaps, window.page.oracle.values, document.body.textContent])).toEqual([
    [{ reason: "reconnect", missed: 4 }],
    4,
    "8",
  ]);
});

test("a connection that swallows everything is left", async ({ page }) => {
  await visit(page);
  network.swallowing = true;
  await kit.do("publish", { symbol: "AAPL", times: 2 });
  await page.waitForFunction(() => window.page.closes.some(({ kind }) => kind === "silent"));
  network.swallowing = false;
  await settles(page);
  expect(await page.evaluate(() => window.page.gaps)).toEqual([{ reason: "reconnect", missed: 2 }]);
});

test("codes and reasons arrive, and the server that was killed is found again", async ({ page }) => {
  await visit(page);
  await kit.do("publish", { symbol: "AAPL", times: 1 });
  await shows(page, 1);
  await kit.do("close", { code: 4001, reason: "out you go" });
  await page.waitForFunction(() => window.page.closes.length === 1);
  expect(await page.evaluate(() => window.page.closes)).toEqual([{ kind: "application", code: 4001, reason: "out you go", reconnects: true }]);
  await settles(page);
  await kit.kill();
  await page.waitForFunction(() => window.page.oracle.subscription.status === "reconnecting");
  kit = await Kit.start("--first", "100");
  network.target = kit.port;
  await settles(page);
  expect(await page.evaluate(() => window.page.gaps)).toEqual([{ reason: "epoch", missed: null }]);
});

test("a reloaded page resumes what it was subscribed to", async ({ page }) => {
  await visit(page);
  await page.evaluate(() => void window.page.api.executions.subscribe({ accountId: "A" }));
  await page.evaluate(() => window.page.api.ping());
  await page.reload();
  await page.waitForFunction(() => window.page?.restored.length === 2 && window.page.restored.every(({ status }) => status === "live"));
  expect(await page.evaluate(() => window.page.restored.map(({ route, params }) => [route, params]))).toEqual([
    ["bars", { symbol: "AAPL", resolution: "1" }],
    ["executions", { accountId: "A", symbol: null }],
  ]);
  expect((await kit.do("count")).connections).toBe(1);
});

test("sixty seeded cuts while values flow", async ({ page }) => {
  const random = new Random(11);
  await visit(page);
  await kit.do("stream", { symbols: ["AAPL"], every_us: 1000 });
  for (let cut = 0; cut < 60; cut += 1) {
    const values = await page.evaluate(() => window.page.oracle.values);
    if (random.chance(0.7)) await page.waitForFunction((values) => window.page.oracle.values > values, values);
    else await page.waitForFunction(() => window.page.api.$client.state.status === "open");
    const closes = await page.evaluate(() => window.page.closes.length);
    network.cut(random.chance(0.5) ? 0 : 1 + random.below(500));
    await page.waitForFunction((closes) => window.page.closes.length > closes, closes);
  }
  await kit.do("stop");
  await settles(page);
  const { values, gaps, errors } = await page.evaluate(() => ({ values: window.page.oracle.values, gaps: window.page.gaps.length, errors: window.page.errors }));
  expect(errors).toEqual([]);
  expect(values).toBeGreaterThan(60);
  expect(gaps).toBeGreaterThan(10);
});
