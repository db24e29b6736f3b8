// One chart with all that belongs to it: what to show, last price, candles, and the bars as a table.

import type { Api, Bar, Resolution } from "./api.js";
import { h, type Option, setOptions, setText } from "./dom.js";
import { ChartData, type ChartStatus } from "./chart-data.js";
import { barTime, clock, NONE, price, quantity, RESOLUTION_NAMES, RESOLUTIONS, signed } from "./format.js";
import type { ChartChoice } from "./layout.js";
import { Plot } from "./plot.js";
import { fetchBars, type Market } from "./server.js";
import { palette } from "./theme.js";

/** How many bars the table has. */
const ROWS = 12;

/** How many bars a page of the cursor is. */
const PAGE = 20;

/** The slider's text until it is at a bar. */
const AT_NO_BAR: Readonly<Record<string, string>> = {
  "aria-valuemin": "0",
  "aria-valuemax": "0",
  "aria-valuenow": "0",
  "aria-valuetext": "at no bar",
};

const STATUS_NAMES: Readonly<Record<ChartStatus, string>> = {
  loading: "Loading",
  live: "Live",
  empty: "No bars",
  stale: "Stale",
  retrying: "Retrying",
  failed: "Refused",
};

export interface PanelEvents {
  /** Another symbol or resolution was chosen. */
  chosen(): void;
  removed(): void;
  /** A live bar came. */
  heard(): void;
  /** Something that a screen reader should say. */
  announced(text: string): void;
}

let count = 0;

export class Panel {
  readonly element: HTMLElement;
  readonly #api: Api;
  readonly #events: PanelEvents;
  readonly #symbol: HTMLSelectElement;
  readonly #resolution: HTMLSelectElement;
  readonly #heading = h("h2", { class: "hidden", id: `chart-${++count}` });
  readonly #remove: HTMLButtonElement;
  readonly #badge = h("span", { class: "status" });
  readonly #price = h("dd", { class: "price" });
  readonly #change = h("dd", { class: "change" });
  readonly #volume = h("dd", { class: "volume" });
  readonly #updated = h("dd", { class: "updated" });
  readonly #legend = h("p", { class: "legend", "aria-hidden": "true" }, ...Array.from({ length: 6 }, () => h("span")));
  readonly #canvas = h("div", { class: "canvas", "aria-hidden": "true" });
  readonly #slider: HTMLElement;
  readonly #newest: HTMLButtonElement;
  readonly #message = h("p", { class: "chart-message" });
  readonly #retry: HTMLButtonElement;
  readonly #notice: HTMLElement;
  readonly #rows = h("tbody");
  readonly #table: HTMLDetailsElement;
  #choice: ChartChoice;
  #market: Market | undefined;
  #data: ChartData;
  #plot: Plot;
  #shownStatus: ChartStatus | undefined;
  /** The bar that the cursor is at. */
  #at: Bar | undefined;
  #frame = 0;

