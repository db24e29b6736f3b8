// Recovery: what the client asks for after a reconnect, and what it makes of the answer.

import { expect, test, vi } from "vitest";

import type { Gap, Item, Status } from "../src/index.js";
import { BOOK, closesClients, KINDS, kinds, level, QUOTES, TRADES } from "./support/kinds.js";
import { Model } from "./support/model.js";
import { drain } from "./support/oracle.js";
import type { Sent } from "./support/server.js";
import { pass, simulate } from "./support/sim.js";

simulate();
closesClients();

const trade = (id: number): { id: number; price: number } => ({ id, price: id / 2 });

/** The last subscribe request that the server received. */
const asked = (model: Model): Sent => model.socket.received.findLast(({ type }) => type.endsWith(".subscribe"))!;

test("after a reconnect the client recovers from the last value, and no gap is reported", async () => {
  const model = new Model(KINDS);
  const api = kinds(model);
  const sub = api.trades.subscribe({ symbol: "A" });
  const items = sub.items();
  await pass();
  expect(asked(model)).not.toHaveProperty("recover");
  for (const id of [1, 2]) model.publish(TRADES, trade(id));
  await pass();
  model.socket.cut();
  for (const id of [3, 4]) model.publish(TRADES, trade(id));
  await pass(50);
  expect(asked(model).recover).toEqual({ epoch: "e1", seq: 2 });
  model.publish(TRADES, trade(5));
  await pass();
  expect([sub.status, sub.stale, sub.current]).toEqual(["live", false, trade(5)]);
  sub.close();
  const read = (await drain(items)).map((item) => (item.kind === "value" ? item.value.id : item.kind === "status" ? item.status : item.gap));
  expect(read).toEqual(["live", 1, 2, "reconnecting", "live", 3, 4, 5, "closed"]);
});

test("a position exists from the first reply on, also before the first value", async () => {
  const model = new Model(KINDS);
  model.publish(TRADES, trade(1));
  const sub = kinds(model).trades.subscribe({ symbol: "A" });
  await pass();
  model.socket.cut();
  model.publish(TRADES, trade(2));
  await pass(50);
  expect([asked(model).recover, sub.current]).toEqual([{ epoch: "e1", seq: 1 }, trade(2)]);
});

test("before an announced snapshot arrives there is no position", async () => {
  const model = new Model(KINDS);
  model.publish(QUOTES, { bid: 1, ask: 2 });
  const api = kinds(model);
  const sub = api.quotes.subscribe({ symbol: "A" });
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  // The reply arrives, and the connection is cut before the snapshot.
  model.arrives = (text) => {
    if (String(text).includes(".snapshot") && model.sockets.length === 1) model.socket.cut();
  };
  const statuses: Status[] = [];
  sub.on("status", (status) => statuses.push(status));
  await pass(60);
  expect(statuses).toEqual(["live", "reconnecting", "live"]);
  expect(model.sockets.length).toBe(2);
  expect(asked(model)).not.toHaveProperty("recover");
  expect([sub.status, sub.current, gaps, api.errors]).toEqual(["live", { bid: 1, ask: 2 }, [], []]);
});

test("where the server cannot recover, a gap says why and how much is missing", async () => {
  const model = new Model(KINDS);
  const api = kinds(model);
  const sub = api.trades.subscribe({ symbol: "A" });
  const events: (Gap | Status)[] = [];
  sub.on("gap", (gap) => events.push(gap));
  sub.on("status", (status) => events.push(status));
  await pass();
  model.publish(TRADES, trade(1));
  await pass();
  model.history = 2;
  model.socket.cut();
  for (let id = 2; id <= 6; id += 1) model.publish(TRADES, trade(id));
  await pass(50);
  expect(events.splice(0)).toEqual(["live", "reconnecting", "live", { reason: "reconnect", missed: 5 }]);
  expect([sub.stale, sub.current]).toEqual([true, trade(1)]);
  model.publish(TRADES, trade(7));
  await pass();
  expect([sub.stale, sub.current]).toEqual([false, trade(7)]);
  model.restart();
  model.publish(TRADES, trade(8));
  await pass(50);
  expect(events).toEqual(["reconnecting", "live", { reason: "epoch", missed: null }]);
  expect(api.errors).toEqual([]);
});

test("a server that was uncertain causes a gap, even if its number is the client's", async () => {
  const model = new Model(KINDS);
  const sub = kinds(model).trades.subscribe({ symbol: "A" });
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  await pass();
  model.socket.cut();
  model.answer = ({ type, id }, socket) => {
    if (type !== "trades.subscribe") return undefined;
    socket.deliver({ type: `${type}.response`, id, epoch: "e1", seq: 0, recovered: false, payload: { status: "ok", topic: TRADES } });
    return "silence";
  };
  await pass(50);
  expect([sub.status, gaps]).toEqual(["live", [{ reason: "reconnect", missed: 0 }]]);
});

