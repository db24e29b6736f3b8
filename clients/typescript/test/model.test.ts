// Seeded cuts, resets and slow readers against the model: the application has what the model has.

import { expect, test } from "vitest";

import type { Gap, Info } from "../src/index.js";
import { BOOK, closesClients, KINDS, kinds, level, QUOTES, TRADES } from "./support/kinds.js";
import { Model, ordered } from "./support/model.js";
import { Random } from "./support/random.js";
import { chance, pass, simulate } from "./support/sim.js";

simulate();
closesClients();

const SEEDS = Array.from({ length: Number(process.env["MODEL_SEEDS"] ?? 200) }, (_, at) => at + Number(process.env["MODEL_FIRST"] ?? 1));
const ROUNDS = 25;
const TICKS = 'ticks:{"symbol":"A"}';
const ORDERS = 'orders:{"accountId":"A"}';

type Heard = { readonly value: any; readonly info: Info } | { readonly gap: Gap };

/** What reached the application, and the answers to `recover` that reached the client, by topic. */
class Listener {
  readonly heard: Heard[] = [];
  refusedRecoveries = 0;
  acceptedRecoveries = 0;
  resets = 0;

  constructor(sub: any) {
    sub.on((value: unknown, info: Info) => this.heard.push({ value, info }));
    sub.on("gap", (gap: Gap) => this.heard.push({ gap }));
  }

  gaps(...reasons: string[]): number {
    return this.heard.filter((it) => "gap" in it && reasons.includes(it.gap.reason)).length;
  }
}

test.each(SEEDS)("cuts, resets, evictions and slow readers of seed %i", async (seed) => {
  const random = new Random(seed);
  chance(seed + 500);
  const model = new Model(KINDS);
  model.delay = () => random.below(6);
  model.holds = () => random.chance(0.3);
  model.history = random.pick([3, 10, 40]);
  const api = kinds(model, { backoff: { base: 20, cap: 80, stable: 100 }, heartbeat: { interval: 300, timeout: 150 }, connectTimeout: 300 });
  const subs = {
    [TRADES]: api.trades.subscribe({ symbol: "A" }, random.chance(0.5) ? { rewind: 5 } : {}),
    [TICKS]: api.ticks.subscribe({ symbol: "A" }),
    [QUOTES]: api.quotes.subscribe({ symbol: "A" }),
    [ORDERS]: api.orders.subscribe({ accountId: "A" }),
    [BOOK]: api.orderbook.subscribe({ symbol: "A" }),
  };
  const listeners = Object.fromEntries(Object.entries(subs).map(([topic, sub]) => [topic, new Listener(sub)]));
  model.arrives = (text) => {
    const { type, topic, recovered, payload } = JSON.parse(String(text));
    if (recovered === false) listeners[payload.topic]!.refusedRecoveries += 1;
    if (recovered === true) listeners[payload.topic]!.acceptedRecoveries += 1;
    if (type.endsWith(".unsubscribed")) listeners[topic]!.resets += 1;
  };
  /** Every event that was published, by epoch and number. */
  const published = new Map<string, number>();
  let number = 0;
  const step = (topic = random.pick(Object.keys(subs))): void => {
    number += 1;
    if (topic === QUOTES) model.publish(topic, { bid: number, ask: number });
    else if (topic === TRADES || topic === TICKS) {
      model.publish(topic, { id: number, price: number });
      const { epoch, seq } = model.state(topic);
      published.set(`${topic} ${epoch} ${seq}`, number);
    } else if (topic === ORDERS) {
      const order = { id: `o${random.below(8)}`, quantity: number, done: random.chance(0.5) };
      model.change(topic, random.chance(0.7) ? [order] : [], random.chance(0.4) ? [{ id: `p${random.below(3)}` }, { id: `o${8 + random.below(2)}` }] : []);
      if (random.chance(0.2)) model.change(topic, [{ ...order, id: `p${random.below(3)}` }], []);
      if (random.chance(0.3)) model.change(topic, [], [{ id: `o${random.below(8)}` }]);
    } else {
      const any = () => level(random.pick(["bid", "ask"]), random.below(6) / 10, number);
      const [set, { side, price }] = [any(), any()];
      model.change(topic, [set], set.side === side && set.price === price ? [] : [{ side, price }]);
    }
  };
  const disturb = (): void => {
    const kind = random.below(8);
    if (kind === 0) model.restart();
    else if (kind === 1) model.reset(random.pick(Object.keys(subs)));
    else if (kind === 2) for (const { log } of model.states.values()) log.splice(0, random.below(log.length + 1));
    else if (kind === 3) model.socket.halfOpen = true;
    else if (kind === 4) model.socket.end(random.pick([1001, 1013]), "because");
    else model.socket.cut();
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let steps = random.below(20); steps > 0; steps -= 1) {
      step();
      if (random.chance(0.4)) await pass(random.below(8));
      if (random.chance(0.2)) model.flush(random.pick(Object.keys(subs)));
    }
    disturb();
    if (random.chance(0.7)) await pass(random.below(400));
  }
  await pass(5_000);
  model.holds = () => false;
  for (let steps = 0; steps < 30; steps += 1) step();
  for (const topic of [TRADES, TICKS, QUOTES]) step(topic);
  for (const topic of Object.keys(subs)) model.flush(topic);
  await pass(200);

  expect(api.errors).toEqual([]);
  for (const [topic, sub] of Object.entries(subs)) {
    expect([topic, sub.status, sub.stale]).toEqual([topic, "live", false]);
    const listener = listeners[topic]!;
    // A gap exactly where the answer was no, or where the server ended the epoch.
    const more = listener.gaps("reconnect", "epoch") - listener.refusedRecoveries - listener.resets;
    // Or where the connection was cut before a snapshot, and the next one is of another epoch.
    expect([topic, more]).toEqual([topic, topic === TRADES || topic === TICKS ? 0 : Math.max(more, 0)]);
    expect(more).toBeLessThan(3);
    expect(listener.gaps("sequence", "overflow")).toBe(0);
    inOrder(listener, topic, topic === TRADES || topic === TICKS ? published : undefined);
  }
  expect(subs[QUOTES].current).toEqual(model.state(QUOTES).value);
  for (const [topic, key] of [[ORDERS, ["id"]], [BOOK, ["side", "price"]]] as const) {
    const rows = ordered(model.state(topic).rows.values(), key);
    expect([topic, subs[topic].rows()]).toEqual([topic, rows]);
    expect(ordered(kept(listeners[topic]!, key).values(), key)).toEqual(rows);
  }
  // The run is meaningful.
  const all = Object.values(listeners);
  expect(all.reduce((sum, { acceptedRecoveries }) => sum + acceptedRecoveries, 0)).toBeGreaterThan(5);
  expect(all.every(({ heard }) => heard.length > 10)).toBe(true);
});

