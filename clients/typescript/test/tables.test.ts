// Tables and current values: what the client keeps, in which order, and how it verifies it.

import { crc32 as zlibs } from "node:zlib";

import { expect, test, vi } from "vitest";

import type { Gap, Status, TableChange } from "../src/index.js";
import { crc32 } from "../src/crc32.js";
import { Rows } from "../src/rows.js";
import { subscriptionStore } from "../src/store.js";
import { canonical } from "../src/topic.js";
import type { Level } from "./kinds/api.js";
import { BOOK, closesClients, KINDS, kinds, level, QUOTES } from "./support/kinds.js";
import { checksum, Model, ordered } from "./support/model.js";
import { drain } from "./support/oracle.js";
import { Random } from "./support/random.js";
import { pass, simulate } from "./support/sim.js";

simulate();
closesClients();

type Change = TableChange<Level, { readonly side: string; readonly price: number }>;

test("a table starts with its snapshot, and its values are changes with rows and keys", async () => {
  const model = new Model(KINDS);
  model.change(BOOK, [level("bid", 2, 1), level("ask", 10, 1), level("ask", 9, 1)], []);
  const api = kinds(model);
  const sub = api.orderbook.subscribe({ symbol: "A" });
  const changes: Change[] = [];
  sub.on((change) => changes.push(change));
  expect([sub.current, sub.rows()]).toEqual([undefined, []]);
  expect(sub.rows()).toBe(sub.rows());
  await pass();
  const first = [level("ask", 9, 1), level("ask", 10, 1), level("bid", 2, 1)];
  expect(changes.splice(0)).toEqual([{ set: first, remove: [], snapshot: true }]);
  expect(sub.rows()).toEqual(first);
  const before = sub.current!;
  model.change(BOOK, [level("bid", 2, 7), level("bid", 1, 3)], [{ side: "ask", price: 9 }]);
  await pass();
  expect(changes).toEqual([{ set: [level("bid", 2, 7), level("bid", 1, 3)], remove: [{ side: "ask", price: 9 }], snapshot: false }]);
  const now = [level("ask", 10, 1), level("bid", 1, 3), level("bid", 2, 7)];
  expect([sub.rows(), [...sub.current!], sub.current!.size]).toEqual([now, now, 3]);
  expect(sub.current!.get({ side: "bid", price: 2 })).toEqual(level("bid", 2, 7));
  expect([sub.current!.has({ side: "ask", price: 9 }), sub.current!.get({ side: "ask", price: 9 })]).toEqual([false, undefined]);
  // What the application holds does not change under it, and rows that did not change are the same objects.
  expect([before.size, before.list[0]]).toEqual([3, level("ask", 9, 1)]);
  expect(sub.rows()[0]).toBe(before.list[1]);
  expect(sub.rows()).toBe(sub.rows());
  expect(api.errors).toEqual([]);
});

test("an empty table has rows, none of them", async () => {
  const sub = kinds(new Model(KINDS)).orders.subscribe({ accountId: "A" });
  await pass();
  expect([sub.current!.size, sub.rows(), sub.status]).toEqual([0, [], "live"]);
});

test("after a reconnect a table receives the changes merged, or a snapshot that replaces it", async () => {
  const model = new Model(KINDS);
  model.change(BOOK, [level("bid", 1, 1), level("bid", 2, 1)], []);
  const api = kinds(model);
  const sub = api.orderbook.subscribe({ symbol: "A" });
  const changes: Change[] = [];
  const gaps: Gap[] = [];
  sub.on((change) => changes.push(change));
  sub.on("gap", (gap) => gaps.push(gap));
  await pass();
  model.socket.cut();
  model.change(BOOK, [level("bid", 2, 5)], []);
  model.change(BOOK, [level("ask", 3, 1)], [{ side: "bid", price: 1 }]);
  await pass(50);
  expect([changes.length, changes[1], gaps]).toEqual([
    2,
    { set: [level("bid", 2, 5), level("ask", 3, 1)], remove: [{ side: "bid", price: 1 }], snapshot: false },
    [],
  ]);
  model.socket.cut();
  model.history = 0;
  model.change(BOOK, [], [{ side: "ask", price: 3 }]);
  expect([sub.stale, sub.rows().length]).toEqual([true, 2]);
  await pass(50);
  expect([changes[2], gaps]).toEqual([{ set: [level("bid", 2, 5)], remove: [], snapshot: true }, [{ reason: "reconnect", missed: 1 }]]);
  expect([sub.rows(), sub.stale, api.errors]).toEqual([[level("bid", 2, 5)], false, []]);
});

