// The page with the charts as tests see it, and what the server has for it.

import { expect } from "./watched.mjs";

/** Opens the page with charts such as `AAPL.1`, and waits until they are drawn. */
export async function open(page, origin, ...charts) {
  const query = new URLSearchParams(charts.map((chart) => ["chart", chart]));
  const response = await page.goto(`${origin}/?${query}`);
  if (charts.length) await expect(page.locator("article.chart")).toHaveCount(charts.length);
  await expect(badge(page)).toHaveText("Live");
  return response;
}

export const badge = (page) => page.locator("#connection");

/** The chart of a symbol and resolution, such as `AAPL.1`. */
export function chart(page, name) {
  const [symbol, resolution] = name.split(".");
  return page.locator(`article.chart[data-symbol="${symbol}"][data-resolution="${resolution}"]`);
}

/** The bars of every chart as they are drawn, by the chart's name. */
export function drawn(page) {
  return page.evaluate(() =>
    Object.fromEntries(window.topicastCharts.map((chart) => [`${chart.symbol}.${chart.resolution}`, chart.bars()])),
  );
}

/** The same as the server has them. */
export async function stored(origin, charts) {
  const one = async (name) => {
    const [symbol, resolution] = name.split(".");
    const response = await fetch(`${origin}/api/v1/bars?${new URLSearchParams({ symbol, resolution, from: "0", to: "9999999999" })}`);
    const { bars } = await response.json();
    return [name, bars];
  };
  return Object.fromEntries(await Promise.all(charts.map(one)));
}

/** Waits until every chart shows these bars, and says where they differ when they do not. */
export async function expectDrawn(page, bars, timeout = 10_000) {
  await expect.poll(() => drawn(page), { timeout, intervals: [50] }).toEqual(bars);
}

/** Waits until the chart has at least so many bars. */
export async function expectBars(page, name, count) {
  await expect.poll(() => chart(page, name).getAttribute("data-bars").then(Number), { intervals: [20] }).toBeGreaterThanOrEqual(count);
}

/**
 * Looks at every frame for a hole between bars of minutes, of which none is without a trade, and
 * for a bar that goes back to an older state while its chart is live; `oddities` tells what was seen.
 */
export function watch(page) {
  return page.evaluate(() => {
    const odd = (window.oddities = []);
    let seen = new Map();
    const look = () => {
      const now = new Map();
      for (const { element, symbol, resolution, bars } of window.topicastCharts) {
        let before;
        for (const { time, volume } of bars()) {
          const at = `${symbol}.${resolution} ${new Date(time).toISOString()}`;
          if (before && time - before !== Number(resolution) * 60_000) odd.push(`${at}: ${time - before} ms after the bar before`);
          if (volume < seen.get(at)) odd.push(`${at}: from volume ${seen.get(at)} back to ${volume}`);
          if (element.dataset.status === "live") now.set(at, volume);
          before = time;
        }
      }
      seen = now;
      requestAnimationFrame(look);
    };
    look();
  });
}

/** What {@link watch} has seen. */
export const oddities = (page) => page.evaluate(() => window.oddities);
