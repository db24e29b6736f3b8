// A thousand seeded cuts between the client and the real server, for channels of every kind that recover.

import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";

import type { Gap, SocketClass } from "../src/index.js";
import { connect, type Level } from "./kit/api.js";
import { Kit } from "./support/kit.js";
import { Proxy } from "./support/proxy.js";
import { Random } from "./support/random.js";

const CUTS = 1000;
const SEED = Number(process.env["CUTS_SEED"] ?? 5);
const symbol = "AAPL";

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const happens = (what: () => void): Promise<void> => vi.waitFor(what, { timeout: 15_000, interval: 1 });

/** A class whose sockets show every message before the client handles it. */
function watched(see: (message: any) => void): SocketClass {
  return class extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener("message", ({ data }) => see(JSON.parse(String(data))));
    }
  };
}

const keyOf = ({ side, price }: { readonly side: string; readonly price: number }): string => `${side} ${price}`;

test(`${CUTS} cuts of seed ${SEED}: trades come once and in order, the other kinds end with what was published`, { timeout: 180_000 }, async () => {
  const random = new Random(SEED);
  let kit = await Kit.start();
  ends.push(() => kit.kill());
  const network = await Proxy.start(kit.port);
  ends.push(() => network.close());
  const answers = { true: 0, false: 0 };
  const refused = new Map<string, number>();
  const api = connect(network.url, {
    WebSocket: watched(({ recovered, payload }) => {
      if (recovered === undefined) return;
      answers[String(recovered) as "true" | "false"] += 1;
      if (!recovered) refused.set(payload.topic, (refused.get(payload.topic) ?? 0) + 1);
    }),
    backoff: { base: 4, cap: 50, stable: 100 },
    heartbeat: { interval: 60, timeout: 60 },
    connectTimeout: 1_000,
  });
  ends.push(() => api.$client.close());
  const errors: string[] = [];
  api.$client.on("error", (error) => errors.push(String(error)));
  // A subscribe that a close with 1011 left unanswered is retried apart from the others.
  api.$client.on("refusal", ({ error }) => error.code !== "internal" && errors.push(String(error)));
  let closes = 0;
  api.$client.on("close", () => (closes += 1));

  const trades = api.trades.subscribe({ symbol });
  const prices = api.prices.subscribe({ symbol });
  const levels = api.levels.subscribe({ symbol });
  const subs = [trades, prices, levels] as const;
  const gaps = new Map<string, Gap[]>(subs.map(({ topic }) => [topic, []]));
  for (const sub of subs as readonly any[]) sub.on("gap", (gap: Gap) => gaps.get(sub.topic)!.push(gap));
  const complaints: string[] = [];
  let [values, last, gapsBefore] = [0, 0, 0];
  trades.on(({ number }) => {
    values += 1;
    const missing = gaps.get(trades.topic)!.length > gapsBefore;
    if (last && (missing ? number <= last : number !== last + 1)) complaints.push(`${number} after ${last}, gap: ${missing}`);
    [last, gapsBefore] = [number, gaps.get(trades.topic)!.length];
  });
  let price = 0;
  prices.on(({ number }) => {
    if (number <= price) complaints.push(`the price ${number} after ${price}`);
    price = number;
  });
  // An application that keeps the rows itself.
  const kept = new Map<string, Level>();
  levels.on(({ set, remove, snapshot }) => {
    if (snapshot) kept.clear();
    for (const key of remove) kept.delete(keyOf(key));
    for (const row of set) kept.set(keyOf(row), row);
  });

  let published = 0;
  const publish = async (times: number): Promise<void> => {
    published = (await kit.do("trade", { symbol, times })).last;
  };
  const settled = async (): Promise<void> => {
    await happens(() => expect(subs.map(({ status }) => status)).toEqual(["live", "live", "live"]));
    // What was published before a subscription that could not recover is in its gap.
    await publish(1);
    await happens(() => expect([last, prices.current?.number]).toEqual([published, published]));
  };
  await Promise.all(subs.map(({ ready }) => ready));
  for (let cut = 1; cut <= CUTS; cut += 1) {
    await publish(1 + random.below(8));
    if (random.chance(0.3)) await settled();
    else await happens(() => expect(api.$client.state.status).toBe("open"));
    const before = closes;
    if (cut % 100 === 0) {
      // What was published just before may be lost with the server, so the client has it first.
      await settled();
      await kit.kill();
      kit = await Kit.start("--first", String(published + 1));
      network.target = kit.port;
      network.cut();
    } else if (cut % 50 === 0) {
      kit.pause();
      await happens(() => expect(closes).toBeGreaterThan(before));
      kit.resume();
    } else if (cut % 25 === 0) {
      network.swallowing = true;
    } else if (cut % 20 === 0) {
      await kit.do("close", { code: random.pick([1001, 1011, 1013, 4000]), reason: "" });
    } else {
      network.cut(random.chance(0.5) ? 0 : 1 + random.below(2_000));
      await publish(1 + random.below(30));
    }
    await happens(() => expect(closes).toBeGreaterThan(before));
    network.swallowing = false;
  }
  await settled();

  expect([complaints, errors]).toEqual([[], []]);
  const rows = (await kit.do("levels", { symbol })).levels as readonly Level[];
  await happens(() => expect(levels.rows()).toEqual(rows));
  expect(new Set(kept.values())).toEqual(new Set(levels.rows()));
  // A gap exactly where the server could not recover.
  for (const { topic } of subs) expect([topic, gaps.get(topic)!.length]).toEqual([topic, refused.get(topic) ?? 0]);
  expect(answers.false).toBeGreaterThan(5);
  expect(answers.true).toBeGreaterThan(CUTS);
  expect(values).toBeGreaterThan(CUTS);
});