test("the current value of latest is the newest, and comes again after a reconnect only if it is newer", async () => {
  const model = new Model(KINDS);
  const sub = kinds(model).quotes.subscribe({ symbol: "A" });
  const heard: number[] = [];
  sub.on(({ bid }) => heard.push(bid));
  await pass();
  expect(sub.current).toBe(undefined);
  model.publish(QUOTES, { bid: 1, ask: 2 });
  await pass();
  model.socket.cut();
  await pass(50);
  model.socket.cut();
  for (const bid of [2, 3, 4]) model.publish(QUOTES, { bid, ask: 9 });
  await pass(50);
  expect([heard, sub.current, sub.stale]).toEqual([[1, 4], { bid: 4, ask: 9 }, false]);
});

test("a wrong checksum is reported, and the table is subscribed to again without a position", async () => {
  const model = new Model(KINDS);
  model.change(BOOK, [level("bid", 1, 1)], []);
  const api = kinds(model);
  const sub = api.orderbook.subscribe({ symbol: "A" });
  const statuses: Status[] = [];
  sub.on("status", (status) => statuses.push(status));
  const refused = vi.fn();
  api.$client.on("refusal", ({ operation, error }) => refused(operation, error.code, error.message));
  await pass();
  const rows = sub.rows();
  model.corrupts = (sum) => sum ^ 1;
  model.change(BOOK, [level("bid", 2, 1)], []);
  await pass(1);
  const [found, announced] = [checksum(model.state(BOOK).rows.values()), checksum(model.state(BOOK).rows.values()) ^ 1];
  const message = `the server announces the checksum ${announced}, and the rows have ${found}`;
  expect(refused.mock.calls).toEqual([["orderbook.subscribe", "mismatch", message]]);
  // Rows that are wrong do not reach the application.
  expect([sub.rows(), sub.stale]).toEqual([rows, true]);
  model.corrupts = (sum) => sum;
  await pass(1_000);
  expect(model.socket.received.map(({ type, recover }) => [type, recover])).toEqual([
    ["orderbook.subscribe", undefined],
    ["orderbook.unsubscribe", undefined],
    ["orderbook.subscribe", undefined],
  ]);
  expect([statuses, sub.rows(), sub.error]).toEqual([["live", "retrying", "live"], [level("bid", 1, 1), level("bid", 2, 1)], undefined]);
  // A right checksum in between: the next wrong one is the first in a row again.
  model.corrupts = (sum) => sum ^ 1;
  model.change(BOOK, [level("bid", 3, 1)], []);
  await pass(1);
  model.corrupts = (sum) => sum;
  await pass(1_000);
  expect([refused.mock.calls.length, sub.status, sub.rows().length, api.errors]).toEqual([2, "live", 3, []]);
});

test("after two wrong checksums in a row they are not verified any more, which is reported", async () => {
  const model = new Model(KINDS);
  model.change(BOOK, [level("bid", 1, 1)], []);
  model.corrupts = () => 5;
  const api = kinds(model);
  const sub = api.orderbook.subscribe({ symbol: "A" });
  const refused = vi.fn();
  sub.on("refusal", refused);
  await pass(1_000);
  expect([refused.mock.calls.length, sub.status, sub.rows()]).toEqual([1, "live", [level("bid", 1, 1)]]);
  const found = checksum([level("bid", 1, 1)]);
  const message = `the server announces the checksum 5, and the rows have ${found}, twice in a row; it is not verified any more`;
  expect(api.errors.splice(0)).toEqual([`${BOOK}: ${message}`]);
  model.change(BOOK, [level("bid", 2, 1)], []);
  await pass();
  model.socket.cut();
  await pass(50);
  model.change(BOOK, [], [{ side: "bid", price: 1 }]);
  await pass();
  expect([refused.mock.calls.length, sub.rows(), api.errors]).toEqual([1, [level("bid", 2, 1)], []]);
});

test("rows that cannot be applied are treated as a wrong checksum, and crash nothing", async () => {
  const broken = [null, { set: 5 }, { set: [{ side: "bid" }] }, { set: [null] }, { remove: [{}] }, { remove: [null] }, { set: [{ side: "bid", price: 2, x: "\ud800" }] }];
  for (const payload of broken) {
    const model = new Model(KINDS);
    model.change(BOOK, [level("bid", 1, 1)], []);
    const api = kinds(model);
    const sub = api.orderbook.subscribe({ symbol: "A" });
    const codes: string[] = [];
    sub.on("refusal", ({ code }) => codes.push(code));
    await pass();
    model.socket.deliver({ type: "orderbook.update", topic: BOOK, seq: 2, payload });
    await pass(1_000);
    expect([payload, codes, sub.status, sub.rows(), api.errors]).toEqual([payload, ["mismatch"], "live", [level("bid", 1, 1)], []]);
  }
});

