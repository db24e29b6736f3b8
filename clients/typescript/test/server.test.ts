// The real server: killed, restarted, paused, half-open, and made to close with each code.

import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";

import type { ClientOptions, CloseInfo, Gap } from "../src/index.js";
import { FaultError, RefusalError, UnknownOutcomeError } from "../src/index.js";
import { type Api, connect } from "./kit/api.js";
import { Oracle } from "./support/oracle.js";
import { Kit } from "./support/kit.js";
import { Proxy } from "./support/proxy.js";

const FAST: ClientOptions = { WebSocket, backoff: { base: 20, cap: 200 } };

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function kit(...args: string[]): Promise<Kit> {
  const kit = await Kit.start(...args);
  ends.push(() => kit.kill());
  return kit;
}

async function proxy(kit: Kit): Promise<Proxy> {
  const proxy = await Proxy.start(kit.port);
  ends.push(() => proxy.close());
  return proxy;
}

function client(url: string, options: ClientOptions = {}): Api & { closes: CloseInfo[] } {
  const api = connect(url, { ...FAST, ...options });
  ends.push(() => api.$client.close());
  const closes: CloseInfo[] = [];
  api.$client.on("close", (close) => closes.push(close));
  return Object.assign(api, { closes });
}

const happens = (what: () => void): Promise<void> => vi.waitFor(what, { timeout: 15_000, interval: 5 });

test("channels, operations, pushes and snapshots, from the document alone", async () => {
  const server = await kit();
  const api = client(server.url);
  const bars = api.bars.subscribe({ symbol: "AAPL" });
  const ready = await bars.ready;
  expect(ready).toEqual({ topic: 'bars:{"resolution":"1","symbol":"AAPL"}', epoch: expect.any(String), seq: 0 });
  const loop = (async () => {
    for await (const bar of bars) if (bar.time === 3) return bar.close;
    return undefined;
  })();
  await server.do("publish", { symbol: "AAPL", times: 3 });
  expect(await loop).toBe(3);

  const orders = api.orders.subscribe({ accountId: "A" });
  await happens(() => expect(orders.current).toEqual({ number: 0 }));
  await server.do("order", { account: "A", number: 5 });
  await happens(() => expect(orders.current).toEqual({ number: 5 }));

  expect(await api.orders.place({ symbol: "X", quantity: 7 })).toEqual({ number: 7 });
  const halted = await api.orders.place({ symbol: "HALT", quantity: 1 }).catch((error: unknown) => error);
  expect(halted).toBeInstanceOf(RefusalError);
  expect(halted).toMatchObject({ code: "market_closed", retryable: false });
  expect(await api.kit.count()).toBe(42);
  expect(Math.abs((await api.ping()).time - Date.now())).toBeLessThan(60_000);

  const texts: string[] = [];
  api.notice.on(({ text }) => texts.push(text));
  await api.notice.me();
  await server.do("notice", { text: "all of you" });
  await happens(() => expect(texts).toEqual(["you asked", "all of you"]));
});

test("every request that is completed here has the topic that the server gives it", async () => {
  const server = await kit();
  const api = client(server.url);
  const subscriptions = [
    api.status.subscribe(),
    api.executions.subscribe({ accountId: "A" }),
    api.executions.subscribe({ accountId: "Zürich €😀", symbol: "a\"b\\c\n" }),
    api.orderBook.subscribe({ symbol: "AAPL" }),
    api.orderBook.subscribe({ symbol: "AAPL", view: {}, tick: 0.1, without: ["NYSE", null] }),
    api.orderBook.subscribe({ symbol: "AAPL", view: { depth: 3, label: "x" }, tick: 0.123456789 }),
    api.orderBook.subscribe({ symbol: "AAPL", tick: 16777217, grouping: { kind: "price", step: 0.5 } }),
    api.orderBook.subscribe({ symbol: "AAPL", grouping: { kind: "price", step: 1e21, origin: -0 } }),
    api.orderBook.subscribe({ symbol: "AAPL", grouping: { kind: "count", levels: 2 } }),
  ];
  const computed = subscriptions.map(({ topic }) => topic);
  const named = await Promise.all(subscriptions.map(async ({ ready }) => (await ready).topic));
  expect(named).toEqual(computed);
  expect(new Set(named).size).toBe(named.length);
});

