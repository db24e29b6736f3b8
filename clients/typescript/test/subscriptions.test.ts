// Subscriptions: shared, notified of everything, left by the last listener, closed in every way.

import { expect, test, vi } from "vitest";

import type { Gap, Status } from "../src/index.js";
import { FaultError, NotSentError, RefusalError, TopicError } from "../src/index.js";
import type { Bar } from "./kit/api.js";
import { drain } from "./support/oracle.js";
import { Server } from "./support/server.js";
import { AAPL, bar, client, pass, simulate } from "./support/sim.js";

simulate();

test("values come by loop, by listener and as the current one; defaults are filled in", async () => {
  const server = new Server();
  const api = client(server);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  expect([sub.status, sub.current, sub.topic]).toEqual(["subscribing", undefined, AAPL]);
  const heard: number[] = [];
  sub.on((it, info) => heard.push(it.time, info.seq));
  await pass();
  expect(await sub.ready).toEqual({ topic: AAPL, epoch: "e1", seq: 0 });
  expect(server.socket.received).toEqual([{ type: "bars.subscribe", id: 1, payload: { symbol: "AAPL", resolution: "1" } }]);
  expect([sub.status, sub.params, sub.route]).toEqual(["live", { symbol: "AAPL", resolution: "1" }, "bars"]);
  const loop = (async () => {
    const read: number[] = [];
    for await (const it of sub) if (read.push(it.time) === 2) break;
    return read;
  })();
  for (const number of [1, 2, 3]) server.publish(AAPL, bar(number));
  await pass();
  expect(await loop).toEqual([1, 2]);
  expect([heard, sub.current, sub.stale]).toEqual([[1, 1, 2, 2, 3, 3], bar(3), false]);
  // Leaving a loop leaves the subscription.
  expect(sub.status).toBe("live");
});

test("nothing that comes between ready and the first listener of the same turn is lost", async () => {
  const server = new Server();
  server.snapshot = () => bar(7);
  const api = client(server);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const first = sub.ready.then(async () => {
    for await (const it of sub) return it;
    return undefined;
  });
  const other = api.bars.subscribe({ symbol: "AAPL" });
  const heard: Bar[] = [];
  void other.ready.then(() => other.on((it) => heard.push(it)));
  await pass();
  expect(await first).toEqual(bar(7));
  expect(heard).toEqual([bar(7)]);
  // Some sockets deliver several messages before anything else runs.
  server.answer = () => "silence";
  const subs = ["A", "B"].map((symbol) => api.bars.subscribe({ symbol }));
  const times: number[] = [];
  void subs[0]!.ready.then(async () => {
    for await (const it of subs[0]!) times.push(it.time);
  });
  void subs[1]!.ready.then(() => subs[1]!.on((it) => times.push(it.time)));
  await pass();
  const deliver = (message: object): void => server.socket.onmessage!({ data: JSON.stringify(message) });
  for (const [at, { topic }] of subs.entries()) {
    const { id } = server.socket.received.at(at - 2)!;
    deliver({ type: "bars.subscribe.response", id, epoch: "e", seq: 0, payload: { status: "ok", topic } });
    deliver({ type: "bars.update", topic, seq: 1, payload: bar(1) });
    deliver({ type: "bars.update", topic, seq: 2, payload: bar(2) });
  }
  await pass();
  expect(times.sort()).toEqual([1, 1, 2, 2]);
});

test("many listeners are one subscription, left when the last is gone", async () => {
  const server = new Server();
  const api = client(server);
  const one = api.bars.subscribe({ symbol: "AAPL" });
  const two = api.bars.subscribe({ resolution: "1", symbol: "AAPL" });
  const different = api.bars.subscribe({ symbol: "AAPL", resolution: "D" });
  await pass();
  const three = api.bars.subscribe({ symbol: "AAPL" });
  await three.ready;
  expect(server.socket.received.map(({ type }) => type)).toEqual(["bars.subscribe", "bars.subscribe"]);
  one.close();
  one.close();
  two.close();
  await pass();
  expect(server.socket.subscriptions.size).toBe(2);
  server.publish(AAPL, bar(1));
  await pass();
  expect([one.status, two.status, three.current]).toEqual(["closed", "closed", bar(1)]);
  three.close();
  await pass();
  expect(server.socket.received.at(-1)).toMatchObject({ type: "bars.unsubscribe", payload: { symbol: "AAPL", resolution: "1" } });
  expect([...server.socket.subscriptions]).toEqual([different.topic]);
});

