// The connection: reconnects forever, stays alive, and does not repeat a fault.

import { expect, test, vi } from "vitest";

import type { CloseInfo } from "../src/index.js";
import { FaultError, RefusalError, UnknownOutcomeError } from "../src/index.js";
import { connect } from "./kit/api.js";
import { drain } from "./support/oracle.js";
import { Server } from "./support/server.js";
import { AAPL, bar, chance, client, pass, simulate, URL_OF_SIM } from "./support/sim.js";

simulate();

test("without a WebSocket the error says how to give one", () => {
  vi.stubGlobal("WebSocket", undefined);
  expect(() => connect(URL_OF_SIM)).toThrow(/no WebSocket: pass that of the `ws` package, as in connect\(url, \{ WebSocket \}\)/);
  const server = new Server();
  vi.stubGlobal("WebSocket", server.WebSocket);
  const api = connect(URL_OF_SIM);
  expect(server.sockets.length).toBe(1);
  api.$client.close();
});

test("addresses of pages become addresses of sockets", async () => {
  const server = new Server();
  const at = (url: string | URL): string => {
    const api = connect(url, { WebSocket: server.WebSocket, protocols: ["a"] });
    api.$client.close();
    return server.socket.url;
  };
  expect(at("http://host:8000/ws")).toBe("ws://host:8000/ws");
  expect(at(new URL("https://host/ws?x=1"))).toBe("wss://host/ws?x=1");
  vi.stubGlobal("location", { href: "https://page.test/a/b" });
  expect(at("/api/v1/ws")).toBe("wss://page.test/api/v1/ws");
  expect(server.socket.protocols).toEqual(["a"]);
  vi.unstubAllGlobals();
  expect(() => at("no address")).toThrow(TypeError);
});

test("delays are random up to a limit that doubles, is capped, and is reset by a stable connection", async () => {
  const server = new Server();
  server.up = false;
  vi.spyOn(Math, "random").mockReturnValue(0.999);
  const api = client(server, { backoff: { base: 100, cap: 1000, stable: 5000 } });
  const waits: number[] = [];
  api.$client.on("state", (state) => {
    if (state.status === "waiting") waits.push(Math.round(state.retryAt - Date.now()));
  });
  await pass(6000);
  expect(waits.slice(0, 7)).toEqual([100, 200, 400, 799, 999, 999, 999]);
  const attempts = waits.length;
  server.up = true;
  await pass(1000);
  expect(api.$client.state.status).toBe("open");
  await pass(4000);
  server.socket.cut();
  // It did not last long enough to count.
  expect(waits.at(-1)).toBe(999);
  await pass(1000);
  await pass(5000);
  server.socket.cut();
  expect([waits.at(-1), waits.length]).toEqual([100, attempts + 2]);
});

test("full jitter: waits are spread over the whole of their range", async () => {
  const server = new Server();
  server.up = false;
  chance(1);
  const api = client(server, { backoff: { base: 1000, cap: 1000 } });
  const waits: number[] = [];
  api.$client.on("state", (state) => {
    if (state.status === "waiting") waits.push(state.retryAt - Date.now());
  });
  await pass(200_000);
  expect(waits.length).toBeGreaterThan(200);
  for (const [low, high] of [[0, 250], [250, 500], [500, 750], [750, 1000]] as const) {
    const share = waits.filter((wait) => wait >= low && wait < high).length / waits.length;
    expect(share).toBeGreaterThan(0.18);
    expect(share).toBeLessThan(0.32);
  }
});

test("it never gives up", async () => {
  const server = new Server();
  server.up = false;
  const api = client(server);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass(24 * 3600 * 1000);
  expect([api.$client.state.status === "closed", sub.status]).toEqual([false, "subscribing"]);
  server.up = true;
  await pass(30_000);
  expect(sub.status).toBe("live");
});

