// A user's program without a WebSocket class of its own: subscribes, orders, tells what it saw.

import { build } from "esbuild";

const { outputFiles } = await build({
  entryPoints: [new URL("../kit/api.ts", import.meta.url).pathname],
  bundle: true,
  format: "esm",
  target: "es2022",
  write: false,
});
const { connect } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
const api = connect(process.argv[2], { backoff: { base: 10 } });
const orders = api.orders.subscribe({ accountId: "A" });
const { value } = await orders.values().next();
const order = await api.orders.place({ symbol: "X", quantity: 3 });
const closed = new Promise((resolve) => api.$client.on("close", resolve));
console.log("ready");
const { kind, code, reason } = await closed;
await new Promise((resolve) => orders.on("status", (status) => status === "live" && resolve()));
console.log(JSON.stringify({ value, order, kind, code, reason }));
api.$client.close();
