// Numbers and times as traders read them: fixed decimals, so that columns stay in line; times in UTC.

import type { Bar, Resolution } from "./api.js";

/** What resolutions are called. */
export const RESOLUTION_NAMES: Readonly<Record<Resolution, { readonly short: string; readonly long: string }>> = {
  "1": { short: "1 m", long: "1 minute" },
  "5": { short: "5 m", long: "5 minutes" },
  "15": { short: "15 m", long: "15 minutes" },
  "30": { short: "30 m", long: "30 minutes" },
  "60": { short: "1 h", long: "1 hour" },
  D: { short: "1 D", long: "1 day" },
  W: { short: "1 W", long: "1 week" },
  M: { short: "1 M", long: "1 month" },
};

/** Every length of a bar, from the shortest to the longest. */
export const RESOLUTIONS = Object.keys(RESOLUTION_NAMES) as readonly Resolution[];

/** Stands for a number that there is not. */
export const NONE = "–";

const MINUS = "−";

/** How many decimals the prices of these bars have: at least two, at most eight. */
export function decimals(bars: readonly Bar[]): number {
  let most = 2;
  for (const { open, high, low, close } of bars) {
    for (const price of [open, high, low, close]) most = Math.max(most, decimalsOf(price));
  }
  return most;
}

/** A number with so many decimals. */
export function price(value: number, digits: number): string {
  return numbers(digits).format(value).replace("-", MINUS);
}

/** The same with its sign, which zero has not. */
export function signed(value: number, digits: number): string {
  const text = price(Math.abs(value), digits);
  if (!/[1-9]/.test(text)) return text;
  return (value < 0 ? MINUS : "+") + text;
}

/** A quantity, shortened: `12.35K`. */
export function quantity(value: number): string {
  if (value < 1_000) return value === 0 ? "0" : trimmed(value, value < 1 ? 5 : 2);
  return COMPACT.format(value);
}

/** `14:05:09` */
export function clock(time: number): string {
  return new Date(time).toISOString().slice(11, 19);
}

/** When a bar starts: a day, or a day and a time. */
export function barTime(time: number, resolution: Resolution): string {
  const text = new Date(time).toISOString();
  const day = text.slice(0, 10);
  return /\D/.test(resolution) ? day : `${day} ${text.slice(11, 16)}`;
}

const COMPACT = new Intl.NumberFormat("en", { notation: "compact", minimumFractionDigits: 2, maximumFractionDigits: 2 });

const formats = new Map<number, Intl.NumberFormat>();

function numbers(digits: number): Intl.NumberFormat {
  let format = formats.get(digits);
  if (!format) {
    format = new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    formats.set(digits, format);
  }
  return format;
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

function decimalsOf(value: number): number {
  // Small numbers are written with an exponent, and have more decimals than fit anyway.
  const [, fraction = ""] = value.toFixed(8).split(".");
  return fraction.replace(/0+$/, "").length;
}