test("after a reset the client subscribes again without a position, and a gap is reported", async () => {
  const model = new Model(KINDS);
  const api = kinds(model);
  const sub = api.trades.subscribe({ symbol: "A" });
  await pass();
  model.publish(TRADES, trade(1));
  await pass();
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  model.reset(TRADES);
  await pass(1);
  expect([sub.status, sub.error, gaps]).toMatchObject(["retrying", { code: "reset" }, [{ reason: "epoch", missed: null }]]);
  await pass(1_000);
  expect(asked(model)).not.toHaveProperty("recover");
  model.publish(TRADES, trade(2));
  await pass();
  expect([sub.status, sub.current, gaps.length, api.errors]).toEqual(["live", trade(2), 1, []]);
});

test("after any other end by the server the client recovers", async () => {
  const model = new Model(KINDS);
  const sub = kinds(model).trades.subscribe({ symbol: "A" });
  await pass();
  model.publish(TRADES, trade(1));
  await pass();
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  const { epoch } = model.state(TRADES);
  model.socket.deliver({ type: "trades.unsubscribed", topic: TRADES, payload: { code: "unavailable", message: "", retryable: true } });
  model.answer = ({ type, id, recover }, socket) => {
    if (type !== "trades.subscribe") return undefined;
    expect(recover).toEqual({ epoch, seq: 1 });
    socket.deliver({ type: `${type}.response`, id, epoch, seq: 1, recovered: true, payload: { status: "ok", topic: TRADES } });
    socket.deliver({ type: "trades.update", topic: TRADES, seq: 2, payload: trade(2) });
    return "silence";
  };
  await pass(1_000);
  expect([sub.status, sub.current, gaps]).toEqual(["live", trade(2), []]);
});

test("numbers that cannot be right are faults of the server, and events", async () => {
  const model = new Model(KINDS);
  const api = kinds(model);
  const [trades, quotes] = [api.trades.subscribe({ symbol: "A" }), api.quotes.subscribe({ symbol: "A" })];
  const seen: Item<unknown>[] = [];
  for (const sub of [trades, quotes] as any[]) {
    sub.on((value: unknown, info: any) => seen.push({ kind: "value", value, info }));
    sub.on("gap", (gap: Gap) => seen.push({ kind: "gap", gap }));
  }
  await pass();
  const update = async (topic: string, members: object, values: number, gap: Gap | undefined, error: string | undefined): Promise<void> => {
    model.socket.deliver({ type: `${topic.slice(0, 6)}.update`, topic, payload: {}, ...members });
    await pass();
    const gaps = seen.flatMap((item) => (item.kind === "gap" ? [item.gap] : []));
    expect([seen.length - gaps.length, gaps, api.errors.splice(0)]).toEqual([values, gap ? [gap] : [], error ? [`${topic}: ${error}`] : []]);
    seen.length = 0;
  };
  await update(TRADES, { seq: 1 }, 1, undefined, undefined);
  await update(TRADES, { seq: 4, skipped: 2 }, 1, { reason: "skipped", missed: 2 }, undefined);
  await update(TRADES, { seq: 7 }, 1, { reason: "sequence", missed: 2 }, "update 7 follows 4, 0 skipped");
  await update(TRADES, { seq: 8, skipped: 3 }, 1, { reason: "sequence", missed: 3 }, "update 8 follows 7, 3 skipped");
  await update(TRADES, { seq: 8 }, 0, undefined, "update 8 follows 8, 0 skipped");
  await update(TRADES, {}, 0, undefined, "update 0 follows 8, 0 skipped");
  await update(QUOTES, { seq: 3 }, 1, undefined, undefined);
  await update(QUOTES, { seq: 9 }, 1, undefined, undefined);
  await update(QUOTES, { seq: 9 }, 0, undefined, "update 9 follows 9, 0 skipped");
  await update(QUOTES, { seq: 2 }, 0, undefined, "update 2 follows 9, 0 skipped");
  expect([trades.status, quotes.status]).toEqual(["live", "live"]);
});