test("leaving and joining again in one turn keeps the subscription and its snapshot", async () => {
  const server = new Server();
  server.snapshot = () => bar(1);
  const api = client(server);
  await pass();
  // What React does in its strict mode.
  api.bars.subscribe({ symbol: "AAPL" }).close();
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass();
  expect([sub.current, sub.status]).toEqual([bar(1), "live"]);
  expect(server.socket.received.length).toBe(1);
  sub.close();
  const again = api.bars.subscribe({ symbol: "AAPL" });
  server.snapshot = () => bar(2);
  await pass();
  expect([again.current, again.status]).toEqual([bar(2), "live"]);
  expect(server.socket.received.map(({ type }) => type.split(".")[1])).toEqual(["subscribe", "unsubscribe", "subscribe"]);
  again.close();
  api.bars.subscribe({ symbol: "MSFT" }).close();
  await pass();
  expect(server.socket.subscriptions.size).toBe(0);
});

test("params that other params have the topic of share it, and leaving one keeps the other", async () => {
  const server = new Server();
  server.answer = ({ type, payload }, socket) => {
    // A server for which upper and lower case are the same.
    if (payload?.symbol) payload.symbol = payload.symbol.toUpperCase();
    void type;
    void socket;
    return undefined;
  };
  const api = client(server);
  const upper = api.bars.subscribe({ symbol: "AAPL" });
  const lower = api.bars.subscribe({ symbol: "aapl" });
  await pass();
  expect([lower.topic, upper.topic]).toEqual([AAPL, AAPL]);
  server.publish(AAPL, bar(1));
  await pass();
  expect([upper.current, lower.current]).toEqual([bar(1), bar(1)]);
  upper.close();
  await pass();
  server.publish(AAPL, bar(2));
  await pass();
  expect(lower.current).toEqual(bar(2));
  // Leaving while the other is being asked for: it is asked for again.
  const late = api.bars.subscribe({ symbol: "Aapl" });
  lower.close();
  await pass();
  server.publish(AAPL, bar(3));
  await pass();
  expect([late.status, late.current]).toEqual(["live", bar(3)]);
  late.close();
  await pass();
  expect(server.socket.subscriptions.size).toBe(0);
});

test("gaps are reported: what the server skipped, what is missing, what a reconnect cost", async () => {
  const server = new Server();
  const api = client(server, { backoff: { base: 10 } });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  const errors: string[] = [];
  api.$client.on("error", (error) => errors.push((error as Error).message));
  await pass();
  server.publish(AAPL, bar(1));
  server.publish(AAPL, bar(4), 2);
  await pass();
  expect(gaps.splice(0)).toEqual([{ reason: "skipped", missed: 2 }]);
  // Numbers that are missing without a word.
  server.topic(AAPL).seq += 3;
  server.publish(AAPL, bar(8));
  await pass();
  expect(gaps.splice(0)).toEqual([{ reason: "sequence", missed: 3 }]);
  expect(errors.splice(0)).toEqual([`${AAPL}: update 8 follows 4, 0 skipped`]);
  // A duplicate update is delivered once.
  const heard: number[] = [];
  sub.on((it) => heard.push(it.time));
  server.socket.deliver({ type: "bars.update", topic: AAPL, seq: server.topic(AAPL).seq, payload: bar(8) });
  await pass();
  expect([heard, gaps]).toEqual([[], []]);
  expect(errors).toEqual([`${AAPL}: update 8 follows 8, 0 skipped`]);
  // Published while disconnected, in the same epoch.
  server.socket.cut();
  expect([sub.status, sub.stale, sub.current]).toEqual(["reconnecting", true, bar(8)]);
  server.publish(AAPL, bar(9));
  server.publish(AAPL, bar(10));
  await pass(100);
  expect([gaps.splice(0), sub.status, sub.stale]).toEqual([[{ reason: "reconnect", missed: 2 }], "live", true]);
  server.publish(AAPL, bar(11));
  await pass();
  expect([sub.stale, sub.current]).toEqual([false, bar(11)]);
  // Nothing was published meanwhile: what is held is the newest there is.
  server.socket.cut();
  await pass(100);
  expect([gaps.splice(0), sub.stale]).toEqual([[], false]);
  // A new epoch: how much is missing cannot be known.
  server.restart();
  await pass(100);
  expect([gaps, sub.stale]).toEqual([[{ reason: "epoch", missed: null }], true]);
});

