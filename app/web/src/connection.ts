// The badge of the connection, since when bars are stale, updates a second, and the round trip.

import type { ConnectionState } from "topicast";

import type { Api } from "./api.js";
import { byId, setText } from "./dom.js";
import { clock, NONE } from "./format.js";

/** Over how many seconds updates are counted. */
const WINDOW = 5;

export class ConnectionBadge {
  readonly #api: Api;
  readonly #announce: (text: string) => void;
  readonly #badge = byId("connection");
  readonly #stale = byId("stale");
  readonly #reconnect = byId<HTMLButtonElement>("reconnect");
  /** Updates of the present second, and of those before it. */
  #counts: number[] = [0];
  #roundTrip: number | undefined;
  #lost: number | undefined;
  #heard = 0;
  #wasLive = false;

  /** `announce` receives the texts for screen readers: changes, not every second of a countdown. */
  constructor(api: Api, announce: (text: string) => void) {
    this.#api = api;
    this.#announce = announce;
    const { $client: client } = api;
    client.on("state", (state) => this.#changed(state));
    client.on("close", ({ kind }) => {
      // A server that went silent was last heard of before that was noticed.
      this.#lost ??= kind === "silent" && this.#heard ? this.#heard : Date.now();
    });
    this.#reconnect.addEventListener("click", () => {
      if (client.state.status === "closed") location.reload();
      else client.reconnect();
    });
    setInterval(() => this.#tick(), 1_000);
    this.#changed(client.state);
  }

  /** An update has come. */
  count(): void {
    this.#heard = Date.now();
    this.#counts[0] = (this.#counts[0] ?? 0) + 1;
  }

  #changed(state: ConnectionState): void {
    document.documentElement.dataset["connection"] = state.status === "open" ? "live" : state.status;
    if (state.status === "open") {
      this.#lost = undefined;
      this.#announce(this.#wasLive ? "Connected again, live." : "Connected, live.");
      this.#wasLive = true;
      void this.#measure();
    } else if (state.status === "waiting" && state.attempt === 1) {
      this.#announce(this.#wasLive ? "Connection lost, bars are stale. Reconnecting." : "No connection. Trying again.");
    } else if (state.status === "closed") {
      this.#announce("Disconnected for good.");
    }
    this.#show();
  }

  #tick(): void {
    this.#counts = [0, ...this.#counts.slice(0, WINDOW)];
    this.#show();
  }

  /** Measures the latency at once; the client repeats it with every ping. */
  async #measure(): Promise<void> {
    const begin = performance.now();
    try {
      await this.#api.ping();
      this.#roundTrip = Math.round(performance.now() - begin);
    } catch {
      this.#roundTrip = undefined;
    }
    this.#show();
  }

  #show(): void {
    const { state, latency } = this.#api.$client;
    const isOpen = state.status === "open";
    setText(this.#badge, describe(state));
    // A button that goes away takes the focus with it.
    if (isOpen && document.activeElement === this.#reconnect) this.#badge.focus();
    this.#reconnect.hidden = state.status !== "waiting" && state.status !== "closed";
    setText(this.#reconnect, state.status === "closed" ? "Reload" : "Reconnect now");
    setText(this.#stale, this.#lost === undefined ? "" : `Stale since ${clock(this.#lost)} UTC`);
    const past = this.#counts.slice(1);
    const rate = past.reduce((sum, count) => sum + count, 0) / Math.max(past.length, 1);
    setText(byId("rate"), isOpen && past.length ? rate.toFixed(1) : NONE);
    const trip = latency ?? this.#roundTrip;
    setText(byId("latency"), isOpen && trip !== undefined ? `${trip} ms` : NONE);
  }
}

function describe(state: ConnectionState): string {
  switch (state.status) {
    case "open":
      return "Live";
    case "connecting":
      return state.attempt ? "Reconnecting…" : "Connecting…";
    case "waiting":
      return `Reconnecting in ${Math.max(0, Math.ceil((state.retryAt - Date.now()) / 1_000))} s`;
    case "closed":
      return `Disconnected: ${state.close.reason || state.close.kind}`;
  }
}
