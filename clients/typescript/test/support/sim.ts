// A client of the server in memory, with time that tests move.

import { afterEach, beforeEach, expect, vi } from "vitest";

import type { ClientOptions } from "../../src/index.js";
import { type Api, connect } from "../kit/api.js";
import { Random } from "./random.js";
import { Server } from "./server.js";

export const URL_OF_SIM = "ws://sim.test/ws";

/** Makes timers and chance repeatable for every test of a file; call it once there. */
export function simulate(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
    chance(7);
    vi.spyOn(console, "error");
  });
  afterEach(() => {
    for (const api of apis.splice(0)) api.$client.close();
    vi.useRealTimers();
    // Errors without a listener are logged there, and no test expects one.
    expect(console.error).not.toHaveBeenCalled();
  });
}

/** Seeds the chance that the client's waiting is made of. */
export function chance(seed: number): Random {
  const random = new Random(seed);
  vi.spyOn(Math, "random").mockImplementation(() => random.next());
  return random;
}

const apis: Api[] = [];

export function client(server: Server, options: ClientOptions = {}): Api {
  const api = connect(URL_OF_SIM, { WebSocket: server.WebSocket, ...options });
  apis.push(api);
  return api;
}

/** Moves time, and has everything happen that is due: a message takes a millisecond or two. */
export async function pass(milliseconds = 10): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

export const AAPL = 'bars:{"resolution":"1","symbol":"AAPL"}';

export function bar(number: number): { time: number; close: number } {
  return { time: number, close: number };
}