test("signals end listeners, iterators and subscriptions; using closes", async () => {
  const server = new Server();
  const api = client(server);
  const all = new AbortController();
  const sub = api.bars.subscribe({ symbol: "AAPL" }, { signal: all.signal });
  await pass();
  const some = new AbortController();
  const heard: number[] = [];
  sub.on((it) => heard.push(it.time), { signal: some.signal });
  const iterated = drain(sub.values({ signal: some.signal })).catch((error: unknown) => error);
  server.publish(AAPL, bar(1));
  await pass();
  some.abort(new Error("enough"));
  server.publish(AAPL, bar(2));
  await pass();
  expect(heard).toEqual([1]);
  expect(await iterated).toEqual(new Error("enough"));
  const rest = drain(sub).catch((error: unknown) => error);
  all.abort(new Error("all of it"));
  expect([await rest, sub.status]).toEqual([new Error("all of it"), "closed"]);
  await pass();
  expect(server.socket.subscriptions.size).toBe(0);
  const before = server.socket.received.length;
  const late = api.bars.subscribe({ symbol: "X" }, { signal: all.signal });
  await expect(late.ready).rejects.toEqual(new Error("all of it"));
  await pass();
  expect([late.status, server.socket.received.length]).toEqual(["closed", before]);
  let left;
  {
    using scoped = api.bars.subscribe({ symbol: "Y" });
    left = scoped;
  }
  expect(left.status).toBe("closed");
  await expect(left.ready).rejects.toBeInstanceOf(NotSentError);
});

test("a listener that throws or rejects does not affect others", async () => {
  const server = new Server();
  const api = client(server);
  const errors: unknown[] = [];
  const off = api.$client.on("error", (error) => errors.push(error));
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  sub.on(() => {
    throw new Error("first");
  });
  sub.on(async () => {
    throw new Error("second");
  });
  const heard: number[] = [];
  sub.on((it) => heard.push(it.time));
  sub.on("status", () => {
    throw new Error("third");
  });
  await pass();
  server.publish(AAPL, bar(1));
  server.publish(AAPL, bar(2));
  await pass();
  expect([heard, sub.status, sub.current]).toEqual([[1, 2], "live", bar(2)]);
  expect(errors.map((error) => (error as Error).message).sort()).toEqual(["first", "first", "second", "second", "third"]);
  // Nobody listens for errors: they go to the console, and stop nothing.
  off();
  const complain = vi.spyOn(console, "error").mockImplementation(() => {});
  server.publish(AAPL, bar(3));
  await pass();
  expect([complain.mock.calls.length, heard.at(-1)]).toEqual([2, 3]);
  sub.close();
  expect(complain).toHaveBeenCalledTimes(3);
  complain.mockReset();
});

