// Candles and volume on a canvas, drawn from a series, with a cursor that keys can move.

import {
  CandlestickSeries,
  type CandlestickData,
  ColorType,
  createChart,
  CrosshairMode,
  HistogramSeries,
  type HistogramData,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  LineStyle,
  type UTCTimestamp,
} from "lightweight-charts";

import type { Bar, Resolution } from "./api.js";
import { decimals, price, quantity } from "./format.js";
import type { Series } from "./series.js";
import type { Palette } from "./theme.js";

/** How close to the first bar the view may come before older ones are loaded. */
const AHEAD = 100;

/** How many bars of room there are after the last. */
const ROOM = 4;

/** How far keys zoom: how many times as many bars. */
const ZOOM = 1.25;

export interface PlotEvents {
  /** The cursor is at another bar; undefined where it is at none. */
  moved(bar: Bar | undefined): void;
  /** The view has come close to the first bar. */
  reachedStart(): void;
  /** The newest bar has come into view, or has gone out of it. */
  scrolled(isBack: boolean): void;
}

export class Plot {
  /** Decimals of prices. They only become more, so that numbers keep their places. */
  digits = 2;
  readonly #chart: IChartApi;
  readonly #candles: ISeriesApi<"Candlestick">;
  readonly #volume: ISeriesApi<"Histogram">;
  readonly #series: Series;
  #lastPrice: IPriceLine | undefined;
  #palette: Palette;
  /** The time of the last bar drawn. */
  #last: number | undefined;
  /** Where keys have put the cursor: the time of a bar. */
  #cursor: number | undefined;
  #isBack = false;
  readonly #events: PlotEvents;

