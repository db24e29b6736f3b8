// The page as a reader meets it: under its policy, at any width, in light and dark, by keyboard.

import { createRequire } from "node:module";

import { expect, test } from "@playwright/test";

import { startServer } from "./server.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

let server;

test.beforeAll(async () => {
  server = await startServer({ WS_MAX_SUBSCRIPTIONS: "2" });
});

test.afterAll(async () => {
  await server?.stop();
});

/** What no test may see: errors in the console, violations of the policy, other hosts. */
let faults;

test.beforeEach(async ({ page }) => {
  faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(server.origin).host) faults.push(`other host: ${request.url()}`);
  });
  page.on("requestfailed", (request) => faults.push(`failed: ${request.url()}`));
  page.on("response", (response) => response.status() >= 400 && faults.push(`${response.status()}: ${response.url()}`));
  await page.exposeFunction("reportViolation", (text) => faults.push(`policy: ${text}`));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      globalThis.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
});

test.afterEach(() => {
  expect(faults).toEqual([]);
});

async function open(page) {
  const response = await page.goto(server.page);
  await expect(page.locator("#channel-bars")).toBeVisible();
  return response;
}

async function connect(page) {
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.locator("#state")).toHaveText("Connected");
}

/** Sends a text through the free-form sender. */
async function sendText(page, text) {
  await page.getByRole("button", { name: "JSON", exact: true }).click();
  await page.locator("#json-text").fill(text);
  await page.getByRole("button", { name: "Send text" }).click();
}

const entries = (page, type) => page.locator("#log .entry", { has: page.locator(".entry-type", { hasText: new RegExp(`^${type}$`) }) });

/** Every card opened, so that whatever is folded away is measured too. */
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));

test("the page is served under the strict policy and the policy is enforced", async ({ page }) => {
  const response = await open(page);
  expect(response.headers()["content-security-policy"]).toBe("default-src 'self'");
  await connect(page);
  await page.evaluate(() => {
    const style = document.createElement("style");
    style.textContent = "body { color: red }";
    document.head.append(style);
  });
  // The violation that was made on purpose shows that others would have been seen.
  await expect.poll(() => faults.filter((fault) => fault.startsWith("policy: style-src")).length).toBe(1);
  faults = faults.filter((fault) => !fault.includes("style-src") && !fault.includes("inline style"));
});

test("everything the document says is on the page", async ({ page, request }) => {
  await open(page);
  const document = await (await request.get(`${server.origin}/api/v1/ws/asyncapi-3.json`)).json();
  await expect(page).toHaveTitle(`${document.info.title} ${document.info.version}`);
  for (const key of Object.keys(document.channels)) {
    await expect(page.locator(`[id="channel-${key}"]`)).toBeVisible();
  }
  for (const key of Object.keys(document.operations)) {
    await expect(page.locator(`[id="operation-${key}"]`)).toBeVisible();
  }
  for (const key of Object.keys(document.components.schemas)) {
    await expect(page.locator(`[id="schema-${key}"]`)).toBeVisible();
  }
  await unfold(page);
  const subscribe = page.locator('[id="operation-bars.subscribe"]');
  await expect(subscribe.locator(".member-name", { hasText: /^resolution$/ }).first()).toBeVisible();
  await expect(subscribe.getByText("default", { exact: false }).first()).toBeVisible();
  for (const version of ["asyncapi.json", "asyncapi-3.json"]) {
    const link = page.locator(`.documents a[href="${version}"]`);
    const found = await request.get(await link.evaluate((element) => element.href));
    expect(found.ok()).toBe(true);
  }
});

test("a link to something folded away opens it", async ({ page }) => {
  await page.goto(`${server.page}#schema-Bar`);
  await expect(page.locator("#schema-Bar")).toHaveAttribute("open", "");
  await expect(page.locator("#schema-Bar .member-name").first()).toBeInViewport();
});

test("an example is copied", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page);
  await page.locator('[id="operation-bars.subscribe"] > summary').click();
  await page.getByRole("button", { name: "Copy the example of bars.subscribe", exact: true }).click();
  const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  expect(copied.type).toBe("bars.subscribe");
});

