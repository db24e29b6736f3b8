// What the page of the browser tests runs: the client, with a listener that checks what it receives.

import type { CloseInfo, ConnectionState, Gap } from "../../src/index.js";
import { type Api, type AnySubscription, connect } from "../kit/api.js";
import { Oracle } from "../support/oracle.js";

export interface Page {
  api: Api;
  oracle: Oracle;
  states: ConnectionState["status"][];
  closes: CloseInfo[];
  gaps: Gap[];
  errors: string[];
  restored: AnySubscription[];
}

declare global {
  interface Window {
    page: Page;
  }
}

const settings = new URL(location.href).searchParams;
const api = connect(settings.get("ws")!, {
  storage: localStorage,
  backoff: { base: 50, cap: 500 },
  heartbeat: { interval: 300, timeout: 300 },
  connectTimeout: 2_000,
});
const restored: AnySubscription[] = await api.$client.restore();
const sub = api.bars.subscribe({ symbol: settings.get("symbol") ?? "AAPL" });
const page: Page = { api, oracle: new Oracle(sub), states: [], closes: [], gaps: [], errors: [], restored };
api.$client.on("state", ({ status }) => page.states.push(status));
api.$client.on("close", (close) => page.closes.push(close));
api.$client.on("error", (error) => page.errors.push(String(error)));
sub.on("gap", (gap) => page.gaps.push(gap));
sub.on(({ close }) => (document.body.textContent = String(close)));
window.page = page;
