// Iterators: the order of items, and what a slow reader loses.

import { expect, test } from "vitest";

import type { Gap, Item } from "../src/index.js";
import { OverflowError } from "../src/index.js";
import type { Bar } from "./kit/api.js";
import { drain, valuesOf } from "./support/oracle.js";
import { Server } from "./support/server.js";
import { AAPL, bar, client, pass, simulate } from "./support/sim.js";

simulate();

test("items are values, gaps and status in order", async () => {
  const server = new Server();
  const api = client(server, { backoff: { base: 10 } });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const items = drain(sub.items());
  await pass();
  server.publish(AAPL, bar(1));
  await pass();
  server.socket.cut();
  server.publish(AAPL, bar(2));
  await pass(100);
  server.publish(AAPL, bar(3));
  await pass();
  sub.close();
  const info = { topic: AAPL, epoch: "e1", skipped: 0, snapshot: false };
  expect(await items).toEqual([
    { kind: "status", status: "live" },
    { kind: "value", value: bar(1), info: { ...info, seq: 1 } },
    { kind: "status", status: "reconnecting" },
    { kind: "status", status: "live" },
    { kind: "gap", gap: { reason: "reconnect", missed: 1 } },
    { kind: "value", value: bar(3), info: { ...info, seq: 3 } },
    { kind: "status", status: "closed" },
  ]);
});

test("a slow reader's buffer is bounded, and the loss is reported", async () => {
  const server = new Server();
  const api = client(server);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass();
  const gaps: Gap[] = [];
  sub.on("gap", (gap) => gaps.push(gap));
  const oldest = sub.items({ buffer: 3 });
  const latest = sub.values({ buffer: 3, overflow: "keep-latest" });
  const strict = sub.values({ buffer: 3, overflow: "throw" });
  for (let number = 1; number <= 10; number += 1) server.publish(AAPL, bar(number));
  await pass();
  sub.close();
  const items: Item<Bar>[] = await drain(oldest);
  expect(items[0]).toEqual({ kind: "gap", gap: { reason: "overflow", missed: 8 } });
  expect(items[1]).toMatchObject({ value: bar(9) });
  expect(items.at(-1)).toEqual({ kind: "status", status: "closed" });
  expect(valuesOf(items)).toEqual([9, 10]);
  expect((await drain(latest)).map(({ time }) => time)).toEqual([10]);
  expect(gaps.map(({ missed }) => missed)).toEqual([8, 9]);
  const read: number[] = [];
  const failure = await (async () => {
    for await (const it of strict) read.push(it.time);
  })().catch((error: unknown) => error);
  expect(read).toEqual([1, 2, 3]);
  expect(failure).toBeInstanceOf(OverflowError);
});

test("an overflow reports the number of lost values, and the last status is not lost", async () => {
  const server = new Server();
  const api = client(server, { backoff: { base: 10, cap: 10 } });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await pass();
  const [items, unknown] = [sub.items({ buffer: 2 }), sub.items({ buffer: 2 })];
  const newest = sub.values({ buffer: 0, overflow: "keep-latest" });
  server.publish(AAPL, bar(1));
  await pass();
  server.socket.cut();
  for (const number of [2, 3, 4]) server.publish(AAPL, bar(number));
  // A value, "reconnecting", "live" and a gap of three make way for two values.
  await pass(50);
  for (const number of [5, 6]) server.publish(AAPL, bar(number));
  await pass();
  const read = async (stream: AsyncIterator<Item<Bar>>): Promise<unknown> => (await stream.next()).value;
  expect(await read(items)).toEqual({ kind: "gap", gap: { reason: "overflow", missed: 4 } });
  expect(await read(items)).toEqual({ kind: "status", status: "live" });
  expect([await read(items), await read(items)]).toMatchObject([{ value: bar(5) }, { value: bar(6) }]);
  // How many a new epoch has cost is unknown, and so is a sum with it.
  server.restart();
  await pass(50);
  for (const number of [7, 8]) server.publish(AAPL, bar(number));
  await pass();
  expect(await read(unknown)).toEqual({ kind: "gap", gap: { reason: "overflow", missed: null } });
  for (let number = 9; number < 2000; number += 1) server.publish(AAPL, bar(number));
  await pass();
  sub.close();
  expect((await drain(newest)).map(({ time }) => time)).toEqual([1999]);
});

test("a burst before the first listener of the turn is not cut off", async () => {
  const server = new Server();
  const api = client(server);
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  const heard: number[] = [];
  void sub.ready.then(() => sub.on(({ time }) => heard.push(time)));
  const messages = new Array(3000).fill(0).map((_, at) => ({ type: "bars.update", topic: AAPL, seq: at + 1, payload: bar(at + 1) }));
  server.answer = (message, socket) => {
    if (message.type !== "bars.subscribe") return undefined;
    const ok = { type: "bars.subscribe.response", id: message.id, epoch: "e", seq: 0, payload: { status: "ok", topic: AAPL } };
    // One chunk of the network: nothing else runs between its messages.
    setTimeout(() => [ok, ...messages].forEach((one) => socket.onmessage!({ data: JSON.stringify(one) })));
    return "silence";
  };
  await pass();
  expect([heard.length, heard[0], heard.at(-1)]).toEqual([3000, 1, 3000]);
});
