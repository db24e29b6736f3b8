// The console with a channel of each kind: positions, tables, and what follows a cut.

import { accessible } from "./axe.mjs";
import { startKit } from "./kit.mjs";
import { expect, test } from "./watched.mjs";

const PUBLISHED = { symbol: "AAPL" };

let kit;

test.beforeEach(async () => {
  kit = await startKit();
});

test.afterEach(async () => {
  await kit?.kill();
});

/** Opens the page and connects. */
async function open(page) {
  const response = await page.goto(kit.documentation);
  await expect(page.locator("#channel-levels")).toBeVisible();
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.locator("#state")).toHaveText("Connected");
  return response;
}

/** Subscribes to AAPL of a channel with the form; `options` are inputs by name. */
async function subscribe(page, route, options = {}) {
  await page.getByLabel("Operation").selectOption(`${route}.subscribe`);
  await page.locator("#field-symbol").fill("AAPL");
  for (const [name, value] of Object.entries(options)) await page.getByLabel(new RegExp(`^${name}`)).fill(String(value));
  await page.getByRole("button", { name: "Subscribe", exact: true }).click();
  await expect(entry(page, route)).toBeVisible();
}

/** The subscription of a channel. */
const entry = (page, route) => page.locator("#subscriptions > li", { hasText: `${route}:` });

/** What is said of a subscription: its kind, epoch, number, and whether it was recovered. */
const fact = (page, route, name) => entry(page, route).locator(`[data-fact="${name}"] dd`);

const cut = (page) => page.getByRole("button", { name: "Cut the connection" });
const back = (page) => page.getByRole("button", { name: "Return at the old positions" });

/** The rows that are shown, by the names of their columns. */
function shown(page, route) {
  return entry(page, route).getByRole("region", { name: /^Rows of levels:/ }).evaluate((region) => {
    const [names, ...rows] = [...region.querySelectorAll("tr")].map((row) => [...row.children].map(({ textContent }) => textContent));
    return rows.map((cells) => Object.fromEntries(cells.map((text, at) => [names[at], text])));
  });
}

/** The rows of the server, as texts. */
async function rows() {
  const { levels } = await kit.do("levels", PUBLISHED);
  return levels.map(({ side, price, size, note }) => ({ side, price: String(price), size: String(size), note: note ?? "" }));
}

test("the kind of every channel is shown where it is described and where it is subscribed", async ({ page }) => {
  const response = await open(page);
  expect(response.headers()["content-security-policy"]).toBe("default-src 'self'");
  const kinds = {
    bars: "events",
    trades: "events, history of 1000 updates",
    prices: "latest",
    levels: "table by side, price, with checksum",
  };
  for (const [route, kind] of Object.entries(kinds)) {
    await expect(page.locator(`#channel-${route} h2 .kind`)).toHaveText(kind);
    await subscribe(page, route);
    await expect(fact(page, route, "kind")).toHaveText(kind);
  }
});

test("a table is shown as a table, by key and live", async ({ page }) => {
  // The console's clock, which counts rates every second, never keeps a change from being shown.
  await page.addInitScript(() => {
    const { setInterval } = window;
    window.setInterval = (run, time) => setInterval(run, time === 1_000 ? 1 : time);
  });
  await open(page);
  await kit.do("trade", { ...PUBLISHED, times: 5 });
  await subscribe(page, "levels");
  for (let round = 0; round < 20; round += 1) {
    await expect.poll(() => shown(page, "levels")).toEqual(await rows());
    await kit.do("trade", { ...PUBLISHED, times: 7 });
  }
  const all = await rows();
  expect(all.length).toBeGreaterThan(10);
  const order = (one, other) => (one.side === other.side ? one.price - other.price : one.side < other.side ? -1 : 1);
  expect(all.toSorted(order), "key order").toEqual(all);
});

test("a subscription returns at its position after a cut, and says that it was recovered", async ({ page }) => {
  await open(page);
  await kit.do("trade", { ...PUBLISHED, times: 3 });
  for (const route of ["trades", "prices", "levels"]) await subscribe(page, route);
  await kit.do("trade", { ...PUBLISHED, times: 2 });
  await expect(fact(page, "trades", "seq")).toHaveText("5");
  await expect(entry(page, "trades").locator(".numbers")).toContainText("2 updates");
  await expect(fact(page, "trades", "recovered")).toHaveCount(0);
  const epoch = await fact(page, "trades", "epoch").textContent();

  await cut(page).click();
  await expect(page.locator("#state")).toHaveText("Disconnected");
  await expect(page.locator("#close-info")).toHaveText("Cut by this page. The subscriptions keep their positions.");
  await expect(back(page)).toBeFocused();
  await kit.do("trade", { ...PUBLISHED, times: 30 });
  await expect(entry(page, "trades").locator(".numbers")).toHaveText("2 updates · not connected");
  await expect(fact(page, "trades", "seq")).toHaveText("5");

  await back(page).click();
  for (const route of ["trades", "prices", "levels"]) await expect(fact(page, route, "recovered")).toHaveText("true");
  await expect(cut(page)).toBeFocused();
  await expect(fact(page, "trades", "seq")).toHaveText("35");
  await expect(fact(page, "trades", "epoch")).toHaveText(epoch);
  // Every trade that was missed, and one update that merges all changes of a price.
  await expect(entry(page, "trades").locator(".numbers")).toContainText("32 updates");
  await expect(fact(page, "prices", "seq")).toHaveText("35");
  await expect.poll(() => shown(page, "levels")).toEqual(await rows());
  await kit.do("trade", { ...PUBLISHED, times: 1 });
  await expect(fact(page, "trades", "seq")).toHaveText("36");
  await expect.poll(() => shown(page, "levels")).toEqual(await rows());
});

