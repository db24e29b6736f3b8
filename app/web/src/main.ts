// The page: charts in a grid over one connection.

import { connect, type Bar } from "./api.js";
import { ConnectionBadge } from "./connection.js";
import { byId, setOptions, setText } from "./dom.js";
import type { ChartStatus } from "./chart-data.js";
import {
  another,
  type ChartChoice,
  COLUMNS,
  type Columns,
  load,
  MOST_CHARTS,
  save,
  type Theme,
  THEMES,
  wasEmptied,
} from "./layout.js";
import { Panel } from "./panel.js";
import { fetchMarket, type Market } from "./server.js";
import { applyTheme, onSystemTheme } from "./theme.js";

declare global {
  interface Window {
    /** The charts in the order of the page, for tests and for the curious. */
    readonly topicastCharts: readonly {
      readonly element: HTMLElement;
      readonly symbol: string;
      readonly resolution: string;
      readonly status: ChartStatus;
      /** Changes when the server restarts; undefined until the first live bar. */
      readonly epoch: string | undefined;
      /** The bars that are drawn, as they are on the wire. */
      bars(): Bar[];
    }[];
  }
}

/** The number of charts of a page that was never set up. */
const FIRST_CHARTS = 4;

/** How long to wait before asking again what the market has, in milliseconds: it may have more by then. */
const LATER = 30_000;

/** The same where it has nothing yet, or has not answered. */
const SOON = 3_000;

const grid = byId("charts");
const message = byId("page-message");
const columns = byId<HTMLSelectElement>("columns");
const theme = byId<HTMLSelectElement>("theme");
const add = byId<HTMLButtonElement>("add");

const layout = load();
const panels: Panel[] = [];
let market: Market | undefined;
let isAsking = false;
let nextAsking: ReturnType<typeof setTimeout> | undefined;
/** Whether the page was never set up, so that the market decides what it shows first. */
let isFresh = layout.charts.length === 0 && !wasEmptied();
/** Why the market is not known; empty while it may be yet. */
let failure = "";

applyTheme(layout.theme);
const api = connect("/api/v1/ws", { heartbeat: { interval: 5_000 } });
const badge = new ConnectionBadge(api, announce);

setOptions(columns, COLUMNS.map((name) => [name, name === "auto" ? "Auto" : name]));
setOptions(theme, THEMES.map((name) => [name, name[0]?.toUpperCase() + name.slice(1)]));
columns.value = layout.columns;
theme.value = layout.theme;
columns.addEventListener("change", keep);
theme.addEventListener("change", () => {
  applyTheme(theme.value as Theme);
  repaint();
  keep();
});
onSystemTheme(repaint);
add.addEventListener("click", () => {
  open(another(choices(), market)).focus();
  keep();
});
layout.charts.forEach(open);
arrange();
// A server that comes back may have others; one that never was there is asked by the time it is.
api.$client.on("state", ({ status }) => status === "open" && void askMarket());
void askMarket();

Object.defineProperty(window, "topicastCharts", {
  get: () =>
    panels.map((panel) => ({
      element: panel.element,
      symbol: panel.choice.symbol,
      resolution: panel.choice.resolution,
      status: panel.status,
      epoch: panel.epoch,
      bars: () => panel.bars(),
    })),
});

function open(choice: ChartChoice): Panel {
  const panel = new Panel(api, choice, {
    chosen: keep,
    removed: () => close(panel),
    heard: () => badge.count(),
    announced: announce,
  });
  panels.push(panel);
  grid.append(panel.element);
  if (market) panel.offer(market);
  return panel;
}

function close(panel: Panel): void {
  const index = panels.indexOf(panel);
  panels.splice(index, 1);
  panel.close();
  announce(`Chart of ${panel.choice.symbol} removed.`);
  keep();
  // The button that had the focus is gone.
  (panels[index] ?? panels.at(-1) ?? add).focus();
}

function choices(): ChartChoice[] {
  return panels.map(({ choice }) => choice);
}

function keep(): void {
  isFresh &&= panels.length === 0;
  save({ charts: choices(), columns: columns.value as Columns, theme: theme.value as Theme }, isFresh);
  arrange();
}

function arrange(): void {
  grid.dataset["columns"] = columns.value;
  grid.dataset["count"] = String(panels.length);
  add.disabled = panels.length >= MOST_CHARTS || (!market?.symbols.length && panels.length === 0);
  message.hidden = panels.length > 0;
  setText(message, emptiness());
  document.title = panels.length ? `${panels.map(({ choice }) => choice.symbol).join(", ")} · topicast markets` : "topicast markets";
}

/** What a page without charts says. */
function emptiness(): string {
  if (market) return market.symbols.length ? "No charts. Add one with the button above." : "This server publishes no symbols.";
  return failure ? `What the market has is not known: ${failure}. Trying again.` : "Loading…";
}

function repaint(): void {
  for (const panel of panels) panel.repaint();
}

async function askMarket(): Promise<void> {
  if (isAsking) return;
  isAsking = true;
  clearTimeout(nextAsking);
  try {
    market = await fetchMarket();
    failure = "";
    if (isFresh) begin(market);
    for (const panel of panels) panel.offer(market);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  isAsking = false;
  nextAsking = setTimeout(() => void askMarket(), failure || !market?.symbols.length ? SOON : LATER);
  arrange();
}

function begin({ symbols, resolutions: [resolution = "1"] }: Market): void {
  for (const symbol of symbols.slice(0, FIRST_CHARTS)) open({ symbol, resolution });
  isFresh = panels.length === 0;
}

function announce(text: string): void {
  setText(byId("announcer"), text);
}