for (const width of [360, 768, 1024, 1280, 1920]) {
  test(`at ${width} px nothing scrolls sideways`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    await open(page);
    await connect(page);
    await sendText(page, '{"type":"bars.subscribe","payload":{"symbol":"AAPL"}}');
    await expect(entries(page, "bars.update").first()).toBeVisible();
    await unfold(page);
    const { overflow, outside } = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      outside: [...document.querySelectorAll("button, input, select, textarea, a")]
        .filter((element) => element.checkVisibility() && !element.closest(".skip"))
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
        .map((element) => element.outerHTML),
    }));
    expect(overflow).toBe(0);
    expect(outside).toEqual([]);
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`${colorScheme}: WCAG 2.2 AA, contrast included, in every state`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await open(page);
    const check = async () => {
      // Playwright's evaluate is not held to the page's policy; a script element would be.
      await page.evaluate(await axeSource());
      const { violations, passes } = await page.evaluate(() =>
        globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
      );
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
      expect(passes.map(({ id }) => id)).toContain("color-contrast");
    };
    await unfold(page);
    await check();
    await connect(page);
    await sendText(page, '{"type":"bars.subscribe","id":1,"payload":{"symbol":"AAPL"}}');
    await expect(entries(page, "bars.update").first()).toBeVisible();
    await page.locator("#log-pause").click();
    await unfold(page);
    await check();
    await page.locator("#log-pause").click();
    await sendText(page, "not json");
    await expect(page.locator("#close-info")).toBeVisible();
    await check();
  });
}

async function axeSource() {
  const { readFile } = await import("node:fs/promises");
  return readFile(AXE, "utf8");
}

test("light and dark differ, follow the system, and can be chosen by hand", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await open(page);
  const light = await page.screenshot();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await page.screenshot();
  expect(light.equals(dark)).toBe(false);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const ofDark = await background();
  const button = page.locator("#theme");
  await button.click();
  await expect(button).toHaveText("Theme: light");
  expect(await background()).not.toBe(ofDark);
  await page.reload();
  await expect(button).toHaveText("Theme: light");
  expect(await background()).not.toBe(ofDark);
  await button.click();
  await expect(button).toHaveText("Theme: dark");
  expect(await background()).toBe(ofDark);
});

/** Presses Tab until an element has the focus; every stop on the way must show that it has it. */
async function tabTo(page, selector) {
  for (let press = 0; press < 300; press += 1) {
    await page.keyboard.press("Tab");
    const { found, isShown, html } = await page.evaluate((wanted) => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      return {
        found: element.matches(wanted),
        isShown: element === document.body || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0),
        html: element.outerHTML.slice(0, 200),
      };
    }, selector);
    expect(isShown, `the focus is visible on ${html}`).toBe(true);
    if (found) return;
  }
  throw new Error(`Tab never reached ${selector}`);
}

test("with the keyboard alone: connect, subscribe, see an update, unsubscribe, leave", async ({ page }) => {
  await open(page);
  await tabTo(page, '.skip a[href="#console"]');
  await page.keyboard.press("Enter");
  await tabTo(page, "#connect");
  await page.keyboard.press("Enter");
  await expect(page.locator("#state")).toHaveText("Connected");
  await tabTo(page, "#operation");
  expect(await page.locator("#operation").inputValue()).toBe("bars.subscribe");
  await tabTo(page, "#field-symbol");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("AAPL");
  await page.keyboard.press("Enter");
  const row = page.locator("#subscriptions li");
  await expect(row.locator(".topic")).toHaveText('bars:{"resolution":"1","symbol":"AAPL"}');
  await expect(row.locator(".numbers")).toContainText(/[1-9]\d* updates?/);
  await expect(entries(page, "bars.update").first()).toBeVisible();

  await tabTo(page, "#subscriptions button");
  await page.keyboard.press("Enter");
  await expect(row).toHaveCount(0);
  await expect(page.locator("#round-trip")).toHaveText("Unsubscribed from AAPL.");
  await expect(page.locator("#operation")).toBeFocused();

  await tabTo(page, "#log-scroller");
  // Out of the console, and so out of the page: no trap.
  for (let press = 0; press < 300; press += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => !document.activeElement.closest("#console"))) return;
  }
  throw new Error("Tab never left the console");
});