  constructor(container: HTMLElement, series: Series, resolution: Resolution, palette: Palette, events: PlotEvents) {
    this.#series = series;
    this.#palette = palette;
    this.#events = events;
    this.#chart = createChart(container, {
      autoSize: true,
      // The logo brings a style element, which the page's policy does not allow; the page's foot has the words.
      layout: { attributionLogo: false },
      localization: { locale: "en-GB" },
      crosshair: { mode: CrosshairMode.Normal },
      rightPriceScale: { borderVisible: false, entireTextOnly: true, minimumWidth: 64, scaleMargins: { top: 0.12, bottom: 0.24 } },
      timeScale: { borderVisible: false, timeVisible: !/\D/.test(resolution), secondsVisible: false, rightOffset: ROOM },
      // A finger that moves up or down scrolls the page.
      handleScroll: { vertTouchDrag: false },
      kineticScroll: { touch: !matchMedia("(prefers-reduced-motion: reduce)").matches, mouse: false },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, {
      borderVisible: false,
      // These would show the last visible bar, which is not the last price after scrolling back.
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "custom", minMove: 1e-8, formatter: quantity },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.#chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#setDigits(this.digits);
    this.repaint(palette);
    this.#chart.subscribeCrosshairMove(({ time }) => {
      // A pointer takes over the cursor; key presses update the slider themselves.
      if (this.#cursor === undefined) events.moved(time === undefined ? undefined : this.#at((time as number) * 1_000));
    });
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      this.#pinNext();
      this.#look();
      if (range && range.from < AHEAD) events.reachedStart();
    });
    container.addEventListener("pointermove", () => (this.#cursor = undefined));
  }

  /** Draws what has changed in the series. */
  draw(): void {
    const changed = this.#series.takeChange();
    if (changed === Infinity) return;
    const bars = this.#series.bars;
    const begin = bars.findLastIndex((bar) => bar.time < changed) + 1;
    const digits = decimals(bars.slice(begin));
    if (digits > this.digits) this.#setDigits(digits);
    const isFirst = this.#last === undefined;
    if (this.#last === undefined || changed < this.#last) this.#drawAll();
    else for (const bar of bars.slice(begin)) this.#drawLast(bar);
    this.#last = bars.at(-1)?.time;
    this.#colourLine();
    this.#pinNext();
    if (isFirst) this.toNewest();
    this.#look();
  }

  /** Scrolls to the newest bar, and follows it from then on. */
  toNewest(): void {
    this.#chart.timeScale().scrollToPosition(ROOM, false);
  }

  /** What is drawn, read back from the canvas's own data. */
  drawn(): Bar[] {
    const volumes = this.#volume.data();
    return this.#candles.data().map((data, index) => {
      const { time, open, high, low, close } = data as CandlestickData;
      const volume = volumes[index] as HistogramData | undefined;
      return { time: (time as number) * 1_000, open, high, low, close, volume: volume?.time === time ? volume.value : NaN };
    });
  }

  /** Paints everything in other colours. */
  repaint(palette: Palette): void {
    this.#palette = palette;
    const line = { color: palette.line, labelBackgroundColor: palette.label };
    this.#chart.applyOptions({
      layout: {
        background: { type: ColorType.Solid, color: palette.panel },
        textColor: palette.muted,
        fontFamily: getComputedStyle(document.body).fontFamily,
        fontSize: 11,
      },
      grid: { vertLines: { color: palette.grid }, horzLines: { color: palette.grid } },
      crosshair: { vertLine: line, horzLine: line },
    });
    const { up, down } = palette;
    this.#candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down });
    this.#drawAll();
    this.#colourLine();
  }

  /** Moves the cursor by so many bars, from the last one where there is none; answers where it is then. */
  step(by: number): Bar | undefined {
    const bars = this.#series.bars;
    const from = this.#cursor === undefined ? bars.length - 1 : this.#indexOf(this.#cursor) + by;
    return this.#place(from);
  }

  /** Moves the cursor to the first bar or the last. */
  toEnd(end: "first" | "last"): Bar | undefined {
    return this.#place(end === "first" ? 0 : Infinity);
  }

  /** Takes the cursor away. */
  leave(): void {
    this.#cursor = undefined;
    this.#chart.clearCrosshairPosition();
  }

  zoom(direction: "in" | "out"): void {
    const scale = this.#chart.timeScale();
    const { barSpacing } = scale.options();
    scale.applyOptions({ barSpacing: direction === "in" ? barSpacing * ZOOM : barSpacing / ZOOM });
  }

  /** Which bar the cursor is at, counted from 0. */
  get cursorIndex(): number {
    return this.#cursor === undefined ? this.#series.bars.length - 1 : this.#indexOf(this.#cursor);
  }

  remove(): void {
    this.#cursor = undefined;
    this.#chart.remove();
  }

  #place(index: number): Bar | undefined {
    const bars = this.#series.bars;
    const at = Math.min(Math.max(index, 0), bars.length - 1);
    const bar = bars[at];
    if (!bar) return undefined;
    this.#cursor = bar.time;
    this.#reveal(at);
    this.#pin();
    return bar;
  }

  /** The canvas keeps the cursor where it is on the screen, not at its bar; scales move with the next frame. */
  #pinNext(): void {
    if (this.#cursor !== undefined) requestAnimationFrame(() => this.#pin());
  }

  /** Puts the cursor at its bar. */
  #pin(): void {
    const bar = this.#cursor === undefined ? undefined : this.#at(this.#cursor);
    if (bar) this.#chart.setCrosshairPosition(bar.close, (bar.time / 1_000) as UTCTimestamp, this.#candles);
  }

  /** Scrolls so far that a bar can be seen. */
  #reveal(at: number): void {
    const scale = this.#chart.timeScale();
    const range = scale.getVisibleLogicalRange();
    if (!range) return;
    const by = at < range.from ? at - range.from - ROOM : at > range.to ? at - range.to + ROOM : 0;
    if (by) scale.setVisibleLogicalRange({ from: range.from + by, to: range.to + by });
  }

  /** Whether the newest bar is in view: the position is that of the right edge, counted from it. */
  #look(): void {
    const isBack = this.#series.bars.length > 0 && this.#chart.timeScale().scrollPosition() < 0;
    if (isBack === this.#isBack) return;
    this.#isBack = isBack;
    this.#events.scrolled(isBack);
  }

  #indexOf(time: number): number {
    return this.#series.bars.findLastIndex((bar) => bar.time <= time);
  }

  #at(time: number): Bar | undefined {
    const bar = this.#series.bars[this.#indexOf(time)];
    return bar?.time === time ? bar : undefined;
  }

  #drawAll(): void {
    const bars = this.#series.bars;
    this.#candles.setData(bars.map(candle));
    this.#volume.setData(bars.map((bar) => this.#column(bar)));
  }

  #drawLast(bar: Bar): void {
    this.#candles.update(candle(bar));
    this.#volume.update(this.#column(bar));
  }

  /** The line of the last price, and its label, whose white text needs a darker ground than candles do. */
  #colourLine(): void {
    const bar = this.#series.bars.at(-1);
    if (!bar) {
      if (this.#lastPrice) this.#candles.removePriceLine(this.#lastPrice);
      this.#lastPrice = undefined;
      return;
    }
    const color = this.#palette[bar.close < bar.open ? "down-strong" : "up-strong"];
    const options = { price: bar.close, color, axisLabelColor: color, axisLabelTextColor: "#fff" };
    if (this.#lastPrice) this.#lastPrice.applyOptions(options);
    else this.#lastPrice = this.#candles.createPriceLine({ ...options, lineWidth: 1, lineStyle: LineStyle.Dashed, title: "" });
  }

  #column(bar: Bar): HistogramData {
    const color = bar.close < bar.open ? this.#palette["down-soft"] : this.#palette["up-soft"];
    return { time: (bar.time / 1_000) as UTCTimestamp, value: bar.volume, color };
  }

  #setDigits(digits: number): void {
    this.digits = digits;
    const formatter = (value: number): string => price(value, digits);
    this.#candles.applyOptions({ priceFormat: { type: "custom", minMove: 10 ** -digits, formatter } });
  }
}

function candle({ time, open, high, low, close }: Bar): CandlestickData {
  return { time: (time / 1_000) as UTCTimestamp, open, high, low, close };
}
