// Layouts are what their addresses say, whatever tickers look like.

import fc from "fast-check";
import { expect, test } from "vitest";

import type { Resolution } from "../src/api.js";
import { RESOLUTION_NAMES, RESOLUTIONS } from "../src/format.js";
import { another, type ChartChoice, COLUMNS, fromQuery, type Layout, MOST_CHARTS, THEMES, toQuery } from "../src/layout.js";

const resolutions = Object.keys(RESOLUTION_NAMES) as Resolution[];

test("what is written is read again", () => {
  const text = fc.string({ minLength: 1, unit: "grapheme" }).filter(({ length }) => length <= 64);
  const symbol = fc.oneof(text, fc.constantFrom("BRK.B", ".", "EUR/USD", "A&B=C", "日経"));
  const chart = fc.record({ symbol, resolution: fc.constantFrom(...resolutions) });
  const layout: fc.Arbitrary<Layout> = fc.record({
    charts: fc.array(chart, { maxLength: MOST_CHARTS }),
    columns: fc.constantFrom(...COLUMNS),
    theme: fc.constantFrom(...THEMES),
  });
  fc.assert(
    fc.property(layout, (layout) => {
      expect(fromQuery(toQuery(layout))).toEqual(layout);
    }),
  );
});

test("common addresses are short", () => {
  const charts = [
    { symbol: "AAPL", resolution: "1" },
    { symbol: "BRK.B", resolution: "D" },
  ] as const;
  expect(toQuery({ charts, columns: "auto", theme: "auto" })).toBe("chart=AAPL.1&chart=BRK.B.D");
});

test("what cannot be read is left out", () => {
  const none = { charts: [], columns: "auto", theme: "auto" };
  for (const query of ["", "chart=AAPL", "chart=AAPL.7", "chart=.1", "chart=", "columns=9&theme=pink&x=1", "chart=A.toString"]) {
    expect(fromQuery(query), query).toEqual(none);
  }
  expect(fromQuery(`${"chart=A.1&".repeat(100)}`).charts).toHaveLength(MOST_CHARTS);
  expect(fromQuery(`chart=${"A".repeat(64)}.1&chart=${"A".repeat(65)}.1`).charts).toEqual([{ symbol: "A".repeat(64), resolution: "1" }]);
});

test("the next chart is another symbol, then the last one's next length of a bar", () => {
  const check = (charts: string, live: string, expected: string): void => {
    const market = { symbols: ["A", "B"], resolutions: live.split(",") as Resolution[] };
    const { symbol, resolution } = another(fromQuery(charts.replace(/\S+/g, "chart=$&").replaceAll(" ", "&")).charts, market);
    expect(`${symbol}.${resolution}`, `after ${charts} with ${live} live`).toBe(expected);
  };
  check("", "5,1", "A.5");
  check("A.15", "1", "B.15");
  check("B.15 A.D", "1", "A.1");
  check("B.1 A.1", "1,5", "A.5");
  check("B.1 A.1 A.5", "1,5,60", "A.60");
  check("B.1 A.60", "1,5,60", "A.1");
  // None that is live is left, so that the next is history.
  check("B.1 A.1", "1", "A.5");
  check("B.1 A.M", "", "A.1");
  check(`B.1 ${RESOLUTIONS.map((name) => `A.${name}`).join(" ")}`, "1,5", "A.1");
  expect(another([], undefined)).toEqual({ symbol: "", resolution: "1" });
  const charts: ChartChoice[] = [{ symbol: "X", resolution: "5" }];
  expect(another(charts, undefined)).toEqual({ symbol: "X", resolution: "15" });
});
