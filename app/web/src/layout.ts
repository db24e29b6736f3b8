// Which charts there are and how they stand: in the address, so that it can be shared, and remembered.

import type { Resolution } from "./api.js";
import { RESOLUTION_NAMES } from "./format.js";

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

const KEY = "topicast-web";

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

export function save(layout: Layout): void {
  // Whoever is sent the address keeps their own theme.
  const query = toQuery({ ...layout, theme: "auto" });
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
  try {
    localStorage.setItem(KEY, toQuery(layout));
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
  if (dot < 1 || !Object.hasOwn(RESOLUTION_NAMES, resolution)) return [];
  return [{ symbol, resolution: resolution as Resolution }];
}
