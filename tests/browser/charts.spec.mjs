// The page with the charts as traders meet it: under its policy, at any width, in light and dark, by keyboard.

import { accessible } from "./axe.mjs";
import { badge, chart, drawn, expectDrawn, open, stored } from "./charts.mjs";
import { tabTo } from "./keyboard.mjs";
import { startServer } from "./server.mjs";
import { expect, test } from "./watched.mjs";

const CHARTS = ["AAPL.1", "MSFT.5", "GOOGL.15", "AAPL.60"];

let server;

test.beforeAll(async () => {
  server = await startServer({ MOCK_HISTORY: "7200", BAR_BROADCASTER_RESOLUTIONS: "1,5,15,60,D" });
});

test.afterAll(async () => {
  await server?.stop();
});

/** Waits until every chart is live. */
async function allLive(page) {
  for (const article of await page.locator("article.chart").all()) await expect(article).toHaveAttribute("data-status", "live");
}

test("the page is served under its policy, and the policy is enforced", async ({ page, faults }) => {
  faults.expect(/style-src/, /inline style/, /other\.example/);
  const response = await open(page, server.origin, "AAPL.1");
  expect(response.headers()["content-security-policy"]).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
      "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  await allLive(page);
  await page.evaluate(() => {
    const style = document.createElement("style");
    style.textContent = "body { color: red }";
    document.head.append(style);
    return fetch("http://other.example/").catch(() => {});
  });
  // The violations that were made on purpose show that others would have been seen.
  await expect.poll(() => faults.matching(/^policy: style-src/).length).toBe(1);
  await expect.poll(() => faults.matching(/^policy: connect-src http:\/\/other\.example/).length).toBe(1);
});

test("who comes first sees every symbol, from the past on, and live", async ({ page }) => {
  await open(page, server.origin);
  await expect(page.locator("article.chart")).toHaveCount(3);
  await allLive(page);
  await expect(page).toHaveTitle(/AAPL, GOOGL, MSFT/);
  // A bar that has ended is the server's to the last digit, whatever goes on meanwhile.
  const ended = (bars) => Object.fromEntries(Object.entries(bars).map(([name, list]) => [name, list.slice(0, 60)]));
  const names = ["AAPL.1", "GOOGL.1", "MSFT.1"];
  expect(ended(await drawn(page))).toEqual(ended(await stored(server.origin, names)));
  const apple = chart(page, "AAPL.1");
  await expect(apple.locator(".price")).toHaveText(/^\d[\d,]*\.\d\d$/);
  await expect(apple.locator(".change")).toHaveText(/^(0\.00|[+−][\d,]+\.\d\d) \((0\.00|[+−]\d+\.\d\d) %\)$/);
  await expect(apple.locator(".updated")).toHaveText(/^\d\d:\d\d:\d\d$/);
  await expect(apple.getByRole("button", { name: "Newest" })).toBeHidden();
  const volume = await apple.locator(".volume").textContent();
  await expect(apple.locator(".volume")).not.toHaveText(volume);
  await expect(page.locator("#rate")).toHaveText(/^[1-9]\d*\.\d$/);
  await expect(page.locator("#latency")).toHaveText(/^\d+ ms$/);
});

test("the documentation is a link away", async ({ page }) => {
  await open(page, server.origin, "AAPL.1");
  await page.getByRole("link", { name: /console/ }).click();
  await expect(page).toHaveURL(`${server.origin}/api/v1/ws/asyncapi`);
  await expect(page.locator("#channel-bars")).toBeVisible();
});

for (const width of [360, 768, 1280, 1920]) {
  test(`at ${width} px nothing scrolls sideways`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    await open(page, server.origin, ...CHARTS);
    await allLive(page);
    for (const summary of await page.locator("details.bars > summary").all()) await summary.click();
    for (const columns of ["auto", "1", "4"]) {
      await page.locator("#columns").selectOption(columns, { force: true });
      // A chart takes on its new size a frame after its place has.
      await expect(async () => {
        const { overflow, outside, flat } = await page.evaluate(() => ({
          overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          outside: [...document.querySelectorAll("button, select, a, summary, canvas, dd")]
            .filter((element) => element.checkVisibility() && !element.closest(".skip, .hidden"))
            .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
            .map((element) => element.outerHTML),
          flat: [...document.querySelectorAll(".plot")].filter(({ clientWidth, clientHeight }) => clientWidth < 150 || clientHeight < 100).length,
        }));
        expect(overflow, `${columns} columns`).toBe(0);
        expect(outside, `${columns} columns`).toEqual([]);
        expect(flat, `${columns} columns: charts that are too small to read`).toBe(0);
      }).toPass({ timeout: 5_000 });
    }
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`${colorScheme}: WCAG 2.2 AA, contrast included, in every state`, async ({ page, faults }) => {
    faults.expectCuts();
    const own = await startServer({ MOCK_HISTORY: "600" });
    await page.emulateMedia({ colorScheme });
    await open(page, own.origin, "AAPL.1", "NOBODY.1");
    await expect(chart(page, "AAPL.1")).toHaveAttribute("data-status", "live");
    await expect(chart(page, "NOBODY.1")).toHaveAttribute("data-status", "empty");
    await chart(page, "AAPL.1").locator("summary").click();
    await chart(page, "AAPL.1").getByRole("slider").press("ArrowLeft");
    await accessible(page);
    await own.kill();
    await expect(chart(page, "AAPL.1")).toHaveAttribute("data-status", "stale");
    await expect(page.locator("#reconnect")).toBeVisible();
    await accessible(page);
  });
}

