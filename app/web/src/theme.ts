// Light and dark, and the colours of the style sheet for what is painted on a canvas.

import type { Theme } from "./layout.js";

const COLOURS = [
  "muted",
  "grid",
  "line",
  "panel",
  "label",
  "up",
  "up-soft",
  "up-strong",
  "down",
  "down-soft",
  "down-strong",
] as const;

export type Palette = Readonly<Record<(typeof COLOURS)[number], string>>;

/** `auto` follows the system. */
export function applyTheme(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === "auto") delete dataset["theme"];
  else dataset["theme"] = theme;
}

/** Calls back when the system changes between light and dark. */
export function onSystemTheme(changed: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

/** The colours that hold now. The style sheet has them once; a canvas cannot read its variables. */
export function palette(): Palette {
  const probe = document.createElement("span");
  document.body.append(probe);
  const entries = COLOURS.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color] as const;
  });
  probe.remove();
  return Object.fromEntries(entries) as Palette;
}
