// What axe-core finds on a page: nothing, of WCAG 2.2 AA and of its best practices.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { expect } from "./watched.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Checks the page in its present state. */
export async function accessible(page) {
  // Playwright's evaluate is not held to the page's policy; a script element would be.
  await page.evaluate(await readFile(AXE, "utf8"));
  const { violations, passes } = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  expect(passes.map(({ id }) => id)).toContain("color-contrast");
}