test("a server that is killed and started again", async () => {
  const first = await kit();
  const network = await proxy(first);
  const api = client(network.url);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await sub.ready;
  await first.do("publish", { symbol: "AAPL", times: 2 });
  await happens(() => expect(sub.current?.time).toBe(2));
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  await first.kill();
  await happens(() => expect([sub.status, sub.stale]).toEqual(["reconnecting", true]));
  const queued = api.orders.place({ symbol: "X", quantity: 1 });
  const second = await kit("--first", "10");
  network.target = second.port;
  expect(await queued).toEqual({ number: 1 });
  await happens(() => expect(sub.status).toBe("live"));
  await second.do("publish", { symbol: "AAPL", times: 1 });
  await happens(() => expect([sub.current?.time, sub.stale]).toEqual([10, false]));
  expect(gaps).toEqual([{ reason: "epoch", missed: null }]);
});

test("a server that stands still is left, and found again when it goes on", async () => {
  const server = await kit();
  const api = client(server.url, { heartbeat: { interval: 100, timeout: 100 }, connectTimeout: 300 });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await sub.ready;
  server.pause();
  ends.push(() => server.resume());
  await happens(() => expect(api.closes.map(({ kind }) => kind)).toContain("silent"));
  await happens(() => expect(api.closes.at(-1)).toMatchObject({ kind: "unreachable", reason: "no connection within 300 ms" }));
  expect([sub.status]).toEqual(["reconnecting"]);
  server.resume();
  await happens(() => expect(sub.status).toBe("live"));
  await server.do("publish", { symbol: "AAPL", times: 1 });
  await happens(() => expect(sub.current?.time).toBe(1));
});

test("a half-open connection is given up, and the gap is reported", async () => {
  const server = await kit();
  const network = await proxy(server);
  const api = client(network.url, { heartbeat: { interval: 100, timeout: 100 } });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  await sub.ready;
  await server.do("publish", { symbol: "AAPL", times: 1 });
  await happens(() => expect(sub.current?.time).toBe(1));
  network.swallowing = true;
  await server.do("publish", { symbol: "AAPL", times: 4 });
  const sent = api.orders.place({ symbol: "X", quantity: 1 }).catch((error: unknown) => error);
  await happens(() => expect(api.closes[0]?.kind).toBe("silent"));
  expect(await sent).toBeInstanceOf(UnknownOutcomeError);
  network.swallowing = false;
  await happens(() => expect(sub.status).toBe("live"));
  expect(gaps).toEqual([{ reason: "reconnect", missed: 4 }]);
});

test.each([1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013, 3000, 4999])("the server closes with %i, and the client comes back", async (code) => {
  const server = await kit();
  const api = client(server.url);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await sub.ready;
  await server.do("close", { code, reason: `because of ${code}` });
  await happens(() => expect(api.closes).toMatchObject([{ code, reason: `because of ${code}`, reconnects: true }]));
  await happens(() => expect(sub.status).toBe("live"));
  await server.do("publish", { symbol: "AAPL", times: 1 });
  await happens(() => expect(sub.current?.time).toBe(1));
});

test("a shutdown is a close with 1001", async () => {
  const server = await kit();
  const api = client(server.url);
  await api.ping();
  await server.do("shutdown");
  await happens(() => expect(api.closes[0]).toMatchObject({ code: 1001, kind: "going_away", reason: "The server is going away" }));
  await happens(() => expect(api.closes.at(-1)?.kind).toBe("unreachable"));
});

