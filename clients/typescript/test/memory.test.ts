// Memory stays flat over a million updates, for every kind of reader.

import { expect, test } from "vitest";

import { connect } from "./kit/api.js";
import { Server } from "./support/server.js";

const UPDATES = 1_000_000;

test("a million updates leave nothing behind", { timeout: 120_000 }, async () => {
  const server = new Server();
  const api = connect("ws://sim.test/ws", { WebSocket: server.WebSocket });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  // One of each kind of reader: a listener, a loop that keeps up, two that do not, and no reader.
  let heard = 0;
  sub.on(() => (heard += 1));
  let read = 0;
  const loop = (async () => {
    for await (const bar of sub) read = bar.time;
  })();
  const slow = [sub.values({ buffer: 100 }), sub.items({ buffer: 100, overflow: "keep-latest" })];
  const idle = api.bars.subscribe({ symbol: "AAPL" });
  await sub.ready;
  const collect = (globalThis as { gc?: () => void }).gc;
  if (!collect) throw new Error("the test needs node --expose-gc");
  const text = (seq: number): string =>
    `{"type":"bars.update","topic":${JSON.stringify(sub.topic)},"seq":${seq},"payload":{"time":${seq},"close":${seq}}}`;
  const used: number[] = [];
  for (let seq = 1; seq <= UPDATES; seq += 1) {
    server.socket.onmessage?.({ data: text(seq) });
    if (seq % 1000 === 0) await Promise.resolve();
    if (seq % (UPDATES / 10) !== 0) continue;
    await new Promise((resolve) => setTimeout(resolve));
    collect();
    used.push(process.memoryUsage().heapUsed);
  }
  expect([heard, sub.current?.time, idle.current?.time]).toEqual([UPDATES, UPDATES, UPDATES]);
  // What was used after the first tenth is what is used after the last.
  expect(used.at(-1)! - used[0]!).toBeLessThan(256 * 1024);
  sub.close();
  idle.close();
  await loop;
  expect(read).toBe(UPDATES);
  expect((await slow[0]!.next()).value).toMatchObject({ time: UPDATES - 99 });
  api.$client.close();
});

test("subscriptions, listeners and requests that have ended leave nothing behind", { timeout: 60_000 }, async () => {
  const server = new Server();
  const api = connect("ws://sim.test/ws", { WebSocket: server.WebSocket });
  await api.ping();
  const collect = (globalThis as { gc?: () => void }).gc!;
  const signal = new AbortController().signal;
  const round = async (count: number): Promise<number> => {
    for (let at = 0; at < count; at += 1) {
      const sub = api.bars.subscribe({ symbol: `S${at}` }, { signal });
      sub.on(() => {}, { signal });
      const values = sub.values({ signal });
      if (at % 50 === 0) await sub.ready;
      void values.return?.();
      sub.close();
      if (at % 50 === 0) await api.ping(undefined, { signal });
    }
    // What was left while it was asked for is unsubscribed from once it is answered.
    await api.ping();
    await api.ping();
    server.socket.received.length = 0;
    server.topics.clear();
    collect();
    return process.memoryUsage().heapUsed;
  };
  await round(5_000);
  const before = await round(5_000);
  const after = await round(20_000);
  expect(after - before).toBeLessThan(512 * 1024);
  expect(server.socket.subscriptions.size).toBe(0);
  api.$client.close();
});
