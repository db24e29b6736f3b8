// A user's program on the installed package and the WebSocket of its runtime, compiled where
// the package is installed: it subscribes, is cut off, comes back, and reports what it saw.

import { type Gap, type Item, RefusalError } from "topicast";
import { subscriptionStore } from "topicast/store";

import { type Bar, connect, type RefusalCode } from "./api.js";

const say = (what: string, more: object = {}): void => console.log(JSON.stringify({ what, ...more }));

const api = connect(process.argv[2]!, { backoff: { base: 10, cap: 100 } });
const closes: string[] = [];
api.$client.on("close", ({ kind, code, reason }) => closes.push(`${kind} ${code} ${reason}`.trimEnd()));

async function main(): Promise<void> {
  const gaps: Gap[] = [];
  const values: Bar[] = [];
  {
    using sub = api.bars.subscribe({ symbol: "AAPL" });
    sub.on("gap", (gap) => gaps.push(gap));
    sub.on("status", (status) => status !== "closed" && say(status));
    await sub.ready;
    for await (const bar of sub) {
      values.push(bar);
      if (values.length === 2) say("cut");
      if (values.length === 3) break;
    }
  }
  // The state that another channel starts with, kept by a store as a component would.
  const store = subscriptionStore(() => api.orders.subscribe({ accountId: "A" }));
  const first = await new Promise<number>((resolve) => {
    store.subscribe(() => store.getSnapshot().value && resolve(store.getSnapshot().value!.number));
  });
  const order = await api.orders.place({ symbol: "X", quantity: 3 });
  const code = await api.orders.place({ symbol: "HALT", quantity: 1 }).then(
    () => "",
    (error: unknown) => (error instanceof RefusalError ? (error.code as RefusalCode) : String(error)),
  );
  const stop = new AbortController();
  const aborted = api.bars.subscribe({ symbol: "AAPL" }, { signal: stop.signal });
  const items: Item<Bar>["kind"][] = [];
  const reading = (async () => {
    for await (const item of aborted.items()) items.push(item.kind);
  })().catch((error: unknown) => (error as Error).name);
  await aborted.ready;
  stop.abort();
  const abortion = await reading;
  const closed = new Promise((resolve) => api.$client.on("close", resolve));
  say("close");
  await closed;
  await api.kit.count();
  say("done", { values, gaps, first, order, code, items, abortion, closes });
  // Nothing is left that keeps the runtime from ending.
  api.$client.close();
}

await main();