test("it resubscribes in one burst, before anything is answered", async () => {
  const server = new Server();
  const api = client(server, { backoff: { base: 10 } });
  const subs = Array.from({ length: 300 }, (_, at) => api.bars.subscribe({ symbol: `S${at}` }));
  await pass();
  server.socket.cut();
  server.answer = () => "silence";
  await pass(50);
  expect(server.sockets.length).toBe(2);
  expect(server.socket.received.map(({ payload }) => payload.symbol)).toEqual(subs.map(({ params }) => params.symbol));
});

test.each<[number, string]>([
  [1003, "Could not validate payload"],
  [1003, "No matching type"],
  [1003, ""],
  [1009, "too big"],
])("the first unanswered request is to blame for %i %s and is never repeated", async (code, reason) => {
  const server = new Server();
  server.fastws = true;
  server.answer = ({ payload, id }, socket) => {
    if (payload?.symbol !== "BAD") return undefined;
    void id;
    socket.end(code, reason);
    return "silence";
  };
  const api = client(server, { backoff: { base: 10 } });
  await pass();
  const good = api.bars.subscribe({ symbol: "GOOD" });
  const bad = api.bars.subscribe({ symbol: "BAD" });
  const after = api.bars.subscribe({ symbol: "AFTER" });
  const order = api.orders.place({ symbol: "X", quantity: 1 });
  const lost = order.catch((error: unknown) => error);
  await pass(100);
  expect([good.status, bad.status, after.status]).toEqual(["live", "failed", "live"]);
  expect(bad.error).toBeInstanceOf(FaultError);
  expect(bad.error).toMatchObject({ retryable: false, operation: "bars.subscribe" });
  expect(await lost).toBeInstanceOf(UnknownOutcomeError);
  await expect(api.bars.subscribe({ symbol: "BAD" }).ready).rejects.toBe(bad.error);
  await pass(60_000);
  const sent = server.sockets.flatMap(({ received }) => received).filter(({ payload }) => payload?.symbol === "BAD");
  expect([sent.length, server.sockets.length]).toEqual([1, 2]);
});

test("an operation without a reply is blamed as exactly as one with", async () => {
  const server = new Server();
  server.fastws = true;
  server.answer = ({ type }, socket) => {
    if (type === "orders.place") socket.end(1003, "Could not validate payload");
    return type === "notice.me" || type === "orders.place" ? "silence" : undefined;
  };
  const api = client(server, { backoff: { base: 10 } });
  await pass();
  const sent = api.notice.me();
  const order = api.orders.place({ symbol: "X", quantity: 1 });
  const failure = order.catch((error: unknown) => error);
  await pass();
  await expect(sent).resolves.toBeUndefined();
  expect(await failure).toBeInstanceOf(FaultError);
  await expect(api.orders.place({ symbol: "X", quantity: 1 })).rejects.toBe(await failure);
});

test("a fault that no request can be blamed for is no request's end, and it connects again", async () => {
  const server = new Server();
  const api = client(server, { backoff: { base: 10 } });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass();
  const closes: CloseInfo[] = [];
  api.$client.on("close", (close) => closes.push(close));
  server.socket.end(1003, "Could not validate payload");
  await pass(60_000);
  expect(closes).toEqual([{ kind: "fault", code: 1003, reason: "Could not validate payload", reconnects: true }]);
  expect([sub.status, server.sockets.length]).toEqual(["live", 2]);
  const ping = api.ping();
  await pass();
  expect(await ping).toMatchObject({ time: expect.any(Number) });
});

test("a subscription that makes a handler fail is tried again apart from the others", async () => {
  const server = new Server();
  let failures = 3;
  server.answer = ({ type, payload }, socket) => {
    if (type !== "bars.subscribe" || payload.symbol !== "BAD" || failures-- <= 0) return undefined;
    socket.end(1011, "A handler failed");
    return "silence";
  };
  const api = client(server, { backoff: { base: 10 } });
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const refusals: RefusalError[] = [];
  api.$client.on("refusal", ({ error }) => refusals.push(error));
  const good = api.bars.subscribe({ symbol: "GOOD" });
  const bad = api.bars.subscribe({ symbol: "BAD" });
  await pass(100);
  expect([good.status, bad.status, server.sockets.length]).toEqual(["live", "retrying", 2]);
  expect(refusals[0]).toMatchObject({ code: "internal", retryable: true, message: "A handler failed" });
  await pass(60_000);
  expect([good.status, bad.status, server.sockets.length]).toEqual(["live", "live", 4]);
});

