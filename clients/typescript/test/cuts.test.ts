// A thousand seeded cuts in memory: no value is stale, wrong, twice or silently missing.

import { expect, test } from "vitest";

import { Oracle } from "./support/oracle.js";
import { Random } from "./support/random.js";
import { Server } from "./support/server.js";
import { bar, chance, client, pass, simulate } from "./support/sim.js";

simulate();

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const CUTS = 100;
const SYMBOLS = ["AAPL", "MSFT", "GOOG", "TSLA"];

test.each(SEEDS)("a hundred cuts of seed %i", async (seed) => {
  const random = new Random(seed);
  chance(seed + 1000);
  const server = new Server();
  server.delay = () => random.below(20);
  const api = client(server, {
    backoff: { base: 50, cap: 400, stable: 500 },
    heartbeat: { interval: 300, timeout: 150 },
    connectTimeout: 400,
  });
  const topics = SYMBOLS.map((symbol) => `bars:{"resolution":"1","symbol":"${symbol}"}`);
  const newest = new Map(topics.map((topic) => [topic, 0]));
  const oracles = SYMBOLS.map((symbol) => new Oracle(api.bars.subscribe({ symbol })));
  const publish = (topic: string, skip = 0): void => {
    const number = newest.get(topic)! + 1 + skip;
    newest.set(topic, number);
    server.publish(topic, bar(number), skip);
  };
  let closes = 0;
  api.$client.on("close", () => (closes += 1));

  let cuts = 0;
  while (cuts < CUTS) {
    for (let steps = random.below(40); steps > 0; steps -= 1) {
      publish(random.pick(topics), random.chance(0.05) ? 1 + random.below(3) : 0);
      await pass(random.below(15));
    }
    // Listeners come and go while the connection does.
    if (random.chance(0.2)) {
      const visitor = api.bars.subscribe({ symbol: random.pick(SYMBOLS) });
      setTimeout(() => visitor.close(), random.below(200));
    }
    const kind = random.below(6);
    cuts += 1;
    if (kind === 0) server.restart();
    else if (kind === 1) server.socket.halfOpen = true;
    else if (kind === 2) server.socket.end(random.pick([1000, 1001, 1011, 1012, 1013, 4001]), "because");
    else if (kind === 3) server.socket.end(1003, "Connection timed out. Heartbeat interval 30.0. Max connection lifespan 3600.0");
    else server.socket.cut();
    // Often the next cut comes before everything is well again.
    if (random.chance(0.5)) await pass(random.below(2_000));
  }
  await pass(30_000);
  for (const topic of topics) publish(topic);
  await pass(100);
  for (const [at, oracle] of oracles.entries()) oracle.settled(newest.get(topics[at]!)!);

  expect(oracles.flatMap((oracle) => oracle.complaints)).toEqual([]);
  expect(closes).toBeGreaterThan(CUTS / 3);
  // The simulation is meaningful: values arrived, and some were missed and reported.
  for (const oracle of oracles) {
    expect(oracle.values).toBeGreaterThan(20);
    expect(oracle.gaps).toBeGreaterThan(10);
  }
});