test("from narrow to wide a chart's header stays in line, whatever its numbers", async ({ page }) => {
  await open(page, server.origin, "AAPL.1");
  await allLive(page);
  for (let width = 320; width <= 1280; width += 16) {
    await page.setViewportSize({ width, height: 800 });
    const { rows, outside, hidden } = await page.evaluate(() => {
      const one = (selector) => document.querySelector(`.chart ${selector}`);
      // In one go with the measuring, so that no update comes between.
      one(".price").textContent = "64,123.45";
      one(".change").textContent = "−1,234.56 (−12.34 %)";
      one(".status").textContent = "History only";
      const place = (selector) => one(selector).getBoundingClientRect();
      const middle = (selector) => Math.round((place(selector).top + place(selector).bottom) / 2);
      const header = place("header");
      const quote = place(".quote");
      const within = (inner, outer) => inner.right <= outer.right + 0.5 && inner.bottom <= outer.bottom + 0.5;
      return {
        rows: ["select[name=symbol]", "select[name=resolution]", ".status", ".remove"].filter((name) => Math.abs(middle(name) - middle("select[name=symbol]")) > 2),
        outside: ["select[name=symbol]", "select[name=resolution]", ".status", ".remove", ".quote"].filter((name) => !within(place(name), header)),
        hidden: [".price", ".change"].filter((name) => !within(place(name), quote)),
      };
    });
    expect({ rows, outside, hidden }, `at ${width} px`).toEqual({ rows: [], outside: [], hidden: [] });
  }
});

test("light and dark differ, follow the system, and can be chosen by hand", async ({ page }) => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, server.origin, "AAPL.1");
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await background();
  expect(dark).not.toBe(light);
  await page.locator("#theme").selectOption("light");
  expect(await background()).toBe(light);
  await page.reload();
  await expect(page.locator("#theme")).toHaveValue("light");
  expect(await background()).toBe(light);
  await page.locator("#theme").selectOption("dark");
  await page.emulateMedia({ colorScheme: "light" });
  expect(await background()).toBe(dark);
});

