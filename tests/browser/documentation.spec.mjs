// The documentation page as a reader meets it: under its policy, at any width, in light and dark, by keyboard.

import { accessible } from "./axe.mjs";
import { tabTo } from "./keyboard.mjs";
import { startServer } from "./server.mjs";
import { expect, test } from "./watched.mjs";

let server;

test.beforeAll(async () => {
  server = await startServer({ WS_MAX_SUBSCRIPTIONS: "2" });
});

test.afterAll(async () => {
  await server?.stop();
});

async function open(page) {
  const response = await page.goto(server.documentation);
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

test("the page is served under the strict policy and the policy is enforced", async ({ page, faults }) => {
  faults.expect(/style-src/, /inline style/);
  const response = await open(page);
  expect(response.headers()["content-security-policy"]).toBe("default-src 'self'");
  await connect(page);
  await page.evaluate(() => {
    const style = document.createElement("style");
    style.textContent = "body { color: red }";
    document.head.append(style);
  });
  // The violation that was made on purpose shows that others would have been seen.
  await expect.poll(() => faults.matching(/^policy: style-src/).length).toBe(1);
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
  await page.goto(`${server.documentation}#schema-Bar`);
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
    await unfold(page);
    await accessible(page);
    await connect(page);
    await sendText(page, '{"type":"bars.subscribe","id":1,"payload":{"symbol":"AAPL"}}');
    await expect(entries(page, "bars.update").first()).toBeVisible();
    await page.locator("#log-pause").click();
    await unfold(page);
    await accessible(page);
    await page.locator("#log-pause").click();
    await sendText(page, "not json");
    await expect(page.locator("#close-info")).toBeVisible();
    await accessible(page);
  });
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

test("a request in either form is an example", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page);
  const card = page.locator('[id="operation-bars.subscribe"]');
  await card.locator("> summary").click();
  for (const [name, payload] of [
    ["the example of bars.subscribe", { symbol: "AAPL", resolution: "1" }],
    ["example 2 of bars.subscribe", { symbol: "AAPL", params: { resolution: "1" } }],
  ]) {
    await card.getByRole("button", { name: `Copy ${name}`, exact: true }).click();
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    expect(copied.payload).toEqual(payload);
  }
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

test("a page that is elsewhere connects to the path that it states", async ({ page }) => {
  // As `documents_router` serves it: the files beside the page, and the socket's path in it.
  await page.route(`${server.origin}/internal/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    const response = await route.fetch({ url: `${server.origin}/api/v1/ws${pathname.slice("/internal".length)}` });
    if (!pathname.endsWith("/asyncapi")) return route.fulfill({ response });
    const body = (await response.text()).replace('name="socket" content=""', 'name="socket" content="/api/v1/ws"');
    return route.fulfill({ response, body });
  });
  // Chromium lets no page that a test answers for connect to a local address, so the test is the server.
  const asked = [];
  await page.routeWebSocket(/./, (socket) => asked.push(socket.url()));
  await page.goto(`${server.origin}/internal/asyncapi`);
  await expect(page.locator("#channel-bars")).toBeVisible();
  await connect(page);
  expect(asked).toEqual([`${server.origin.replace("http", "ws")}/api/v1/ws`]);
});

test("the server's leaving is told from a fault", async ({ page }) => {
  const own = await startServer();
  await page.goto(own.documentation);
  await connect(page);
  await own.stop();
  await expect(page.locator("#close-info")).toContainText("1001");
  await expect(page.locator("#close-info")).toContainText("going away");
});

test("a silent connection is kept alive", async ({ page }) => {
  const own = await startServer({ WS_HEARTBEAT_INTERVAL: "2", WS_SERVER_PINGS: "false" });
  await page.goto(own.documentation);
  await page.locator("#keep-alive-seconds").fill("1");
  await page.locator("#log-pings").check();
  await connect(page);
  await expect.poll(() => entries(page, "ping.response").count(), { timeout: 10_000 }).toBeGreaterThan(3);
  await expect(page.locator("#state")).toHaveText("Connected");
  await page.locator("#keep-alive").uncheck();
  await expect(page.locator("#close-info")).toContainText("A time limit", { timeout: 10_000 });
  await own.stop();
});
