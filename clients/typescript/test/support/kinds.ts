// A client of the model server, with the fixture's channels of every kind.

import { afterEach } from "vitest";

import type { ClientOptions } from "../../src/index.js";
import { type Api, connect, type Level } from "../kinds/api.js";
import { Model } from "./model.js";
import { URL_OF_SIM } from "./sim.js";

export const KINDS = {
  trades: { kind: "events", history: true },
  ticks: { kind: "events" },
  quotes: { kind: "latest" },
  orders: { kind: "table", key: ["id"] },
  orderbook: { kind: "table", key: ["side", "price"], checksum: true },
} as const;

export const TRADES = 'trades:{"symbol":"A"}';
export const QUOTES = 'quotes:{"symbol":"A"}';
export const BOOK = 'orderbook:{"symbol":"A"}';

const apis: Api[] = [];

/** Closes the clients of a file's tests after each; call it once there, after `simulate`. */
export function closesClients(): void {
  afterEach(() => {
    for (const api of apis.splice(0)) api.$client.close();
  });
}

/** Connects to the model, and collects what the client reports as errors. */
export function kinds(model: Model, options: ClientOptions = {}): Api & { readonly errors: string[] } {
  const api = connect(URL_OF_SIM, { WebSocket: model.WebSocket, backoff: { base: 10 }, ...options });
  apis.push(api);
  const errors: string[] = [];
  api.$client.on("error", (error) => errors.push((error as Error).message));
  return Object.assign(api, { errors });
}

export function level(side: "bid" | "ask", price: number, size: number): Level {
  return { side, price, size };
}
