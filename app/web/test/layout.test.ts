// Layouts are what their addresses say, whatever tickers look like.

import fc from "fast-check";
import { expect, test } from "vitest";

import type { Resolution } from "../src/api.js";
import { RESOLUTION_NAMES } from "../src/format.js";
import { COLUMNS, fromQuery, type Layout, MOST_CHARTS, THEMES, toQuery } from "../src/layout.js";

const resolutions = Object.keys(RESOLUTION_NAMES) as Resolution[];

test("what is written is read again", () => {
  const symbol = fc.oneof(fc.string({ minLength: 1, unit: "grapheme" }), fc.constantFrom("BRK.B", ".", "EUR/USD", "A&B=C", "日経"));
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
});