test("a ping keeps the connection alive, and silence after it ends it", async () => {
  const server = new Server();
  const api = client(server, { heartbeat: { interval: 1000, timeout: 300 }, backoff: { base: 10 } });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass(5010);
  expect(server.socket.received.filter(({ type }) => type === "ping").length).toBe(5);
  expect([server.sockets.length, api.$client.latency]).toEqual([1, expect.any(Number)]);
  const closes: CloseInfo[] = [];
  api.$client.on("close", (close) => closes.push(close));
  server.socket.halfOpen = true;
  await pass(1280);
  expect(closes).toEqual([]);
  await pass(50);
  expect(closes).toEqual([{ kind: "silent", code: 1006, reason: "nothing arrived for 300 ms", reconnects: true }]);
  await pass(50);
  expect([sub.status, server.sockets.length]).toEqual(["live", 2]);
});

test("messages count as signs of life, and carry the heartbeat where timers are held back", async () => {
  const server = new Server();
  const api = client(server, { heartbeat: { interval: 1000, timeout: 300 } });
  api.bars.subscribe({ symbol: "AAPL" });
  await pass();
  // The server is alive and answers no ping, for it is busy.
  server.answer = ({ type }) => (type === "ping" ? "silence" : undefined);
  for (let number = 1; number < 50; number += 1) {
    server.publish(AAPL, bar(number));
    await pass(200);
  }
  expect(server.sockets.length).toBe(1);
  // As in a hidden page: time passes and messages arrive, but timers do not run.
  const pings = (): number => server.socket.received.filter(({ type }) => type === "ping").length;
  const before = pings();
  vi.setSystemTime(Date.now() + 20_000);
  server.publish(AAPL, bar(50));
  await pass(5);
  expect(pings()).toBe(before + 1);
});

test("without a heartbeat nothing is sent", async () => {
  const server = new Server();
  client(server, { heartbeat: false });
  await pass(60_000);
  expect([server.socket.received, server.sockets.length]).toEqual([[], 1]);
});

test("a server that is less patient than the heartbeat teaches it", async () => {
  const server = new Server();
  const api = client(server, { backoff: { base: 10 } });
  await pass();
  server.socket.end(1003, "Connection timed out. Heartbeat interval 6.0. Max connection lifespan unset");
  await pass(20_100);
  expect(server.socket.received.length).toBe(10);
  expect(api.$client.state.status).toBe("open");
});

test("an attempt that takes too long is given up", async () => {
  const server = new Server();
  server.delay = () => 1e9;
  const api = client(server, { connectTimeout: 500, backoff: { base: 10 } });
  const closes: CloseInfo[] = [];
  api.$client.on("close", (close) => closes.push(close));
  await pass(499);
  expect(closes).toEqual([]);
  await pass(20);
  expect(closes).toEqual([{ kind: "unreachable", code: 1006, reason: "no connection within 500 ms", reconnects: true }]);
  expect(server.sockets.length).toBe(2);
});