test("rows of an epoch that is over are no base for changes, even if the server announces no snapshot", async () => {
  const model = new Model(KINDS);
  model.change(BOOK, [level("bid", 1, 1)], []);
  const sub = kinds(model).orderbook.subscribe({ symbol: "A" });
  await pass();
  model.answer = ({ type, id }, socket) => {
    if (type !== "orderbook.subscribe") return undefined;
    socket.deliver({ type: `${type}.response`, id, epoch: "other", seq: 3, recovered: false, payload: { status: "ok", topic: BOOK } });
    socket.deliver({ type: "orderbook.update", topic: BOOK, seq: 4, payload: { set: [level("ask", 9, 9)] } });
    return "silence";
  };
  model.socket.cut();
  await pass(50);
  expect([sub.status, sub.rows()]).toEqual(["live", [level("ask", 9, 9)]]);
});

test("params that the server gives one topic share its rows", async () => {
  const model = new Model(KINDS);
  model.change(BOOK, [level("bid", 1, 1)], []);
  model.answer = (message) => {
    // A server for which upper and lower case are the same.
    if (message.payload?.symbol) message.payload.symbol = message.payload.symbol.toUpperCase();
    return undefined;
  };
  const api = kinds(model);
  const upper = api.orderbook.subscribe({ symbol: "A" });
  await pass();
  const lower = api.orderbook.subscribe({ symbol: "a" });
  await pass();
  expect([lower.topic, lower.rows(), lower.stale]).toEqual([BOOK, [level("bid", 1, 1)], false]);
  model.change(BOOK, [level("bid", 2, 1)], []);
  await pass();
  for (const sub of [upper, lower]) expect(sub.rows()).toEqual([level("bid", 1, 1), level("bid", 2, 1)]);
  model.socket.cut();
  model.change(BOOK, [level("bid", 3, 1)], []);
  await pass(100);
  for (const sub of [upper, lower]) expect([sub.status, sub.rows().length]).toEqual(["live", 3]);
  expect(api.errors).toEqual([]);
});

test("a loop over a table reads its changes", async () => {
  const model = new Model(KINDS);
  const sub = kinds(model).orders.subscribe({ accountId: "A" });
  const values = sub.values();
  await pass();
  const topic = 'orders:{"accountId":"A"}';
  model.change(topic, [{ id: "b", quantity: 1, done: false }], []);
  await pass();
  sub.close();
  expect(await drain(values)).toEqual([
    { set: [], remove: [], snapshot: true },
    { set: [{ id: "b", quantity: 1, done: false }], remove: [], snapshot: false },
  ]);
});

test("the store of a table has the same rows until one changes, and listeners run only then", async () => {
  const model = new Model(KINDS);
  model.change(BOOK, [level("bid", 1, 1)], []);
  const api = kinds(model);
  const store = subscriptionStore(() => api.orderbook.subscribe({ symbol: "A" }));
  const changed = vi.fn();
  const off = store.subscribe(changed);
  await pass();
  const first = store.getSnapshot();
  expect([first.value!.list, first.status, first.stale]).toEqual([[level("bid", 1, 1)], "live", false]);
  const calls = changed.mock.calls.length;
  // Another listener, and messages that change nothing.
  api.orderbook.subscribe({ symbol: "A" }).close();
  model.change(BOOK, [], [{ side: "bid", price: 99 }]);
  await pass();
  expect([store.getSnapshot() === first, changed.mock.calls.length]).toEqual([true, calls]);
  model.change(BOOK, [level("bid", 2, 1)], []);
  await pass();
  const second = store.getSnapshot();
  expect([second === first, second.value!.list[0] === first.value!.list[0], second.value!.size]).toEqual([false, true, 2]);
  expect(changed.mock.calls.length).toBe(calls + 1);
  off();
});

test("the store of a latest value ignores a value that is the same, and a gap that changes nothing", async () => {
  const model = new Model({ ...KINDS, quotes: { kind: "latest" } });
  const api = kinds(model);
  const store = subscriptionStore(() => api.quotes.subscribe({ symbol: "A" }));
  const changed = vi.fn();
  const off = store.subscribe(changed);
  await pass();
  // A channel may have plain values, of which two can be the same.
  for (const value of [5, 5]) model.publish(QUOTES, value);
  await pass();
  expect([store.getSnapshot().value, store.getSnapshot()]).toEqual([5, store.getSnapshot()]);
  const snapshot = store.getSnapshot();
  model.publish(QUOTES, 5);
  await pass();
  expect(store.getSnapshot()).toBe(snapshot);
  off();
});

