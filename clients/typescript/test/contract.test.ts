// The tables of closes and delays that every client keeps to.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test, vi } from "vitest";

import type { CloseInfo } from "../src/index.js";
import { FaultError, NotSentError, RefusalError } from "../src/index.js";
import { Server } from "./support/server.js";
import { ROOT } from "./support/programs.js";
import { client, pass, simulate } from "./support/sim.js";

simulate();

const read = (name: string): any[] => JSON.parse(readFileSync(join(ROOT, "tests/contract", name), "utf8"));

/** Subscriptions that the server was asked for on the newest connection. */
const asked = (server: Server): string[] => server.socket.received.map(({ payload }) => payload?.symbol);

const CLOSES = read("closes.json").flatMap(({ last, ...close }) => [close, ...(last ? [{ ...close, code: last }] : [])]);

test.each(CLOSES)("a close with $code `$reason` is $kind", async (close) => {
  const { code, reason, kind, reconnects, pending, min_backoff_ms: least } = close;
  const server = new Server();
  server.answer = ({ payload }) => (payload?.symbol === "PENDING" ? "silence" : undefined);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const api = client(server);
  const closes: CloseInfo[] = [];
  api.$client.on("close", (close) => closes.push(close));
  const good = api.bars.subscribe({ symbol: "GOOD" });
  await pass();
  const sub = api.bars.subscribe({ symbol: "PENDING" });
  await pass();
  server.socket.end(code, reason);
  await pass(1);
  expect(closes).toEqual([{ kind, code, reason, reconnects: true }]);
  expect(api.$client.state).toMatchObject({ status: "waiting", close: closes[0] });
  expect(sub.status).toBe({ repeated: "subscribing", retried: "retrying", failed: "failed" }[pending as string]);
  // Half of the first backoff of 500 ms, and what is due before.
  await pass(least + 248);
  expect(server.sockets.length).toBe(1);
  await pass(10);
  expect([server.sockets.length, good.status]).toEqual([2, "live"]);
  // A retried one waits for as long as the connection where that waits for the backoff alone.
  if (least || pending !== "retried") expect(asked(server).includes("PENDING")).toBe(pending !== "failed");
  const waiting = api.bars.subscribe({ symbol: "OTHER" });
  await pass();
  server.socket.end(code, reason);
  await pass(1);
  const stops = reconnects === "once";
  expect(closes.at(-1)!.reconnects).toBe(!stops);
  expect(api.$client.state.status).toBe(stops ? "closed" : "waiting");
  if (stops) {
    expect([waiting.status, waiting.error]).toMatchObject(["failed", { code: "unauthenticated", message: reason, retryable: false }]);
    expect(waiting.error).toBeInstanceOf(RefusalError);
    await expect(api.ping()).rejects.toBeInstanceOf(NotSentError);
  }
});

test("a token that lasted for a minute was accepted", async () => {
  const server = new Server();
  const api = client(server);
  for (let times = 0; times < 5; times += 1) {
    await pass(61_000);
    server.socket.end(1008, "Token revoked");
    await pass(1_000);
    expect(api.$client.state.status).toBe("open");
  }
  server.socket.end(1008, "Token revoked");
  await pass(1_000);
  expect(api.$client.state.status).toBe("closed");
});

/** How long the client waits, by what the server set. */
const WAITS: { readonly [source: string]: (value: any) => Promise<number> } = {
  async retry_after_ms(value) {
    const server = new Server();
    const times: number[] = [];
    const refusal = { status: "error", code: "rate_limited", message: "", retryable: true, retry_after_ms: value };
    server.answer = ({ type }) => {
      if (type !== "bars.subscribe") return undefined;
      return times.push(Date.now()) > 1 ? undefined : refusal;
    };
    client(server).bars.subscribe({ symbol: "AAPL" });
    await pass(310_000);
    return times[1]! - times[0]!;
  },
  async reconnect_after_ms(value) {
    const server = new Server();
    const api = client(server);
    await pass();
    server.socket.deliver({ type: "going_away", payload: { reconnect_after_ms: value } });
    server.socket.end(1001);
    await pass(2);
    const { state } = api.$client;
    return state.status === "waiting" ? state.retryAt - Date.now() : 0;
  },
  async ["Retry-After"](value) {
    const server = new Server();
    const api = client(server);
    server.socket.refuse(429, value === null ? {} : { "retry-after": value });
    const { state } = api.$client;
    expect(state).toMatchObject({ status: "waiting", close: { kind: "unreachable", reason: "HTTP status 429" } });
    return state.status === "waiting" ? state.retryAt - Date.now() : NaN;
  },
  async heartbeat(value) {
    const server = new Server();
    client(server, { backoff: { base: 0 } });
    await pass();
    server.socket.end(1003, `Connection timed out. Heartbeat interval ${value}. Max connection lifespan unset`);
    await pass(1);
    await pass(20_050);
    return 20_000 / server.socket.received.length;
  },
};

test.each(read("delays.json").flatMap((delay) => [0, 0.9999].map((random) => ({ ...delay, random }))))(
  "$source $value is within its bounds at $random",
  async ({ source, value, min_ms: min, max_ms: max, random }) => {
    vi.spyOn(Math, "random").mockReturnValue(random);
    const wait = await WAITS[source]!(value);
    // Messages and timers take up to a few milliseconds here.
    expect(wait).toBeGreaterThanOrEqual(min - 3);
    expect(wait).toBeLessThanOrEqual(max + 5);
  },
);

