// Which charts there are and how they stand: in the address, so that it can be shared, and remembered.

import type { Resolution } from "./api.js";
import { RESOLUTION_NAMES, RESOLUTIONS } from "./format.js";
import type { Market } from "./server.js";

export interface ChartChoice {
  readonly symbol: string;
  readonly resolution: Resolution;
}

export const COLUMNS = ["auto", "1", "2", "3", "4"] as const;
export const THEMES = ["auto", "light", "dark"] as const;

export type Columns = (typeof COLUMNS)[number];
export type Theme = (typeof THEMES)[number];

export interface Layout {
  readonly charts: readonly ChartChoice[];
  readonly columns: Columns;
  readonly theme: Theme;
}

/** How many charts there may be. */
export const MOST_CHARTS = 12;

/** How long a symbol of an address may be: addresses come from anywhere, and every chart subscribes to its symbol. */
const LONGEST_SYMBOL = 64;

const KEY = "topicast-web";

/** What is remembered of a page whose charts were all removed. */
const EMPTIED = "chart=";

/**
 * What the next chart shows: a symbol that no chart has yet; else the last chart's, at the next length of a bar
 * that no chart has of it, rather one with live bars.
 */
export function another(charts: readonly ChartChoice[], market: Market | undefined): ChartChoice {
  const last = charts.at(-1);
  const live = market?.resolutions ?? [];
  const symbol = market?.symbols.find((name) => charts.every((chart) => chart.symbol !== name));
  if (symbol !== undefined || !last) {
    return { symbol: symbol ?? market?.symbols[0] ?? "", resolution: last?.resolution ?? live[0] ?? "1" };
  }
  const at = RESOLUTIONS.indexOf(last.resolution);
  const next = [...RESOLUTIONS.slice(at + 1), ...RESOLUTIONS.slice(0, at + 1)];
  const fresh = next.filter((name) => charts.every((chart) => chart.symbol !== last.symbol || chart.resolution !== name));
  const resolution = fresh.find((name) => live.includes(name)) ?? fresh[0] ?? next[0] ?? last.resolution;
  return { symbol: last.symbol, resolution };
}

/** The layout as a query: `chart=AAPL.1&chart=MSFT.5&columns=2`. */
export function toQuery({ charts, columns, theme }: Layout): string {
  const query = new URLSearchParams(charts.map(({ symbol, resolution }) => ["chart", `${symbol}.${resolution}`]));
  if (columns !== "auto") query.set("columns", columns);
  if (theme !== "auto") query.set("theme", theme);
  return query.toString();
}

/** The layout of a query; what cannot be read is left out. */
export function fromQuery(text: string): Layout {
  const query = new URLSearchParams(text);
  const one = <T extends string>(name: string, allowed: readonly T[], otherwise: T): T =>
    allowed.find((value) => value === query.get(name)) ?? otherwise;
  return {
    charts: query.getAll("chart").flatMap(chart).slice(0, MOST_CHARTS),
    columns: one("columns", COLUMNS, "auto"),
    theme: one("theme", THEMES, "auto"),
  };
}

/** The layout of the address; without charts in it, what is remembered. */
export function load(): Layout {
  const named = fromQuery(location.search);
  const kept = fromQuery(remembered());
  const theme = new URLSearchParams(location.search).has("theme") ? named.theme : kept.theme;
  return named.charts.length ? { ...named, theme } : { ...kept, theme };
}

/** Returns true if the user removed all charts. */
export function wasEmptied(): boolean {
  return remembered().startsWith(EMPTIED);
}

export function save(layout: Layout, isFresh = false): void {
  // The theme is not in the URL, so that a recipient of the link keeps their own.
  const query = toQuery({ ...layout, theme: "auto" });
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
  try {
    // A page whose charts were all removed differs from one that was never set up.
    localStorage.setItem(KEY, layout.charts.length || isFresh ? toQuery(layout) : `${EMPTIED}&${toQuery(layout)}`);
  } catch {
    // Where nothing may be stored, the address alone remembers.
  }
}

function remembered(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

/** Tickers have dots too, so the last one counts. */
function chart(text: string): ChartChoice[] {
  const dot = text.lastIndexOf(".");
  const [symbol, resolution] = [text.slice(0, dot), text.slice(dot + 1)];
  if (dot < 1 || dot > LONGEST_SYMBOL || !Object.hasOwn(RESOLUTION_NAMES, resolution)) return [];
  return [{ symbol, resolution: resolution as Resolution }];
}