// The order of keys, and their equality.

const sort = (keys: readonly object[]): unknown[] => {
  const names = Object.keys(keys[0]!);
  return [...new Rows(names).changed(keys, [], false)];
};

test("keys are in the order of the contract, and equal if their canonical texts are", () => {
  const check = (given: readonly unknown[], expected: readonly unknown[]): void =>
    expect(sort(given.map((id) => ({ id })))).toEqual(expected.map((id) => ({ id })));
  check([10, 9, -1, 0.5, 1e21, 1e-7, 0], [-1, 0, 1e-7, 0.5, 9, 10, 1e21]);
  check([true, false], [false, true]);
  // By code unit, an astral character precedes the last of the basic plane.
  check(["\uffee", "😀", "b", "B", "a", "", "10", "9"], ["", "10", "9", "B", "a", "b", "😀", "\uffee"]);
  expect(sort([{ id: 0, at: 1 }, { id: -0, at: 1 }]).length).toBe(1);
  expect(sort([{ id: 0.1 + 0.2 }, { id: 0.3 }, { id: 0.30000000000000004 }])).toEqual([{ id: 0.3 }, { id: 0.30000000000000004 }]);
  expect(sort([{ id: "1", at: true }, { id: "1", at: false }, { id: "0", at: true }])).toEqual([
    { id: "0", at: true },
    { id: "1", at: false },
    { id: "1", at: true },
  ]);
});

test("what is no key is refused, and a key that is no number finds nothing", () => {
  const rows = new Rows(["id"]).changed([{ id: 1 }], [], false);
  for (const id of [undefined, null, {}, []]) expect(() => rows.get({ id })).toThrow("a key of the table has no valid id");
  expect([rows.get({ id: NaN }), rows.get({ id: "1" })]).toEqual([undefined, undefined]);
});

test("checksums are the sum of the CRC-32 of canonical rows", () => {
  // The check value of CRC-32.
  expect(crc32("123456789")).toBe(0xcbf43926);
  for (const text of ["", "a", "é😀", "x".repeat(1000)]) expect(crc32(text)).toBe(zlibs(text));
  const row = { z: null, b: 0.1 + 0.2, c: 1e21, d: 1e-7, e: -0, "😀": "😀\u2028\u0000", a: [{ y: null, x: true }] };
  const text = '{"a":[{"x":true,"y":null}],"b":0.30000000000000004,"c":1e+21,"d":1e-7,"e":0,"z":null,"😀":"😀\u2028\\u0000"}';
  expect(canonical(row, "row", "null")).toBe(text);
  const rows = new Rows<any>(["b"]).changed([row], [], true);
  expect(rows.checksum).toBe(crc32(text));
  // Without the row nothing is left, also after a sum beyond 2^32.
  const more = rows.changed([1, 2, 3].map((b) => ({ b })), [], true);
  expect(more.checksum).toBe((crc32(text) + crc32('{"b":1}') + crc32('{"b":2}') + crc32('{"b":3}')) % 2 ** 32);
  expect(more.changed([], [...more], true).checksum).toBe(0);
});

test("random changes leave the rows, their order and their checksum as a map has them", () => {
  const random = new Random(11);
  for (let round = 0; round < 200; round += 1) {
    const key = random.pick([["id"], ["on", "id"], ["text", "on", "id"]]);
    let rows = new Rows<any>(key);
    const map = new Map<string, any>();
    const any = (): any => ({
      id: random.below(12) - 6,
      on: random.chance(0.5),
      text: random.pick(["a", "b", "é", "😀", "\ufffd"]),
      value: random.pick([null, 1e21, 0.1 + 0.2, "x"]),
    });
    const text = (row: any): string => JSON.stringify(key.map((name) => row[name]));
    for (let step = 0; step < 10; step += 1) {
      // A message names a key at most once.
      const rest = new Map(Array.from({ length: random.below(6) }, any).map((row) => [text(row), row]));
      const remove = [...rest].filter(() => random.chance(0.4)).map(([name, row]) => (rest.delete(name), map.delete(name), row));
      for (const [name, row] of rest) map.set(name, row);
      rows = rows.changed([...rest.values()], remove, true);
      expect(rows.list).toEqual(ordered(map.values(), key));
      expect(rows.checksum).toBe(checksum(map.values()));
    }
  }
});