/** Checks that every number comes once and in order, or is in a gap of its size. */
function inOrder({ heard }: Listener, topic: string, published: ReadonlyMap<string, number> | undefined): void {
  let last: Info | undefined;
  let missed: number | null = 0;
  for (const item of heard) {
    if ("gap" in item) {
      missed = item.gap.missed === null || missed === null ? null : missed + item.gap.missed;
      continue;
    }
    const { info, value } = item;
    if (published) expect([topic, info.epoch, info.seq, value.id]).toEqual([topic, info.epoch, info.seq, published.get(`${topic} ${info.epoch} ${info.seq}`)]);
    if (last && last.epoch === info.epoch) {
      if (published) expect([topic, info.seq, info.seq - last.seq - 1]).toEqual([topic, info.seq, missed]);
      else if (!info.snapshot) expect(info.seq).toBeGreaterThan(last.seq);
    } else if (last) expect([topic, info.epoch, missed]).toEqual([topic, info.epoch, null]);
    [last, missed] = [info, 0];
  }
}

/** The rows that an application has which applies every value itself. */
function kept({ heard }: Listener, key: readonly string[]): Map<string, any> {
  const rows = new Map<string, any>();
  const text = (row: any): string => JSON.stringify(key.map((name) => row[name]));
  for (const item of heard) {
    if (!("value" in item)) continue;
    const { set, remove, snapshot } = item.value;
    if (snapshot) rows.clear();
    for (const gone of remove) rows.delete(text(gone));
    for (const row of set) rows.set(text(row), row);
  }
  return rows;
}