test("the form is made of the schema", async ({ page }) => {
  await open(page);
  await connect(page);
  await page.locator("#field-symbol").fill("GOOGL");
  await expect(page.locator("#field-resolution")).toHaveJSProperty("tagName", "SELECT");
  await page.locator("#field-resolution").selectOption({ label: "5 · Five minutes" });
  await page.getByRole("button", { name: "Subscribe" }).click();
  await expect(page.locator("#subscriptions .topic")).toHaveText('bars:{"resolution":"5","symbol":"GOOGL"}');
  await expect(page.locator("#round-trip")).toHaveText("Subscribed to GOOGL.");
  await page.getByRole("button", { name: "Ping" }).click();
  await expect(page.locator("#round-trip")).toHaveText(/^Answered in \d+\.\d ms\.$/);
  await page.locator("#field-symbol").fill("");
  await page.getByRole("button", { name: "Subscribe", exact: true }).click();
  expect(await page.locator("#field-symbol").evaluate((field) => field.validity.valueMissing)).toBe(true);
});

test("a refusal is shown and the connection stays", async ({ page }) => {
  await open(page);
  await connect(page);
  for (const symbol of ["AAPL", "MSFT", "GOOGL"]) {
    await page.locator("#field-symbol").fill(symbol);
    await page.getByRole("button", { name: "Subscribe", exact: true }).click();
    await expect(page.locator("#round-trip")).toContainText(symbol === "GOOGL" ? "refused" : symbol);
  }
  await expect(page.locator("#round-trip")).toContainText("too_many_subscriptions");
  await expect(page.locator("#subscriptions li")).toHaveCount(2);
  await expect(page.locator("#state")).toHaveText("Connected");
});

test("why a connection was closed is shown and explained", async ({ page }) => {
  await open(page);
  await connect(page);
  await sendText(page, "not json");
  await expect(page.locator("#state")).toHaveText("Disconnected");
  await expect(page.locator("#close-info")).toContainText("1003");
  await expect(page.locator("#close-info")).toContainText("Could not validate payload");
  await expect(page.locator("#close-info")).toContainText("Do not repeat it");
  await connect(page);
  await expect(page.locator("#close-info")).toBeHidden();
  await sendText(page, '{"type":"bars.update","payload":{}}');
  await expect(page.locator("#close-info")).toContainText("No matching type");
});

test("the log is filtered, paused and opened", async ({ page }) => {
  await open(page);
  await connect(page);
  await page.locator("#field-symbol").fill("AAPL");
  await page.getByRole("button", { name: "Subscribe", exact: true }).click();
  await expect(entries(page, "bars.update").first()).toBeVisible();
  await page.locator("#log-direction").selectOption("out");
  await expect(entries(page, "bars.update").first()).toBeHidden();
  await expect(entries(page, "bars.subscribe").first()).toBeVisible();
  await page.locator("#log-direction").selectOption("");
  await page.locator("#log-text").fill("bars.subscribe.response");
  await expect(page.locator("#log .entry:visible")).toHaveCount(1);
  await entries(page, "bars.subscribe.response").first().locator("summary").click();
  await expect(entries(page, "bars.subscribe.response").first().locator("pre")).toContainText('"status": "ok"');
  await page.locator("#log-text").fill("");
  await page.getByRole("button", { name: "Pause" }).click();
  const shown = await page.locator("#log .entry").count();
  await expect(page.locator("#log-note")).toHaveText(/^Paused; [1-9]\d* waiting\.$/);
  expect(await page.locator("#log .entry").count()).toBe(shown);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect.poll(() => page.locator("#log .entry").count()).toBeGreaterThan(shown);
});

test("the server's leaving is told from a fault", async ({ page }) => {
  const own = await startServer();
  const before = faults.length;
  await page.goto(own.page);
  await connect(page);
  await own.stop();
  await expect(page.locator("#close-info")).toContainText("1001");
  await expect(page.locator("#close-info")).toContainText("going away");
  // This server has another port than the one that the other tests are held to.
  faults = faults.slice(0, before).concat(faults.slice(before).filter((fault) => !fault.startsWith(`other host: ${own.origin}`)));
});

test("a silent connection is kept alive", async ({ page }) => {
  const own = await startServer({ WS_HEARTBEAT_INTERVAL: "2", WS_SERVER_PINGS: "false" });
  await page.goto(own.page);
  await page.locator("#keep-alive-seconds").fill("1");
  await page.locator("#log-pings").check();
  await connect(page);
  await expect.poll(() => entries(page, "ping.response").count(), { timeout: 10_000 }).toBeGreaterThan(3);
  await expect(page.locator("#state")).toHaveText("Connected");
  await page.locator("#keep-alive").uncheck();
  await expect(page.locator("#close-info")).toContainText("A time limit", { timeout: 10_000 });
  await own.stop();
  faults = faults.filter((fault) => !fault.startsWith(`other host: ${own.origin}`));
});