test("faults of form under fastws: 1003, and exactly the culprit is never sent again", async () => {
  const server = await kit("--fastws");
  const api = client(server.url);
  const good = api.bars.subscribe({ symbol: "AAPL" });
  await good.ready;
  const bad = api.bars.subscribe({ symbol: 7 as unknown as string });
  const after = api.bars.subscribe({ symbol: "MSFT" });
  const second = api.bars.subscribe({ symbol: "AAPL", resolution: "7" as "1" });
  const outcome = api.notice.me().then(() => "done", (error: unknown) => error);
  await happens(() => expect([good.status, bad.status, after.status, second.status]).toEqual(["live", "failed", "live", "failed"]));
  expect(await outcome).toBeInstanceOf(UnknownOutcomeError);
  expect(api.closes.map(({ code, reason }) => [code, reason])).toEqual([
    [1003, "Could not validate payload"],
    [1003, "Could not validate payload"],
  ]);
  await expect(api.bars.subscribe({ symbol: 7 as unknown as string }).ready).rejects.toBe(bad.error);
  expect(await api.orders.place({ symbol: "X", quantity: 1 })).toEqual({ number: 1 });
  expect(api.closes.length).toBe(2);
});

test("faults of form under the modern profile: an error each, 1008 after sixteen in a row", async () => {
  const server = await kit();
  const api = client(server.url);
  const good = api.bars.subscribe({ symbol: "AAPL" });
  await good.ready;
  const bad = Array.from({ length: 16 }, (_, at) => api.bars.subscribe({ symbol: at as unknown as string }));
  await happens(() => expect(api.closes).toMatchObject([{ code: 1008, kind: "policy", reason: "Too many invalid messages in a row" }]));
  await happens(() => expect(good.status).toBe("live"));
  for (const sub of bad) expect(sub.error).toBeInstanceOf(FaultError);
  expect(bad[0]!.error?.message).toContain("payload.symbol: invalid type: integer `0`, expected a string");
  await api.ping();
  expect(api.closes.length).toBe(1);
});

test("a request that is too large is a 1009 and is not repeated", async () => {
  const server = await kit();
  const api = client(server.url);
  await api.ping();
  const huge = api.orders.place({ symbol: "X".repeat(70_000), quantity: 1 }).catch((error: unknown) => error);
  expect(await huge).toBeInstanceOf(FaultError);
  expect(api.closes).toMatchObject([{ code: 1009, kind: "too_big" }]);
  await api.ping();
  expect(api.closes.length).toBe(1);
});

test("a handler that panics is a 1011: what became of an operation is unknown, a subscription is tried again", async () => {
  const server = await kit();
  const api = client(server.url);
  const good = api.bars.subscribe({ symbol: "AAPL" });
  await good.ready;
  const failed = await api.orders.place({ symbol: "PANIC", quantity: 1 }).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(UnknownOutcomeError);
  expect(failed).toMatchObject({ reason: "lost", retryable: false });
  expect(api.closes).toMatchObject([{ code: 1011, kind: "failed", reason: "A handler failed" }]);
  const bad = api.orders.subscribe({ accountId: "panic" });
  await happens(() => expect([good.status, bad.status]).toEqual(["live", "retrying"]));
  bad.close();
});

test("a consumer that is too slow is closed with 1013 and comes back", async () => {
  const server = await kit("--unsent-bytes", "2000");
  const network = await proxy(server);
  const api = client(network.url, { heartbeat: { interval: 5_000 } });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  await sub.ready;
  network.clog();
  // More than the buffers of both sockets hold.
  await server.do("publish", { symbol: "AAPL", times: 100_000 });
  network.unclog();
  await happens(() => expect(api.closes).toMatchObject([{ code: 1013, kind: "slow", reason: "This consumer is too slow" }]));
  await happens(() => expect(sub.status).toBe("live"));
  const { last } = await server.do("publish", { symbol: "AAPL", times: 1 });
  await happens(() => expect([sub.current?.time, sub.stale]).toEqual([last, false]));
  expect(gaps).toMatchObject([{ reason: "reconnect", missed: expect.any(Number) }]);
});