test("with the keyboard alone: a chart is added, chosen, read, and removed", async ({ page, faults }) => {
  // What is asked for a choice that is taken back is called off.
  faults.expect(/^failed: .*\/api\/v1\/bars.*net::ERR_ABORTED/);
  await open(page, server.origin, "AAPL.1");
  await allLive(page);
  await tabTo(page, 'a[href="#charts"]');
  await tabTo(page, "#add");
  await page.keyboard.press("Enter");
  const added = page.locator("article.chart").nth(1);
  await expect(added.locator("select[name=symbol]")).toBeFocused();
  await page.keyboard.press("M");
  await expect(added).toHaveAttribute("data-symbol", "MSFT");
  await page.keyboard.press("Tab");
  await expect(added.locator("select[name=resolution]")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(added).toHaveAttribute("data-resolution", "5");
  await expect(added).toHaveAttribute("data-status", "live");
  await expect(page).toHaveURL(/chart=AAPL\.1&chart=MSFT\.5/);

  await tabTo(page, 'article[data-symbol="MSFT"] .plot');
  const plot = added.getByRole("slider");
  await page.keyboard.press("Home");
  await expect(plot).toHaveAttribute("aria-valuenow", "1");
  const { bars, text } = await page.evaluate(() => ({
    bars: window.topicastCharts[1].bars(),
    text: document.querySelectorAll(".plot")[1].getAttribute("aria-valuetext"),
  }));
  expect(text).toContain(new Date(bars[0].time).toISOString().slice(11, 16));
  expect(text).toContain(bars[0].close.toFixed(2));
  await page.keyboard.press("ArrowRight");
  await expect(plot).toHaveAttribute("aria-valuenow", "2");
  await page.keyboard.press("End");
  await expect(plot).toHaveAttribute("aria-valuenow", String(bars.length));
  await page.keyboard.press("Escape");

  await tabTo(page, 'article[data-symbol="MSFT"] summary');
  await page.keyboard.press("Enter");
  await expect(added.getByRole("row")).not.toHaveCount(0);
  await tabTo(page, 'article[data-symbol="AAPL"] .remove');
  await page.keyboard.press("Enter");
  await expect(page.locator("article.chart")).toHaveCount(1);
  await expect(page.locator("article[data-symbol=MSFT] select[name=symbol]")).toBeFocused();
  // Out of the charts: no trap.
  await tabTo(page, "footer a");
});

test("charts are remembered, and an address has them too", async ({ page, context }) => {
  await open(page, server.origin, "AAPL.1");
  await page.locator("#add").click();
  await page.locator("article.chart").nth(1).locator("select[name=resolution]").selectOption("D");
  await expect(chart(page, "GOOGL.D")).toHaveAttribute("data-status", "live");
  const address = page.url();
  await page.goto(server.origin);
  await expect(chart(page, "AAPL.1")).toBeVisible();
  await expect(chart(page, "GOOGL.D")).toBeVisible();
  await page.evaluate(() => localStorage.clear());
  const other = await context.newPage();
  await other.goto(address);
  await expect(chart(other, "GOOGL.D")).toHaveAttribute("data-status", "live");
});

test("a page whose charts were all removed stays so", async ({ page, faults }) => {
  // What is on its way for a chart or page that goes away is called off.
  faults.expect(/^failed: .*net::ERR_ABORTED/);
  await open(page, server.origin);
  await expect(page.locator("article.chart")).toHaveCount(3);
  for (let left = 3; left > 0; left -= 1) {
    await page.locator(".remove").first().click();
    await expect(page.locator("article.chart")).toHaveCount(left - 1);
  }
  await page.goto(server.origin);
  await expect(page.locator("#page-message")).toContainText("Add one");
  await expect(page.locator("article.chart")).toHaveCount(0);
  await page.locator("#add").click();
  await page.goto(server.origin);
  await expect(page.locator("article.chart")).toHaveCount(1);
});

test("a theme that is chosen before the market is known leaves the market its choice", async ({ page }) => {
  let answer;
  const asked = new Promise((resolve) => (answer = resolve));
  await page.route("**/api/v1/market", (route) => asked.then(() => route.continue()));
  await open(page, server.origin);
  await page.locator("#theme").selectOption("dark");
  answer();
  await expect(page.locator("article.chart")).toHaveCount(3);
});

test("a slider tells nothing of the symbol before", async ({ page, faults }) => {
  faults.expect(/^failed: .*\/api\/v1\/bars.*net::ERR_ABORTED/);
  await open(page, server.origin, "AAPL.1");
  await allLive(page);
  const plot = page.getByRole("slider");
  await plot.press("Home");
  await expect(plot).toHaveAttribute("aria-valuetext", /open/);
  await page.locator("select[name=symbol]").selectOption("MSFT");
  await expect(plot).toHaveAttribute("aria-valuetext", "at no bar");
  await expect(plot).toHaveAttribute("aria-valuenow", "0");
});

test("charts of a server that broadcasts nothing say that they are history", async ({ page }) => {
  const own = await startServer({ MOCK_HISTORY: "600", BAR_BROADCASTER_ENABLED: "false" });
  await open(page, own.origin);
  await expect(page.locator("article.chart")).toHaveCount(3);
  const dot = (status) => status.evaluate((element) => getComputedStyle(element, "::before").backgroundColor);
  const up = await page.locator("main").evaluate((main) => {
    main.style.color = "var(--up)";
    return getComputedStyle(main).color;
  });
  for (const status of await page.locator(".status").all()) {
    await expect(status).toHaveText("History only");
    expect(await dot(status)).not.toBe(up);
  }
  await own.stop();
});

test("every length of a bar can be chosen, and those without live bars stand apart", async ({ page, faults }) => {
  faults.expect(/^failed: .*\/api\/v1\/bars.*net::ERR_ABORTED/);
  await open(page, server.origin, "AAPL.1");
  await allLive(page);
  const options = (within) => page.locator(`select[name=resolution] > ${within}`).evaluateAll((all) => all.map(({ value }) => value));
  await expect.poll(() => options("option")).toEqual(["1", "5", "15", "60", "D"]);
  expect(await options("optgroup[label=History] > option")).toEqual(["30", "W", "M"]);
  await page.locator("select[name=resolution]").selectOption("30");
  await expect(chart(page, "AAPL.30").locator(".status")).toHaveText("History only");
  await expect(chart(page, "AAPL.30")).not.toHaveAttribute("data-bars", "0");
});

test("a symbol that nothing trades is said to have no bars", async ({ page }) => {
  await open(page, server.origin, "NOBODY.1", "AAPL.30");
  await expect(chart(page, "NOBODY.1")).toHaveAttribute("data-status", "empty");
  await expect(chart(page, "NOBODY.1").locator(".chart-message")).toContainText("NOBODY");
  await expect(chart(page, "AAPL.30")).toHaveAttribute("data-status", /live|empty/);
  await expect(badge(page)).toHaveText("Live");
  const charts = ["NOBODY.1"];
  await expectDrawn(page, { ...(await drawn(page)), ...(await stored(server.origin, charts)) });
});