test("refusals that may pass are tried again when they say, others end it", async () => {
  const server = new Server();
  const api = client(server);
  let refusals = 2;
  server.answer = ({ type, payload }) => {
    if (type !== "bars.subscribe") return undefined;
    if (payload.symbol === "NONE") {
      return { status: "error", symbol: "NONE", code: "unknown_symbol", message: "no such symbol", retryable: false };
    }
    if (refusals-- > 0) {
      return { status: "error", code: "rate_limited", message: "slow down", retryable: true, retry_after_ms: 1500 };
    }
    return undefined;
  };
  const reported: unknown[] = [];
  api.$client.on("refusal", ({ operation, topic, error }) => reported.push([operation, topic, error.code]));
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const statuses: Status[] = [];
  sub.on("status", (status) => statuses.push(status));
  const refused = vi.fn();
  sub.on("refusal", refused);
  await pass();
  expect([sub.status, sub.error]).toEqual(["retrying", expect.objectContaining({ code: "rate_limited", retryAfterMs: 1500 })]);
  await pass(1400);
  expect(server.socket.received.length).toBe(1);
  await pass(100);
  expect(server.socket.received.length).toBe(2);
  // The connection is lost while it waits: it is still not asked too early.
  server.socket.cut();
  await pass(1000);
  expect([server.socket.received.length, sub.status]).toEqual([0, "retrying"]);
  await pass(1000);
  await sub.ready;
  expect([sub.status, sub.error, statuses]).toEqual(["live", undefined, ["retrying", "live"]]);
  expect(refused).toHaveBeenCalledTimes(2);

  const none = api.bars.subscribe({ symbol: "NONE" });
  const loop = drain(none).catch((error: unknown) => error);
  await pass();
  const error = await none.ready.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(RefusalError);
  expect(error).toMatchObject({ name: "RefusalError", code: "unknown_symbol", retryable: false, message: "no such symbol" });
  expect([await loop, none.status, none.error]).toEqual([error, "failed", error]);
  expect(reported.at(-1)).toEqual(["bars.subscribe", none.topic, "unknown_symbol"]);
  // A new subscription does not repeat the old refusal: the client asks the server again.
  const asked = server.socket.received.length;
  api.bars.subscribe({ symbol: "NONE" });
  await pass();
  expect(server.socket.received.length).toBe(asked + 1);
});

test("the server ends a subscription: for good, or until it is tried again", async () => {
  const server = new Server();
  const api = client(server);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const other = api.bars.subscribe({ symbol: "MSFT" });
  await pass();
  server.publish(AAPL, bar(1));
  await pass();
  const end = (retryable: boolean): void => {
    server.socket.subscriptions.delete(AAPL);
    server.socket.deliver({ type: "bars.unsubscribed", topic: AAPL, payload: { code: "unavailable", message: "later", retryable } });
  };
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  end(true);
  await pass();
  expect([sub.status, sub.stale]).toEqual(["retrying", true]);
  server.publish(AAPL, bar(2));
  await pass(1000);
  expect([sub.status, sub.current, sub.stale]).toEqual(["live", bar(1), true]);
  server.publish(AAPL, bar(3));
  await pass();
  expect([sub.current, sub.stale]).toEqual([bar(3), false]);
  const loop = drain(sub).catch((error: unknown) => error);
  end(false);
  await pass();
  expect(await loop).toMatchObject({ code: "unavailable" });
  expect([sub.status, other.status]).toEqual(["failed", "live"]);
  // Nothing is left to be unsubscribed from.
  expect(server.socket.received.filter(({ type }) => type === "bars.unsubscribe")).toEqual([]);
});

test("params without a topic are refused at once", async () => {
  const api = client(new Server());
  expect(() => api.executions.subscribe({ accountId: "A", symbol: "" })).toThrow(TopicError);
  expect(() => api.executions.subscribe({ accountId: "A", symbol: "" })).toThrow(
    'params.symbol is optional and ""; omit it or set a non-empty text',
  );
  expect(() => api.bars.subscribe({ symbol: "\ud800" })).toThrow("params.symbol has a lone surrogate");
});

test("a fault of form fails the subscription, and the same request is not sent again", async () => {
  const server = new Server();
  server.answer = ({ type, id }, socket) => {
    if (type !== "bars.subscribe") return undefined;
    server.fault(socket, id);
    return "silence";
  };
  const api = client(server);
  const faults: string[] = [];
  api.$client.on("fault", (error) => faults.push(error.message));
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass();
  await expect(sub.ready).rejects.toBeInstanceOf(FaultError);
  expect(faults).toEqual(["bars.subscribe: Could not validate payload"]);
  const again = api.bars.subscribe({ symbol: "AAPL" });
  await expect(again.ready).rejects.toBe(sub.error);
  await pass(60_000);
  expect(server.socket.received.filter(({ type }) => type !== "ping").length).toBe(1);
  expect(server.sockets.length).toBe(1);
});