test.each([["going_away", "reconnect_after_ms"], ["bars.subscribe.response", "retry_after_ms"]])(
  "a delay beyond the largest number is the longest there is: %s",
  async (type, name) => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    const server = new Server();
    server.answer = ({ type }) => (type === "bars.subscribe" ? "silence" : undefined);
    const api = client(server);
    api.bars.subscribe({ symbol: "AAPL" });
    await pass();
    const refusal = '"status":"error","code":"c","message":"m","retryable":true';
    server.socket.raw(`{"type":"${type}",${type === "going_away" ? "" : '"id":1,'}"payload":{${refusal},"${name}":1e400}}`);
    if (type === "going_away") server.socket.end(1001);
    const count = (): number => server.sockets.flatMap(({ received }) => received.filter(({ type }) => type === "bars.subscribe")).length;
    await pass(299_000);
    expect(count()).toBe(1);
    await pass(2_000);
    expect(count()).toBe(2);
  },
);

test.each([0, 999, 1015])("a close with the code %i, if a WebSocket class reports it, violates the protocol", async (code) => {
  const server = new Server();
  const api = client(server);
  const kinds: string[] = [];
  api.$client.on("close", ({ kind }) => kinds.push(kind));
  await pass();
  server.socket.end(code);
  await pass(1);
  expect(kinds).toEqual(["protocol"]);
});

test("a server that does not read is left at the next ping", async () => {
  const server = new Server();
  const api = client(server);
  const closes: CloseInfo[] = [];
  api.$client.on("close", (close) => closes.push(close));
  await pass();
  server.socket.bufferedAmount = 2 ** 24;
  await pass(10_000);
  expect(closes).toEqual([]);
  server.socket.bufferedAmount += 1;
  await pass(10_000);
  const reason = "more than 16777216 bytes are unwritten";
  expect(closes).toEqual([{ kind: "not_reading", code: 1006, reason, reconnects: true }]);
});

test("an agreement that names no topic is a fault, and so is what is neither yes nor no", async () => {
  for (const payload of [{ status: "ok" }, { status: "ok", topic: 7 }, {}, { status: "error" }]) {
    const server = new Server();
    server.answer = ({ type }) => (type === "bars.subscribe" ? payload : undefined);
    const sub = client(server).bars.subscribe({ symbol: "AAPL" });
    await pass();
    expect([sub.status, sub.error]).toEqual(["failed", expect.any(FaultError)]);
    expect(sub.error!.message).toBe("bars.subscribe: the reply neither accepts with a topic nor refuses");
  }
});

test("a subscription that is not answered is asked for again, and a late answer counts", async () => {
  const server = new Server();
  server.answer = ({ type }) => (type === "bars.subscribe" ? "silence" : undefined);
  const api = client(server);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass(10_005);
  expect([sub.status, sub.error]).toMatchObject(["retrying", { code: "timeout", retryable: true }]);
  await pass(1_000_000);
  const ids = server.socket.received.filter(({ type }) => type === "bars.subscribe").map(({ id }) => id);
  // Each attempt times out after 10 s, and the backoff grows to 30 s; all share one id, so memory is bounded.
  expect(ids.length).toBeGreaterThan(20);
  expect(ids.length).toBeLessThan(100);
  expect(new Set(ids).size).toBe(1);
  const { topic } = sub;
  server.socket.deliver({ type: "bars.subscribe.response", id: ids[0], epoch: "e", seq: 4, payload: { status: "ok", topic } });
  await pass();
  expect(sub.status).toBe("live");
  sub.close();
  await pass();
  expect(server.socket.received.at(-1)!.type).toBe("bars.unsubscribe");
});

test("a subscription that was given up unanswered is left", async () => {
  const server = new Server();
  server.answer = ({ type }) => (type === "bars.subscribe" ? "silence" : undefined);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const api = client(server, { heartbeat: false });
  const [waiting, asked] = [api.bars.subscribe({ symbol: "A" }), api.bars.subscribe({ symbol: "B" })];
  const left = (symbol: string): boolean =>
    server.socket.received.some(({ type, payload }) => type === "bars.unsubscribe" && payload.symbol === symbol);
  await pass(10_010);
  waiting.close();
  await pass();
  expect([left("A"), left("B")]).toEqual([true, false]);
  await pass(300);
  // What has been asked is answered first, or given up.
  asked.close();
  await pass(10_000);
  expect(left("B")).toBe(true);
});

test("what was asked twice and refused once is left", async () => {
  const server = new Server();
  server.answer = ({ type }) => (type === "bars.subscribe" ? "silence" : undefined);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const sub = client(server, { heartbeat: false }).bars.subscribe({ symbol: "AAPL" });
  await pass(10_500);
  const [first, second] = server.socket.received;
  expect([second, server.socket.received.length]).toEqual([first, 2]);
  const refusal = { status: "error", code: "unavailable", message: "", retryable: true };
  server.socket.deliver({ type: "bars.subscribe.response", id: first!.id, payload: refusal });
  await pass(1);
  expect(sub.status).toBe("retrying");
  sub.close();
  await pass();
  expect(server.socket.received.at(-1)!.type).toBe("bars.unsubscribe");
});

test("a server that agrees and takes it back is asked less and less", async () => {
  const server = new Server();
  let times = 0;
  server.answer = ({ type, id, payload }, socket) => {
    if (type !== "bars.subscribe") return undefined;
    times += 1;
    const topic = `bars:{"resolution":"1","symbol":"${payload.symbol}"}`;
    socket.deliver({ type: "bars.subscribe.response", id, epoch: "e", seq: 0, payload: { status: "ok", topic } });
    const end = { code: "reset", message: "", retryable: true, retry_after_ms: 0 };
    socket.deliver({ type: "bars.unsubscribed", topic, payload: end });
    return "silence";
  };
  client(server).bars.subscribe({ symbol: "AAPL" });
  await pass(600_000);
  expect(times).toBeGreaterThan(20);
  expect(times).toBeLessThan(100);
});
