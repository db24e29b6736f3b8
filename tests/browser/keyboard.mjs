// Going through a page by keyboard.

import { expect } from "./watched.mjs";

/** Presses Tab until an element has the focus; every stop on the way must show that it has it. */
export async function tabTo(page, selector) {
  for (let press = 0; press < 300; press += 1) {
    await page.keyboard.press("Tab");
    const { found, isShown, html } = await page.evaluate((wanted) => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const over = getComputedStyle(element, "::after");
      return {
        found: element.matches(wanted),
        // A canvas would cover the outline of what it lies in, so there a border lies over both.
        isShown:
          element === document.body ||
          (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) ||
          (over.content !== "none" && over.borderStyle !== "none" && parseFloat(over.borderWidth) > 0),
        html: element.outerHTML.slice(0, 200),
      };
    }, selector);
    expect(isShown, `the focus is visible on ${html}`).toBe(true);
    if (found) return;
  }
  throw new Error(`Tab never reached ${selector}`);
}
