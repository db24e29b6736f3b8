// What the page asks over plain HTTP: the market, and bars of the past.

import type { Bar, Resolution } from "./api.js";
import type { Request } from "./series.js";

/** What has live bars. */
export interface Market {
  readonly symbols: readonly string[];
  readonly resolutions: readonly Resolution[];
}

/** How long a request may take, in milliseconds. */
const PATIENCE = 15_000;

/** After every bar there will ever be, in seconds. */
const END = 9_999_999_999;

export async function fetchMarket(): Promise<Market> {
  return (await get("/api/v1/market")) as Market;
}

export async function fetchBars(
  symbol: string,
  resolution: Resolution,
  { from, to, count }: Request,
  signal: AbortSignal,
): Promise<readonly Bar[]> {
  const query = new URLSearchParams({ symbol, resolution, to: seconds(to) ?? String(END) });
  if (from !== undefined) query.set("from", String(from / 1_000));
  if (count !== undefined) query.set("countBack", String(count));
  const { bars } = (await get(`/api/v1/bars?${query}`, signal)) as { readonly bars: readonly Bar[] };
  return bars;
}

function seconds(time: number | undefined): string | undefined {
  return time === undefined ? undefined : String(time / 1_000);
}

async function get(url: string, signal?: AbortSignal): Promise<unknown> {
  const patience = AbortSignal.timeout(PATIENCE);
  let response: Response;
  try {
    response = await fetch(url, { signal: signal ? AbortSignal.any([signal, patience]) : patience });
  } catch (cause) {
    throw new Error(patience.aborted ? `no answer within ${PATIENCE / 1_000} s` : "the server cannot be reached", { cause });
  }
  if (!response.ok) throw new Error(await problem(response));
  return response.json();
}

async function problem(response: Response): Promise<string> {
  try {
    return ((await response.json()) as { message: string }).message;
  } catch {
    return `the server answers ${response.status}`;
  }
}
