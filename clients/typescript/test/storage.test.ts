// Subscriptions that outlive the page, and the stores for components.

import { expect, test, vi } from "vitest";

import { connectionStore, subscriptionStore } from "../src/store.js";
import type { SubscriptionStorage } from "../src/index.js";
import type { AnySubscription } from "./kit/api.js";
import { Server } from "./support/server.js";
import { AAPL, bar, client, pass, simulate, URL_OF_SIM } from "./support/sim.js";

simulate();

class Memory implements SubscriptionStorage {
  readonly texts = new Map<string, string>();
  writes = 0;
  getItem(key: string): string | null {
    return this.texts.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.writes += 1;
    this.texts.set(key, value);
  }
}

test("a reloaded page resumes its subscriptions", async () => {
  const server = new Server();
  const storage = new Memory();
  const before = client(server, { storage });
  const left = before.bars.subscribe({ symbol: "GONE" });
  before.bars.subscribe({ symbol: "AAPL" });
  before.executions.subscribe({ accountId: "A" });
  await pass();
  left.close();
  await pass();
  expect(storage.writes).toBe(2);
  before.$client.close();
  await pass();
  expect(storage.getItem(`topicast:${URL_OF_SIM}`)).toBe(
    '[["bars",{"symbol":"AAPL","resolution":"1"},{}],["executions",{"accountId":"A","symbol":null},{}]]',
  );
  const after = client(server, { storage });
  const restored: AnySubscription[] = await after.$client.restore();
  await pass();
  expect(restored.map(({ route, status }) => [route, status])).toEqual([["bars", "live"], ["executions", "live"]]);
  server.publish(AAPL, bar(1));
  await pass();
  const [first] = restored;
  expect(first?.route === "bars" && first.current?.close).toBe(1);
});

test("storages may be slow, broken, or hold what is none of ours", async () => {
  const server = new Server();
  const slow: SubscriptionStorage = {
    getItem: async (key) => (key === "mine" ? '[["bars",{"symbol":"AAPL"}],["gone",{}],7]' : null),
    setItem: async () => {
      throw new Error("full");
    },
  };
  const api = client(server, { storage: slow, storageKey: "mine" });
  const errors: unknown[] = [];
  api.$client.on("error", (error) => errors.push(error));
  // Subscribing first does not overwrite what was kept.
  api.bars.subscribe({ symbol: "MSFT" });
  expect((await api.$client.restore()).map(({ topic }) => topic)).toEqual([AAPL]);
  await pass();
  expect(errors[0]).toEqual(new Error("full"));
  const torn = client(server, { storage: { getItem: () => "{", setItem: () => {} } });
  torn.$client.on("error", () => {});
  expect(await torn.$client.restore()).toEqual([]);
  expect(await client(server).$client.restore()).toEqual([]);
});

test("a slow storage ends up with what was kept last, and one entry that is wrong costs no other", async () => {
  const server = new Server();
  const writes: { text: string; written: () => void }[] = [];
  let kept = '[["executions",{"accountId":"A","symbol":""}],["bars",{"symbol":"AAPL"}]]';
  const storage: SubscriptionStorage = {
    getItem: async () => kept,
    setItem: (_, text) =>
      new Promise<void>((resolve) => {
        const written = (): void => {
          kept = text;
          resolve();
        };
        writes.push({ text, written });
      }),
  };
  const api = client(server, { storage });
  const errors: unknown[] = [];
  api.$client.on("error", (error) => errors.push(error));
  const [restored] = await api.$client.restore();
  expect([restored?.topic, errors.map(String)]).toEqual([
    AAPL,
    ['TopicError: params.symbol is optional and ""; omit it or set a non-empty text'],
  ]);
  await pass();
  const other = api.bars.subscribe({ symbol: "MSFT" });
  await pass();
  other.close();
  await pass();
  // However many changes there were meanwhile, the second write begins after the first, with the last.
  expect(writes.length).toBe(1);
  writes[0]!.written();
  await pass();
  expect(writes.length).toBe(2);
  writes[1]!.written();
  await pass();
  expect([writes.length, kept]).toEqual([2, '[["bars",{"symbol":"AAPL","resolution":"1"},{}]]']);
});

test("a store has one subscription for as long as it has listeners, and one snapshot a change", async () => {
  const server = new Server();
  const api = client(server, { backoff: { base: 10 } });
  const open = vi.fn(() => api.bars.subscribe({ symbol: "AAPL" }));
  const store = subscriptionStore(open);
  const nothing = store.getSnapshot();
  expect([open.mock.calls.length, nothing]).toEqual([
    0,
    { value: undefined, status: "subscribing", stale: false, error: undefined },
  ]);
  const changed = vi.fn();
  const offs = [store.subscribe(changed), store.subscribe(changed)];
  await pass();
  server.publish(AAPL, bar(1));
  await pass();
  const snapshot = store.getSnapshot();
  expect(snapshot).toEqual({ value: bar(1), status: "live", stale: false, error: undefined });
  expect(store.getSnapshot()).toBe(snapshot);
  expect(store.getServerSnapshot()).toBe(nothing);
  expect([open.mock.calls.length, changed.mock.calls.length]).toEqual([1, 2 + 2]);
  server.socket.cut();
  expect(store.getSnapshot()).toMatchObject({ status: "reconnecting", stale: true });
  await pass(50);
  expect(store.getSnapshot()).toMatchObject({ status: "live", stale: false });
  offs[0]!();
  await pass();
  expect(server.socket.subscriptions.size).toBe(1);
  offs[1]!();
  offs[1]!();
  await pass();
  expect([server.socket.subscriptions.size, store.getSnapshot().status]).toEqual([0, "closed"]);
  store.subscribe(changed);
  await pass();
  expect([open.mock.calls.length, store.getSnapshot().status]).toEqual([2, "live"]);
});

test("the connection is a store, too", async () => {
  const server = new Server();
  const api = client(server);
  const store = connectionStore(api);
  const changed = vi.fn();
  const off = store.subscribe(changed);
  expect(store.getSnapshot()).toEqual({ status: "connecting", attempt: 0 });
  await pass();
  expect([store.getSnapshot(), store.getServerSnapshot()]).toEqual([{ status: "open" }, { status: "open" }]);
  off();
  server.socket.cut();
  expect(changed).toHaveBeenCalledTimes(1);
});