test("an update before the announced snapshot is a fault of the server", async () => {
  const model = new Model(KINDS);
  const api = kinds(model);
  model.answer = ({ type, id }, socket) => {
    if (type !== "quotes.subscribe") return undefined;
    socket.deliver({ type: `${type}.response`, id, epoch: "e", seq: 4, snapshot: true, payload: { status: "ok", topic: QUOTES } });
    socket.deliver({ type: "quotes.update", topic: QUOTES, seq: 5, payload: { bid: 0, ask: 0 } });
    socket.deliver({ type: "quotes.snapshot", topic: QUOTES, seq: 4, payload: { bid: 1, ask: 1 } });
    return "silence";
  };
  const sub = api.quotes.subscribe({ symbol: "A" });
  const heard: number[] = [];
  sub.on(({ bid }, { seq, snapshot }) => heard.push(bid, seq, Number(snapshot)));
  await pass();
  expect([heard, api.errors]).toEqual([[1, 4, 1], [`${QUOTES}: update 5 follows nothing, 0 skipped`]]);
});

test("a recovery from another place than the client's is a fault of the server and a gap", async () => {
  for (const [epoch, seq, gap] of [["e1", 3, { reason: "reconnect", missed: 2 }], ["e9", 1, { reason: "epoch", missed: null }]] as const) {
    const model = new Model(KINDS);
    const api = kinds(model);
    const sub = api.trades.subscribe({ symbol: "A" });
    await pass();
    model.publish(TRADES, trade(1));
    await pass();
    const gaps: Gap[] = [];
    sub.on("gap", (gap) => gaps.push(gap));
    model.answer = ({ type, id }, socket) => {
      if (type !== "trades.subscribe") return undefined;
      socket.deliver({ type: `${type}.response`, id, epoch, seq, recovered: true, payload: { status: "ok", topic: TRADES } });
      return "silence";
    };
    model.socket.cut();
    await pass(50);
    expect([sub.status, gaps, api.errors]).toEqual(["live", [gap], [`${TRADES}: recovered from another position`]]);
  }
});

test("counts that are no integers within the limits, and an epoch that is no text, make a message unreadable", async () => {
  const model = new Model(KINDS);
  const api = kinds(model);
  const sub = api.trades.subscribe({ symbol: "A" });
  await pass();
  const bad = ['"seq":1,"epoch":7', '"seq":1.5', '"seq":-1', '"seq":"1"', '"seq":9007199254740992', '"seq":1e400', '"seq":1,"skipped":0.5', '"seq":1,"skipped":[]', '"seq":1,"skipped":-2'];
  for (const members of bad) {
    model.socket.raw(`{"type":"trades.update","topic":${JSON.stringify(TRADES)},${members},"payload":{}}`);
    await pass();
    expect([members, sub.current, api.errors.splice(0)]).toEqual([members, undefined, ["the server sent an unreadable message"]]);
  }
  model.socket.raw(`{"type":"trades.update","topic":${JSON.stringify(TRADES)},"seq":9007199254740991,"skipped":9007199254740990,"payload":{}}`);
  await pass();
  expect([sub.current, api.errors]).toEqual([{}, []]);
});

test.each([false, true])("a subscribe that is sent twice, refused first and accepted second, has its snapshot (lost in between: %s)", async (isLost) => {
  const model = new Model(KINDS);
  model.change(BOOK, [level("bid", 1, 1)], []);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  model.answer = () => "silence";
  const api = kinds(model, { heartbeat: false });
  const sub = api.orderbook.subscribe({ symbol: "A" });
  await pass(10_300);
  const [first, second] = model.socket.received;
  expect([second, model.socket.received.length]).toEqual([first, 2]);
  const refusal = { status: "error", code: "unavailable", message: "", retryable: true };
  model.socket.deliver({ type: "orderbook.subscribe.response", id: first!.id, payload: refusal });
  await pass(1);
  expect(sub.status).toBe("retrying");
  model.answer = () => undefined;
  if (isLost) model.socket.cut();
  else model.handle(model.socket, JSON.stringify(second));
  await pass(1_500);
  expect([sub.status, sub.rows(), api.errors]).toEqual(["live", [level("bid", 1, 1)], []]);
  model.change(BOOK, [level("ask", 2, 1)], []);
  await pass();
  expect(sub.rows().length).toBe(2);
});

test("copies that were lost with a connection are not expected on the next", async () => {
  const model = new Model(KINDS);
  model.answer = () => "silence";
  const api = kinds(model, { heartbeat: false });
  const sub = api.trades.subscribe({ symbol: "A" });
  await pass(11_000);
  expect(model.socket.received.length).toBe(2);
  model.answer = ({ type }) => (type === "trades.subscribe" ? { status: "error", code: "forbidden", message: "", retryable: false } : undefined);
  model.socket.cut();
  await pass(1_000);
  // Nothing is left to be unsubscribed from.
  expect([sub.status, model.socket.received.map(({ type }) => type)]).toEqual(["failed", ["trades.subscribe"]]);
});