test("what the server drops for a slow consumer is reported, and nothing else is missing", async () => {
  const server = await kit("--unsent-bytes", "20000", "--drop-oldest");
  const network = await proxy(server);
  const api = client(network.url);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const oracle = new Oracle(sub);
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  await sub.ready;
  network.clog();
  await server.do("publish", { symbol: "AAPL", times: 100_000 });
  network.unclog();
  const { last } = await server.do("publish", { symbol: "AAPL", times: 1 });
  await happens(() => expect(sub.current?.time).toBe(last));
  oracle.settled(last);
  expect([oracle.complaints, api.closes]).toEqual([[], []]);
  expect(gaps.length).toBeGreaterThan(0);
  expect(gaps.every(({ reason }) => reason === "skipped")).toBe(true);
  expect(oracle.values + gaps.reduce((sum, { missed }) => sum + missed!, 0)).toBe(last);
});

test("time limits: the heartbeat is learnt from the first close, the lifespan is lived with", async () => {
  const server = await kit("--fastws", "--heartbeat", "1.5");
  const api = client(server.url);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await happens(() => expect(api.closes).toMatchObject([{ code: 1003, kind: "time_limit", reconnects: true }]));
  await happens(() => expect(sub.status).toBe("live"));
  const alive = Date.now();
  await happens(() => expect(Date.now() - alive).toBeGreaterThan(4_000));
  expect(api.closes.length).toBe(1);

  const brief = await kit("--lifespan", "0.3");
  const other = client(brief.url);
  const bars = other.bars.subscribe({ symbol: "AAPL" });
  await happens(() => expect(other.closes.length).toBeGreaterThanOrEqual(3));
  expect(other.closes.every(({ kind }) => kind === "time_limit")).toBe(true);
  await happens(() => expect(bars.status).toBe("live"));
});

test("refusals by hooks and limits, and subscriptions that the server ends", async () => {
  const server = await kit("--subscriptions", "3");
  const api = client(server.url);
  const later = api.orders.subscribe({ accountId: "later" });
  await happens(() => expect([later.status, later.error]).toMatchObject(["retrying", { code: "rate_limited", retryAfterMs: 1500 }]));
  later.close();
  const subs = ["A", "B", "C"].map((symbol) => api.bars.subscribe({ symbol }));
  await Promise.all(subs.map(({ ready }) => ready));
  await expect(api.bars.subscribe({ symbol: "D" }).ready).rejects.toMatchObject({ code: "too_many_subscriptions", retryable: false });
  const [first, second, third] = subs;
  await server.do("end", { topic: first!.topic, code: "forbidden", retryable: false });
  await happens(() => expect([first!.status, first!.error]).toMatchObject(["failed", { code: "forbidden" }]));
  await server.do("end", { topic: second!.topic, code: "unavailable", retryable: true });
  await happens(() => expect(second!.status).toBe("retrying"));
  await happens(() => expect(second!.status).toBe("live"));
  expect(third!.status).toBe("live");
  expect(api.closes).toEqual([]);
});

test("leaving a topic unsubscribes, whatever happened in between", async () => {
  const server = await kit();
  const api = client(server.url);
  const [one, two] = [api.bars.subscribe({ symbol: "AAPL" }), api.bars.subscribe({ symbol: "AAPL" })];
  const early = api.bars.subscribe({ symbol: "MSFT" });
  early.close();
  await Promise.all([one.ready, two.ready]);
  await api.ping();
  expect((await server.do("count")).topics).toEqual({ [one.topic]: 1 });
  one.close();
  two.close();
  await api.ping();
  expect((await server.do("count")).topics).toEqual({});
});