test("the token function is called for every attempt, and its failure is retried", async () => {
  const server = new Server();
  let asked = 0;
  const token = vi.fn(async () => {
    asked += 1;
    if (asked === 2) throw new Error("the login is down");
    return `t&${asked}`;
  });
  const api = client(server, { token, backoff: { base: 10 } });
  const errors: unknown[] = [];
  const closes: CloseInfo[] = [];
  api.$client.on("error", (error) => errors.push(error));
  api.$client.on("close", (close) => closes.push(close));
  await pass(50);
  expect(server.socket.url).toBe(`${URL_OF_SIM}?access_token=t%261`);
  server.socket.cut();
  await pass(50);
  expect([server.socket.url, errors]).toEqual([`${URL_OF_SIM}?access_token=t%263`, [new Error("the login is down")]]);
  expect(closes.at(-1)).toMatchObject({ kind: "unreachable", reason: "the login is down" });
  client(server, { token: "fixed", tokenParameter: "jwt" });
  expect(server.socket.url).toBe(`${URL_OF_SIM}?jwt=fixed`);
  // Closing aborts what is being got.
  let aborted = false;
  const waiting = client(server, {
    token: (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject((aborted = true)))),
  });
  waiting.$client.close();
  await pass();
  expect(aborted).toBe(true);
});

test("the states of a connection are reported, and closed is the last", async () => {
  const server = new Server();
  const end = new AbortController();
  const api = client(server, { backoff: { base: 10 }, signal: end.signal });
  const states: string[] = [];
  api.$client.on("state", ({ status }) => states.push(status));
  expect(api.$client.state).toEqual({ status: "connecting", attempt: 0 });
  await pass();
  server.socket.cut();
  await pass(50);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const loop = drain(sub);
  await pass();
  end.abort();
  expect(states).toEqual(["open", "waiting", "connecting", "open", "closed"]);
  expect([sub.status, server.socket.readyState, await loop]).toEqual(["closed", 3, []]);
  await pass(60_000);
  expect(server.sockets.length).toBe(2);
  expect(api.bars.subscribe({ symbol: "AAPL" }).status).toBe("failed");
});

test("a page that is online again does not wait", async () => {
  const heard = new Map<string, () => void>();
  vi.stubGlobal("addEventListener", (name: string, listener: () => void) => heard.set(name, listener));
  vi.stubGlobal("removeEventListener", (name: string) => heard.delete(name));
  const server = new Server();
  server.up = false;
  vi.spyOn(Math, "random").mockReturnValue(0.999);
  const api = client(server, { backoff: { base: 1_000_000, cap: 1_000_000 } });
  await pass(10);
  expect(api.$client.state.status).toBe("waiting");
  server.up = true;
  heard.get("online")!();
  await pass(10);
  expect(api.$client.state.status).toBe("open");
  api.$client.close();
  expect(heard.size).toBe(0);
});

test("unreadable messages are reported and stop nothing", async () => {
  const server = new Server();
  const api = client(server);
  const errors: unknown[] = [];
  api.$client.on("error", (error) => errors.push(error));
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass();
  for (const message of ["{", "[]", "null", '{"type":1}', new ArrayBuffer(2)]) server.socket.raw(message);
  for (const type of ["constructor", "toString", "__proto__"]) server.socket.deliver({ type, payload: 1 });
  server.socket.deliver({ type: "bars.update", topic: "bars:{}", seq: 1, payload: bar(1) });
  server.socket.deliver({ type: "bars.what", topic: AAPL, seq: 1, payload: bar(1) });
  server.socket.deliver({ type: "ping.response", id: 99 });
  server.publish(AAPL, bar(1));
  await pass();
  expect([errors.length, sub.current, api.$client.state.status]).toEqual([5, bar(1), "open"]);
});

test("what listeners do while the connection is lost is done on the next", async () => {
  const server = new Server();
  const api = client(server, { backoff: { base: 10 } });
  await pass();
  const late: Promise<unknown>[] = [];
  server.answer = ({ type }) => (type === "orders.place" ? { number: 5 } : undefined);
  api.$client.on("close", () => {
    late.push(api.orders.place({ symbol: "X", quantity: 5 }), api.bars.subscribe({ symbol: "LATE" }).ready);
  });
  server.socket.cut();
  await pass(50);
  expect(await Promise.all(late)).toMatchObject([{ number: 5 }, { seq: 0 }]);
});
