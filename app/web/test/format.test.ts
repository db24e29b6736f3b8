// Numbers and times as traders read them.

import { expect, test } from "vitest";

import { barTime, clock, decimals, price, quantity, signed } from "../src/format.js";

test("prices keep their decimals, and minus is a minus", () => {
  expect([price(1234.5, 2), price(0, 2), price(-3, 1)]).toEqual(["1,234.50", "0.00", "−3.0"]);
});

test("changes have a sign, and what rounds to nothing has none", () => {
  expect([signed(1.5, 2), signed(-1.5, 2), signed(0, 2), signed(-0.001, 2)]).toEqual(["+1.50", "−1.50", "0.00", "0.00"]);
});

test("quantities are short", () => {
  const check = (value: number, text: string): void => expect(quantity(value)).toBe(text);
  check(0, "0");
  check(0.00123, "0.00123");
  check(12.345, "12.35");
  check(999, "999");
  check(1_000, "1.00K");
  check(12_345, "12.35K");
  check(999_999, "1.00M");
  check(6_690_000, "6.69M");
  check(2e9, "2.00B");
  check(5e15, "5000.00T");
});

test("prices have at least two decimals and as many as they need", () => {
  const of = (...prices: number[]): number => decimals(prices.map((open) => ({ time: 0, open, high: 1, low: 1, close: 1, volume: 1 })));
  expect([of(), of(1), of(1.5), of(1.125, 2), of(0.00000123), of(0.1 + 0.2), of(64_123.45)]).toEqual([2, 2, 2, 3, 8, 2, 2]);
});

test("times are UTC, and days have no time", () => {
  const time = Date.UTC(2024, 7, 9, 13, 5, 9);
  expect([clock(time), barTime(time, "60"), barTime(time, "D")]).toEqual(["13:05:09", "2024-08-09 13:05", "2024-08-09"]);
});