  constructor(api: Api, choice: ChartChoice, events: PanelEvents) {
    this.#api = api;
    this.#events = events;
    this.#choice = choice;
    const choose = (): void => this.#choose();
    this.#symbol = h("select", { name: "symbol", "aria-label": "Symbol", change: choose });
    this.#resolution = h("select", { name: "resolution", "aria-label": "Length of a bar", change: choose });
    this.#remove = h("button", { class: "remove icon", type: "button", title: "Remove this chart", click: () => events.removed() }, "✕");
    this.#slider = h(
      "div",
      {
        class: "plot",
        role: "slider",
        tabindex: "0",
        "aria-roledescription": "chart",
        "aria-describedby": "keys",
        ...AT_NO_BAR,
        keydown: (event) => this.#key(event as KeyboardEvent),
        focus: () => this.#announce(this.#at ?? this.#data.series.bars.at(-1)),
        blur: () => this.#leave(),
      },
      this.#canvas,
    );
    this.#newest = h(
      "button",
      { class: "newest", type: "button", title: "Go to the newest bar", hidden: true, click: () => this.#toNewest() },
      "Newest ⇥",
    );
    this.#retry = h("button", { type: "button", click: () => this.#retryNow() }, "Try again now");
    this.#notice = h("div", { class: "notice" }, this.#message, this.#retry);
    this.#table = h(
      "details",
      { class: "bars", toggle: () => this.#redraw() },
      h("summary", {}, "Last bars"),
      h(
        "table",
        { "aria-labelledby": this.#heading.id },
        h("thead", {}, h("tr", {}, ...["Time, UTC", "Open", "High", "Low", "Close", "Volume"].map((name) => h("th", { scope: "col" }, name)))),
        this.#rows,
      ),
    );
    const item = (name: string, value: HTMLElement): HTMLElement => h("div", {}, h("dt", {}, name), value);
    this.element = h(
      "article",
      { class: "chart", "aria-labelledby": this.#heading.id },
      this.#heading,
      h(
        "header",
        {},
        this.#symbol,
        this.#resolution,
        h(
          "dl",
          { class: "quote" },
          item("Last", this.#price),
          item("vs previous bar", this.#change),
          item("Volume", this.#volume),
          item("Updated", this.#updated),
        ),
        this.#badge,
        this.#remove,
      ),
      h("div", { class: "frame" }, this.#legend, this.#slider, this.#newest, this.#notice),
      this.#table,
    );
    [this.#data, this.#plot] = this.#open();
  }

  get choice(): ChartChoice {
    return this.#choice;
  }

  get status(): ChartStatus {
    return this.#data.status;
  }

  /** Whether the market has live bars of the selection; true until the market has answered. */
  get #isPublished(): boolean {
    const { symbol, resolution } = this.#choice;
    return (!this.#market || this.#market.symbols.includes(symbol)) && this.#isLive(resolution);
  }

  /** Whether there are live bars of this length. */
  #isLive(resolution: Resolution): boolean {
    return !this.#market || this.#market.resolutions.includes(resolution);
  }

  get epoch(): string | undefined {
    return this.#data.epoch;
  }

  /** The bars that are drawn. */
  bars(): Bar[] {
    return this.#plot.drawn();
  }

  /** Sets the options. The selection stays, whether or not it is listed. */
  offer(market: Market): void {
    this.#market = market;
    this.#fill();
    this.#redraw();
  }

  repaint(): void {
    this.#plot.repaint(palette());
  }

  focus(): void {
    this.#symbol.focus();
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
    this.#data.close();
    this.#plot.remove();
    this.element.remove();
  }

  #open(): [ChartData, Plot] {
    const { symbol, resolution } = this.#choice;
    const data = new ChartData(this.#api, fetchBars, symbol, resolution, {
      changed: () => this.#redraw(),
      heard: () => this.#events.heard(),
    });
    const plot = new Plot(this.#canvas, data.series, resolution, palette(), {
      moved: (bar) => this.#move(bar),
      reachedStart: () => data.wantOlder(),
      scrolled: (isBack) => (this.#newest.hidden = !isBack),
    });
    this.#newest.hidden = true;
    const name = `${symbol}, ${RESOLUTION_NAMES[resolution].long}`;
    setText(this.#heading, name);
    this.#slider.setAttribute("aria-label", `Candles of ${name}`);
    this.#remove.setAttribute("aria-label", `Remove the chart of ${name}`);
    this.element.dataset["symbol"] = symbol;
    this.element.dataset["resolution"] = resolution;
    this.#shownStatus = this.#at = undefined;
    // The slider's text was about the previous bars.
    for (const [name, value] of Object.entries(AT_NO_BAR)) this.#slider.setAttribute(name, value);
    this.#fill();
    this.#redraw();
    return [data, plot];
  }

  #choose(): void {
    this.#choice = { symbol: this.#symbol.value, resolution: this.#resolution.value as Resolution };
    this.#reopen();
    this.#events.chosen();
  }

  #reopen(): void {
    this.#data.close();
    this.#plot.remove();
    [this.#data, this.#plot] = this.#open();
  }

  #retryNow(): void {
    if (this.#data.status === "failed") this.#reopen();
    else this.#data.retry();
    // The button goes away.
    this.#slider.focus();
  }

  #toNewest(): void {
    this.#plot.toNewest();
    // The button goes away.
    this.#slider.focus();
  }

  #fill(): void {
    const { symbol, resolution } = this.#choice;
    const symbols = this.#market?.symbols ?? [];
    setOptions(this.#symbol, (symbols.includes(symbol) ? symbols : [symbol, ...symbols]).map((name) => [name, name]));
    const option = (name: Resolution): Option => [name, RESOLUTION_NAMES[name].short];
    const live = RESOLUTIONS.filter((name) => this.#isLive(name));
    const past = RESOLUTIONS.filter((name) => !this.#isLive(name));
    setOptions(this.#resolution, live.map(option), "History", past.map(option));
    this.#symbol.value = symbol;
    this.#resolution.value = resolution;
  }

  #redraw(): void {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const data = this.#data;
    const { bars } = data.series;
    const { status } = data;
    this.#plot.draw();
    const { dataset } = this.element;
    dataset["status"] = status;
    dataset["published"] = String(this.#isPublished);
    dataset["bars"] = String(bars.length);
    dataset["epoch"] = data.epoch ?? "";
    setText(this.#badge, status === "live" && !this.#isPublished ? "History only" : STATUS_NAMES[status]);
    this.#drawQuote(data);
    this.#drawLegend();
    this.#drawNotice(status);
    if (this.#table.open) this.#drawTable(bars);
    if (status === this.#shownStatus) return;
    this.#shownStatus = status;
    if (status === "failed" || status === "empty") this.#events.announced(`${this.#choice.symbol}: ${this.#why(status)}`);
  }

  #drawQuote(data: ChartData): void {
    const { bars } = data.series;
    const last = bars.at(-1);
    const before = bars.at(-2);
    const { digits } = this.#plot;
    setText(this.#price, last ? price(last.close, digits) : NONE);
    setText(this.#volume, last ? quantity(last.volume) : NONE);
    setText(this.#updated, data.updated === undefined ? NONE : clock(data.updated));
    const change = last && before ? last.close - before.close : undefined;
    this.#change.dataset["direction"] = !change ? "none" : change > 0 ? "up" : "down";
    setText(
      this.#change,
      change === undefined || !before ? NONE : `${signed(change, digits)} (${signed((change / before.close) * 100, 2)} %)`,
    );
  }

  #drawLegend(): void {
    const bars = this.#data.series.bars;
    const at = this.#at && bars.findLast((bar) => bar.time === this.#at?.time);
    const bar = at ?? bars.at(-1);
    this.#legend.hidden = !bar;
    if (!bar) return;
    this.#describe(bar, ["O", "H", "L", "C", "V"]).forEach((text, index) => setText(this.#legend.children[index] as Element, text));
  }

  #drawNotice(status: ChartStatus): void {
    const text = this.#why(status);
    this.#notice.hidden = !text;
    this.#notice.dataset["over"] = String(this.#data.series.bars.length === 0);
    setText(this.#message, text);
    this.#retry.hidden = !this.#data.isFailing && status !== "failed";
  }

  #why(status: ChartStatus): string {
    const { symbol, resolution } = this.#choice;
    if (status === "live" || status === "retrying" || status === "failed") return this.#data.message;
    if (status === "empty") {
      const published = `Nothing was traded in ${symbol} yet.`;
      return this.#isPublished ? published : `The server publishes no bars of ${symbol}, ${RESOLUTION_NAMES[resolution].long}.`;
    }
    if (this.#data.series.bars.length) return "";
    return status === "stale" ? "Waiting for the connection…" : status === "loading" ? "Loading…" : "";
  }

  #drawTable(bars: readonly Bar[]): void {
    const { digits } = this.#plot;
    const { resolution } = this.#choice;
    const rows = bars.slice(-ROWS).reverse();
    while (this.#rows.rows.length > rows.length) this.#rows.deleteRow(-1);
    rows.forEach((bar, index) => {
      const time = barTime(bar.time, resolution);
      const prices = [bar.open, bar.high, bar.low, bar.close].map((value) => price(value, digits));
      const row = this.#rows.rows[index] ?? this.#rows.appendChild(emptyRow());
      // The year is a part of its own: a narrow table has no room for it.
      [time.slice(0, 5), time.slice(5)].forEach((text, part) => setText(row.cells[0]?.children[part] as Element, text));
      [...prices, quantity(bar.volume)].forEach((text, column) => setText(row.cells[column + 1] as Element, text));
    });
  }

  /** Returns a bar as words: its time, then every number after its name. */
  #describe({ time, open, high, low, close, volume }: Bar, names: readonly string[]): string[] {
    const prices = [open, high, low, close].map((value) => price(value, this.#plot.digits));
    const numbers = [...prices, quantity(volume)].map((text, index) => `${names[index]} ${text}`);
    return [barTime(time, this.#choice.resolution), ...numbers];
  }

  #move(bar: Bar | undefined): void {
    this.#at = bar;
    this.#redraw();
  }

  /** Updates the slider's text, which screen readers read. Only key presses do, not every tick. */
  #announce(bar: Bar | undefined): void {
    if (!bar) return;
    const names = ["open", "high", "low", "close", "volume"];
    this.#slider.setAttribute("aria-valuemin", "1");
    this.#slider.setAttribute("aria-valuemax", String(this.#data.series.bars.length));
    this.#slider.setAttribute("aria-valuenow", String(this.#plot.cursorIndex + 1));
    this.#slider.setAttribute("aria-valuetext", this.#describe(bar, names).join(", "));
  }

  #leave(): void {
    this.#plot.leave();
    this.#move(undefined);
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const act = KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    if (event.key === "Escape") this.#leave();
    else {
      const bar = act(this.#plot);
      if (bar) this.#move(bar);
      this.#announce(bar);
    }
  }
}

function emptyRow(): HTMLTableRowElement {
  const time = h("th", { scope: "row" }, h("span", { class: "year" }), h("span"));
  return h("tr", {}, time, ...Array.from({ length: 5 }, () => h("td")));
}

const KEYS: Readonly<Record<string, (plot: Plot) => Bar | undefined>> = {
  ArrowLeft: (plot) => plot.step(-1),
  ArrowDown: (plot) => plot.step(-1),
  ArrowRight: (plot) => plot.step(1),
  ArrowUp: (plot) => plot.step(1),
  PageDown: (plot) => plot.step(-PAGE),
  PageUp: (plot) => plot.step(PAGE),
  Home: (plot) => plot.toEnd("first"),
  End: (plot) => plot.toEnd("last"),
  "+": (plot) => void plot.zoom("in"),
  "-": (plot) => void plot.zoom("out"),
  Escape: () => undefined,
};