test("the second of two replies that accept changes nothing", async () => {
  const model = new Model(KINDS);
  model.answer = () => "silence";
  const api = kinds(model, { heartbeat: false });
  const sub = api.trades.subscribe({ symbol: "A" });
  await pass(11_000);
  const [first] = model.socket.received;
  expect(model.socket.received.length).toBe(2);
  const reply = (seq: number): void =>
    model.socket.deliver({ type: "trades.subscribe.response", id: first!.id, epoch: "e", seq, payload: { status: "ok", topic: TRADES } });
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  reply(4);
  model.socket.deliver({ type: "trades.update", topic: TRADES, seq: 5, payload: trade(5) });
  reply(7);
  model.socket.deliver({ type: "trades.update", topic: TRADES, seq: 6, payload: trade(6) });
  await pass();
  expect([sub.current, gaps, api.errors]).toEqual([trade(6), [], []]);
});

test("rewind and max_rate are sent for the kinds that have them, and rewind only without a position", async () => {
  const model = new Model(KINDS);
  for (let id = 1; id <= 5; id += 1) model.publish(TRADES, trade(id));
  const api = kinds(model);
  const heard: number[] = [];
  const sub = api.trades.subscribe({ symbol: "A" }, { rewind: 3 });
  sub.on(({ id }) => heard.push(id));
  await pass();
  expect([asked(model).rewind, heard]).toEqual([3, [3, 4, 5]]);
  const book = api.orderbook.subscribe({ symbol: "A" }, { maxRate: 0.5 });
  await pass();
  expect(asked(model)).toMatchObject({ type: "orderbook.subscribe", max_rate: 0.5 });
  model.socket.cut();
  await pass(50);
  const [first, second] = model.socket.received;
  expect([first, second]).toMatchObject([{ recover: { epoch: "e1", seq: 5 } }, { max_rate: 0.5, recover: { seq: 0 } }]);
  expect(first).not.toHaveProperty("rewind");
  expect([heard, book.status]).toEqual([[3, 4, 5], "live"]);
});

test("rewind and max_rate are checked: by kind, by range, and against the subscription that is shared", () => {
  const api = kinds(new Model(KINDS));
  const any = (options: unknown): any => options;
  const refuses = (subscribe: () => unknown, message: string): void => expect(subscribe).toThrow(new RangeError(message));
  for (const rewind of [0, 1001, 1.5, NaN, -1]) {
    refuses(() => api.trades.subscribe({ symbol: "A" }, { rewind }), `rewind is ${rewind}; trades allows 1 to 1000`);
  }
  for (const route of ["ticks", "quotes", "orderbook"] as const) {
    refuses(() => api[route].subscribe({ symbol: "A" }, any({ rewind: 1 })), `rewind is 1; ${route} allows none`);
  }
  for (const maxRate of [0, 0.09, 1001, Infinity, NaN, any("5")]) {
    refuses(() => api.quotes.subscribe({ symbol: "A" }, { maxRate }), `maxRate is ${maxRate}; quotes allows 0.1 to 1000`);
  }
  for (const route of ["ticks", "trades"] as const) {
    refuses(() => api[route].subscribe({ symbol: "A" }, any({ maxRate: 1 })), `maxRate is 1; ${route} allows none`);
  }
  api.quotes.subscribe({ symbol: "A" }, { maxRate: 5 });
  api.quotes.subscribe({ symbol: "A" }, { maxRate: 5 });
  api.quotes.subscribe({ symbol: "A" });
  api.quotes.subscribe({ symbol: "B" }, { maxRate: 6 });
  api.orderbook.subscribe({ symbol: "A" }, { maxRate: 0.1 });
  api.trades.subscribe({ symbol: "A" }, { rewind: 1000 });
  refuses(() => api.quotes.subscribe({ symbol: "A" }, { maxRate: 6 }), `maxRate is 6; ${QUOTES} has 5`);
});

test("what the types say of rewind and max_rate", () => {
  const api = kinds(new Model(KINDS));
  const never = (): void => {
    api.trades.subscribe({ symbol: "A" }, { rewind: 5, buffer: 10 });
    api.quotes.subscribe({ symbol: "A" }, { maxRate: 5 });
    // @ts-expect-error there is nothing to rewind to
    api.ticks.subscribe({ symbol: "A" }, { rewind: 5 });
    // @ts-expect-error every event is sent
    api.trades.subscribe({ symbol: "A" }, { maxRate: 5 });
    // @ts-expect-error a state has no past
    api.orderbook.subscribe({ symbol: "A" }, { rewind: 5 });
    // @ts-expect-error only tables have rows
    api.quotes.subscribe({ symbol: "A" }).rows().length;
  };
  expect(never).toBeTypeOf("function");
});