test("a server that restarted recovers nothing, and the table is that of the new one", async ({ page, faults }) => {
  faults.expectCuts();
  await open(page);
  await kit.do("trade", { ...PUBLISHED, times: 40 });
  for (const route of ["trades", "levels"]) await subscribe(page, route);
  await expect.poll(() => shown(page, "levels")).toEqual(await rows());
  const { port } = kit;
  await kit.kill();
  await expect(page.locator("#close-info")).toContainText("Closed with 1006");
  // Nobody is there yet.
  await back(page).click();
  await expect(page.locator("#state")).toHaveText("Disconnected");
  await expect(entry(page, "trades")).toBeVisible();
  kit = await startKit("--port", String(port));
  await kit.do("trade", { ...PUBLISHED, times: 2 });
  await back(page).click();
  for (const route of ["trades", "levels"]) await expect(fact(page, route, "recovered")).toHaveText("false");
  await expect(fact(page, "trades", "seq")).toHaveText("2");
  await expect.poll(() => shown(page, "levels")).toEqual(await rows());
});

test("who disconnects or connects by hand begins without subscriptions", async ({ page }) => {
  await open(page);
  await subscribe(page, "trades");
  await cut(page).click();
  await page.getByRole("button", { name: "Connect", exact: true }).click();
  await expect(page.locator("#subscriptions > li")).toHaveCount(0);
  await expect(page.locator("#state")).toHaveText("Connected");
  await subscribe(page, "trades");
  await page.getByRole("button", { name: "Disconnect", exact: true }).click();
  await expect(page.locator("#subscriptions > li")).toHaveCount(0);
  await expect(back(page)).toBeDisabled();
});

test("a subscription that was cut can be dropped", async ({ page }) => {
  await open(page);
  for (const route of ["trades", "levels"]) await subscribe(page, route);
  await cut(page).click();
  await entry(page, "trades").getByRole("button", { name: /^Unsubscribe/ }).click();
  await expect(entry(page, "trades")).toHaveCount(0);
  await back(page).click();
  await expect(fact(page, "levels", "recovered")).toHaveText("true");
  expect(await kit.do("count")).toMatchObject({ topics: { 'levels:{"symbol":"AAPL"}': 1 } });
});

test("events with history have an input for rewind, the other kinds for max_rate", async ({ page }) => {
  await open(page);
  await kit.do("trade", { ...PUBLISHED, times: 9 });
  const rewind = page.getByLabel(/^rewind/);
  const rate = page.getByLabel(/^max_rate/);
  for (const [route, inputs] of [["bars", [0, 0]], ["trades", [1, 0]], ["prices", [0, 1]], ["levels", [0, 1]]]) {
    await page.getByLabel("Operation").selectOption(`${route}.subscribe`);
    expect([await rewind.count(), await rate.count()], route).toEqual(inputs);
  }
  await subscribe(page, "trades", { rewind: 4 });
  await expect(entry(page, "trades").locator(".numbers")).toContainText("4 updates");
  await expect(fact(page, "trades", "seq")).toHaveText("9");
  await subscribe(page, "prices", { max_rate: 0.1 });
  // One update every ten seconds: the second one waits, the events do not.
  await kit.do("trade", { ...PUBLISHED, times: 1 });
  await kit.do("trade", { ...PUBLISHED, times: 50 });
  await expect(fact(page, "trades", "seq")).toHaveText("60");
  expect(Number(await fact(page, "prices", "seq").textContent())).toBeLessThan(60);
});

for (const colorScheme of ["light", "dark"]) {
  test(`${colorScheme}: tables and positions are accessible, and nothing scrolls sideways`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await open(page);
    await kit.do("trade", { ...PUBLISHED, times: 60 });
    for (const route of ["trades", "prices", "levels"]) await subscribe(page, route);
    await accessible(page);
    await cut(page).click();
    await accessible(page);
    await back(page).click();
    await expect(fact(page, "levels", "recovered")).toHaveText("true");
    await accessible(page);
    for (const width of [360, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, `${width} px`).toBe(0);
      const outside = await page.locator("#console button, #console input").evaluateAll((elements) =>
        elements.filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > innerWidth + 0.5).map(({ id }) => id));
      expect(outside, `${width} px`).toEqual([]);
    }
  });
}
