// A thousand seeded cuts between the client and the real server: no value is stale, wrong, twice or silently missing.

import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";

import { connect } from "./kit/api.js";
import { Kit } from "./support/kit.js";
import { Oracle } from "./support/oracle.js";
import { Proxy } from "./support/proxy.js";
import { Random } from "./support/random.js";

const SYMBOLS = ["AAPL", "MSFT", "GOOG", "TSLA"];
const CUTS = 1000;
const SEED = Number(process.env["CUTS_SEED"] ?? 4);

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const happens = (what: () => void): Promise<void> => vi.waitFor(what, { timeout: 15_000, interval: 1 });

test(`${CUTS} cuts of seed ${SEED}`, { timeout: 120_000 }, async () => {
  const random = new Random(SEED);
  let kit = await Kit.start();
  ends.push(() => kit.kill());
  const network = await Proxy.start(kit.port);
  ends.push(() => network.close());
  const api = connect(network.url, {
    WebSocket,
    backoff: { base: 4, cap: 50, stable: 100 },
    heartbeat: { interval: 60, timeout: 60 },
    connectTimeout: 1_000,
  });
  ends.push(() => api.$client.close());
  const subs = SYMBOLS.map((symbol) => api.bars.subscribe({ symbol }));
  const oracles = subs.map((sub) => new Oracle(sub));
  const kinds = new Map<string, number>();
  api.$client.on("close", ({ kind }) => kinds.set(kind, (kinds.get(kind) ?? 0) + 1));
  const opens = vi.fn();
  api.$client.on("state", ({ status }) => status === "open" && opens());
  const stream = (): Promise<unknown> => kit.do("stream", { symbols: SYMBOLS, every_us: 250 });
  await stream();

  const live = (): Promise<void> => happens(() => expect(subs.every(({ status }) => status === "live")).toBe(true));
  const flowed = async (): Promise<void> => {
    const before = oracles.map(({ values }) => values);
    await happens(() => expect(oracles.every(({ values }, at) => values > before[at]!)).toBe(true));
  };
  const closes = (): number => [...kinds.values()].reduce((sum, count) => sum + count, 0);
  for (let cut = 1; cut <= CUTS; cut += 1) {
    // Before everything is well, when it just is, or once values flow again.
    const patience = random.below(3);
    // The server knows of the connection only once it has answered.
    if (patience > 0 || cut % 25 === 0) await live();
    else await happens(() => expect(api.$client.state.status).toBe("open"));
    if (patience > 1) await flowed();
    const before = closes();
    if (cut % 100 === 0) {
      const { last } = await kit.do("count");
      await kit.kill();
      // More was published between the count and the end.
      const first = 100_000 + Math.max(...Object.values(last as Record<string, number>));
      kit = await Kit.start("--first", String(first));
      network.target = kit.port;
      network.cut();
      await stream();
    } else if (cut % 50 === 0) {
      network.swallowing = true;
    } else if (cut % 25 === 0) {
      await kit.do("close", { code: random.pick([1001, 1011, 1013, 4000]), reason: "" });
    } else {
      network.cut(random.chance(0.5) ? 0 : 1 + random.below(2_000));
    }
    await happens(() => expect(closes()).toBeGreaterThan(before));
    network.swallowing = false;
  }
  await live();
  await flowed();
  await kit.do("stop");
  const last: Record<string, number> = {};
  for (const symbol of SYMBOLS) last[symbol] = (await kit.do("publish", { symbol, times: 1 })).last;
  await happens(() => expect(subs.map(({ current }) => current?.time)).toEqual(Object.values(last)));
  for (const [at, oracle] of oracles.entries()) oracle.settled(last[SYMBOLS[at]!]!);

  expect(oracles.flatMap(({ complaints }) => complaints)).toEqual([]);
  expect(opens.mock.calls.length).toBeGreaterThan(CUTS * 0.8);
  expect([...kinds.keys()]).toEqual(expect.arrayContaining(["lost", "silent", "going_away", "application"]));
  for (const { values, gaps } of oracles) {
    expect(values).toBeGreaterThan(CUTS);
    expect(gaps).toBeGreaterThan(CUTS / 10);
  }
});
