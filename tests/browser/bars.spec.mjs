// Candles are the server's bars, whatever happens to trades, server and network on the way.

import { badge, chart, drawn, expectBars, expectDrawn, oddities, open as openPage, stored, watch } from "./charts.mjs";
import { startNetwork } from "./network.mjs";
import { startServer } from "./server.mjs";
import { writeTape } from "./tape.mjs";
import { expect, test } from "./watched.mjs";

const CHARTS = ["XUSD.1", "YUSD.1", "XUSD.5", "YUSD.60"];

/** How often a page looks for late trades, in milliseconds. */
const REFRESH = 15_000;

/** What was started in a test, to be ended with it. */
let started;

test.beforeEach(async ({ context }) => {
  started = [];
  // Time passes as always, and can be moved on.
  await context.clock.install();
});

test.afterEach(async () => {
  for (const end of started.reverse()) await end();
});

function tape(info, name, more) {
  return writeTape(info.outputPath(`${name}.tape`), { seed: 1, symbols: ["XUSD", "YUSD"], ...more });
}

/** A server that plays a tape from the first subscription on, as a rule ten minutes of it in four seconds. */
async function play({ file }, { port = 0, speed = "150" } = {}) {
  const server = await startServer(
    { TAPE: file, TAPE_SPEED: speed, BAR_BROADCASTER_RESOLUTIONS: "1,5,60,D", BAR_BROADCASTER_INTERVAL: "0.02" },
    port,
  );
  started.push(server.kill);
  return server;
}

/** A network to a server. */
async function link(server) {
  const network = await startNetwork(server.port);
  started.push(network.close);
  return network;
}

/** Opens the page, and watches its bars from then on. */
async function open(page, origin, ...charts) {
  await openPage(page, origin, ...charts);
  await watch(page);
}

/** Waits for the end of the tape, and until the page has looked for late trades once more; answers what the server has then. */
async function ends(page, server, charts = CHARTS) {
  await server.log.line("tape ended");
  // A first request that is still on its way when the clock moves on would be called off.
  for (const name of charts) await expect(chart(page, name)).not.toHaveAttribute("data-status", "loading");
  await page.clock.fastForward(REFRESH);
  const bars = await stored(server.origin, charts);
  await expectDrawn(page, bars);
  expect(await oddities(page)).toEqual([]);
  return bars;
}

/** Stops the page's clock just after its charts have looked for late trades, as they do by time. */
async function stopClock(page) {
  const answered = page.waitForResponse(/\/api\/v1\/bars\?/);
  await page.clock.fastForward(REFRESH);
  await answered;
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1_000);
}

/** The addresses of history that the page requests from now on. */
function requests(page) {
  const asked = [];
  page.on("request", (request) => request.url().includes("/api/v1/bars?") && asked.push(request.url()));
  return asked;
}

/** What a tape becomes, reckoned by the test. */
function reckoned({ bars }, charts = CHARTS) {
  const minutes = { 1: 1, 5: 5, 60: 60, D: 1_440 };
  return Object.fromEntries(
    charts.map((name) => {
      const [symbol, resolution] = name.split(".");
      return [name, bars(symbol, minutes[resolution])];
    }),
  );
}

test("after ten minutes of a tape every chart has the server's bars, with late trades", async ({ page, faults }, info) => {
  // The reload calls off what is still on its way.
  faults.expect(/^failed: .*\/api\/v1\/bars.*net::ERR_ABORTED/);
  const market = tape(info, "market");
  const server = await play(market, { speed: "250" });
  await open(page, server.origin, ...CHARTS);
  // The last trades of the tape revise bars that have ended, which the live channel does not tell.
  const bars = await ends(page, server);
  expect(bars).toEqual(reckoned(market));
  expect(bars["XUSD.1"]).toHaveLength(11);
  // Who comes later sees the same.
  await page.reload();
  await expectDrawn(page, bars);
});

test("a trade that comes nine minutes late is in its bar within a minute", async ({ page, faults }, info) => {
  // The clock is moved over the time that a request on its way may take.
  faults.expect(/^failed: .*\/api\/v1\/bars.*net::ERR_ABORTED/);
  const market = tape(info, "market", { straggler: true });
  const server = await play(market, { speed: "250" });
  await open(page, server.origin, ...CHARTS);
  await server.log.line("tape ended");
  for (let refresh = 0; refresh < 4; refresh += 1) {
    // One that is still on its way when the clock moves on would be called off.
    const answered = page.waitForResponse((response) => response.url().includes("/api/v1/bars?symbol=XUSD&resolution=1&"));
    await page.clock.fastForward(REFRESH);
    await answered;
  }
  expect(await ends(page, server)).toEqual(reckoned(market));
});

test("a server that is killed and comes back leaves the charts as if it had not been", async ({ page, context, faults }, info) => {
  faults.expectCuts();
  const market = tape(info, "market");
  const [cut, whole] = [await play(market), await play(market)];
  const other = await context.newPage();
  await Promise.all([open(page, cut.origin, ...CHARTS), open(other, whole.origin, ...CHARTS)]);
  await expectBars(page, "XUSD.1", 4);
  await cut.kill();
  await expect(badge(page)).toHaveText(/^Reconnecting in \d+ s$/);
  await expect(page.locator("#stale")).toHaveText(/^Stale since \d\d:\d\d:\d\d UTC$/);
  await expect(chart(page, "XUSD.1")).toHaveAttribute("data-status", "stale");
  expect(cut.log.has("tape ended"), "the tape was being played").toBe(false);
  const back = await play(market, { port: cut.port });
  await expect(badge(page)).toHaveText("Live");
  await expect(page.locator("#stale")).toBeEmpty();
  expect(back.log.has("tape ended"), "the charts join while it is played again").toBe(false);
  const [mended, never] = [await ends(page, back), await ends(other, whole)];
  expect(mended).toEqual(never);
  expect(mended).toEqual(reckoned(market));
});

test("of a server that comes back with another market nothing of the one before is left", async ({ page, faults }, info) => {
  faults.expectCuts();
  const before = await play(tape(info, "before", { quantity: 1_000 }));
  await open(page, before.origin, ...CHARTS);
  await expectBars(page, "XUSD.1", 5);
  await before.kill();
  await expect(badge(page)).toHaveText(/^Reconnecting/);
  // Smaller volumes, which within one market are older states, and fewer minutes.
  const after = tape(info, "after", { seed: 2, quantity: 10, seconds: 120 });
  const server = await play(after, { port: before.port });
  await expect(badge(page)).toHaveText("Live");
  expect(await ends(page, server)).toEqual(reckoned(after));
});

test("a network that is cut and restored leaves no gap", async ({ page, faults }, info) => {
  faults.expectCuts();
  const market = tape(info, "market");
  const server = await play(market);
  const network = await link(server);
  await open(page, network.origin, ...CHARTS);
  await expectBars(page, "XUSD.1", 3);
  await network.cut();
  await expect(badge(page)).toHaveText(/^Reconnecting in \d+ s$/);
  // Meanwhile bars begin that the page knows nothing of.
  const known = (await drawn(page))["XUSD.1"].length;
  await expect.poll(async () => (await stored(server.origin, ["XUSD.1"]))["XUSD.1"].length, { intervals: [20] }).toBeGreaterThan(known + 1);
  await network.restore();
  await expect(badge(page)).toHaveText("Live");
  expect(await ends(page, server)).toEqual(reckoned(market));
});

test("after a cut that the server recovers no history is requested", async ({ page, faults }, info) => {
  faults.expectCuts();
  const market = tape(info, "market");
  const server = await play(market);
  const network = await link(server);
  await open(page, network.origin, ...CHARTS);
  await expectBars(page, "XUSD.1", 3);
  await stopClock(page);
  await network.cut();
  await expect(badge(page)).toHaveText(/^Reconnecting/);
  const known = (await drawn(page))["XUSD.1"].length;
  // Nobody is subscribed while bars end.
  await server.log.line("tape ended");
  const asked = requests(page);
  await network.restore();
  await page.getByRole("button", { name: "Reconnect now" }).click();
  await expect(badge(page)).toHaveText("Live");
  const times = async (bars) => Object.fromEntries(Object.entries(await bars).map(([name, list]) => [name, list.map(({ time }) => time)]));
  const whole = await times(stored(server.origin, CHARTS));
  expect(whole["XUSD.1"].length).toBeGreaterThan(known + 1);
  await expect(async () => {
    // Pictures are drawn by the clock, too.
    await page.clock.runFor(50);
    expect(await times(drawn(page))).toEqual(whole);
  }).toPass();
  for (const name of CHARTS) await expect(chart(page, name)).toHaveAttribute("data-status", "live");
  expect(asked).toEqual([]);
  // Late trades are looked for as ever.
  await page.clock.resume();
  expect(await ends(page, server)).toEqual(reckoned(market));
  expect(asked).not.toEqual([]);
});

test("after a restart of the server, which cannot recover, history is requested", async ({ page, faults }, info) => {
  faults.expectCuts();
  const market = tape(info, "market");
  const before = await play(market);
  await open(page, before.origin, "XUSD.1");
  await expectBars(page, "XUSD.1", 3);
  await stopClock(page);
  await before.kill();
  await expect(badge(page)).toHaveText(/^Reconnecting/);
  // A frame passes, for what watches the charts to see that they are stale.
  await page.clock.runFor(50);
  const asked = requests(page);
  const server = await play(market, { port: before.port });
  await page.getByRole("button", { name: "Reconnect now" }).click();
  await expect.poll(() => asked).toEqual([expect.stringMatching(/symbol=XUSD&resolution=1&.*countBack=500$/)]);
  await page.clock.resume();
  expect(await ends(page, server, ["XUSD.1"])).toEqual(reckoned(market, ["XUSD.1"]));
});

for (const [what, silence, speech] of [
  ["a connection that goes silent", ({ network }) => network.swallow(), ({ network }) => network.flow()],
  ["a browser that goes offline", ({ context }) => context.setOffline(true), ({ context }) => context.setOffline(false)],
]) {
  test(`${what} is noticed, and leaves no gap`, async ({ page, context, faults }, info) => {
    faults.expectCuts();
    const market = tape(info, "market");
    const server = await play(market, { speed: "250" });
    const network = await link(server);
    await open(page, network.origin, ...CHARTS);
    await expectBars(page, "XUSD.1", 3);
    await silence({ network, context });
    // A ping goes out after five seconds, and nothing comes for ten. A bar that was on its way when
    // the connection went silent may still arrive after the first ping; the second one is not answered.
    await expect(async () => {
      await page.clock.fastForward(5_000);
      await page.clock.fastForward(10_000);
      await expect(badge(page)).toHaveText(/^Reconnecting/, { timeout: 1_000 });
    }).toPass();
    await expect(chart(page, "YUSD.60")).toHaveAttribute("data-status", "stale");
    await speech({ network, context });
    await expect(badge(page)).toHaveText("Live");
    expect(await ends(page, server)).toEqual(reckoned(market));
  });
}

test("of choices made one after another the last one's bars are shown, whatever answers first", async ({ page, faults }, info) => {
  // What is asked for a choice that is taken back is called off.
  faults.expect(/^failed: .*\/api\/v1\/bars.*net::ERR_ABORTED/);
  const market = tape(info, "market");
  const server = await play(market, { speed: "max" });
  await open(page, server.origin, "XUSD.1", "YUSD.1");
  await ends(page, server, ["XUSD.1", "YUSD.1"]);

  const held = [];
  const asked = (symbol, resolution) => {
    const wanted = `symbol=${symbol}&resolution=${resolution}&`;
    return expect.poll(() => held.map(({ url }) => url)).toContainEqual(expect.stringContaining(wanted));
  };
  await page.route("**/api/v1/bars?**", (route) => {
    return new Promise((resolve) => held.push({ url: route.request().url(), answer: () => resolve(route.continue()) }));
  });
  const [first, second] = await page.locator("article.chart").all();
  await first.getByLabel("Length of a bar").selectOption("5");
  await asked("XUSD", "5");
  await first.getByLabel("Symbol").selectOption("YUSD");
  await asked("YUSD", "5");
  await first.getByLabel("Length of a bar").selectOption("60");
  await asked("YUSD", "60");
  await second.getByLabel("Symbol").selectOption("XUSD");
  await asked("XUSD", "1");
  await second.getByLabel("Symbol").selectOption("YUSD");
  await asked("YUSD", "1");
  for (const { answer } of held.splice(0).reverse()) answer();
  await page.unroute("**/api/v1/bars?**");
  const charts = ["YUSD.60", "YUSD.1"];
  const bars = await stored(server.origin, charts);
  expect(bars).toEqual(reckoned(market, charts));
  await expectDrawn(page, bars);
  for (const name of charts) await expect(chart(page, name)).toHaveAttribute("data-status", "live");
});

test("the price at the axis is the last one, wherever the view is", async ({ page }, info) => {
  await page.addInitScript(() => {
    window.written = [];
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
      window.written.push({ text, isLabel: this.fillStyle === "#ffffff" });
      fillText.call(this, text, ...place);
    };
  });
  /** The texts of all labels of a picture that is painted anew. */
  const labels = async (theme) => {
    await page.evaluate(() => (window.written = []));
    await page.locator("#theme").selectOption(theme);
    await expect.poll(() => page.evaluate(() => window.written.length)).toBeGreaterThan(5);
    return page.evaluate(() => [...new Set(window.written.filter(({ isLabel }) => isLabel).map(({ text }) => text))]);
  };
  const server = await play(tape(info, "market", { seconds: 3_600 }), { speed: "max" });
  await open(page, server.origin, "XUSD.1");
  await ends(page, server, ["XUSD.1"]);
  const last = await chart(page, "XUSD.1").locator(".price").textContent();
  expect(await labels("dark")).toEqual([last]);
  const plot = chart(page, "XUSD.1").getByRole("slider");
  // So close that a few bars fill the view.
  for (let press = 0; press < 12; press += 1) await plot.press("+");
  await plot.press("Home");
  await plot.press("Escape");
  for (const text of await labels("light")) expect(text).toBe(last);
  // And there is a way back to where it is.
  const newest = chart(page, "XUSD.1").getByRole("button", { name: "Newest" });
  await newest.click();
  // Off the canvas, where the cursor would have a label too.
  await page.mouse.move(5, 5);
  await expect(newest).toBeHidden();
  await expect(plot).toBeFocused();
  expect(await labels("dark")).toEqual([last]);
});

test("a history that fails is said and tried again", async ({ page, faults }, info) => {
  faults.expect(/^503: .*\/api\/v1\/bars/, /^console: .*status of 503/);
  const market = tape(info, "market", { seconds: 60 });
  const server = await play(market, { speed: "max" });
  const problem = { code: "unavailable", message: "the bars are being counted" };
  await page.route("**/api/v1/bars?**", (route) => route.fulfill({ status: 503, json: problem }));
  await open(page, server.origin, "XUSD.1");
  await expect(chart(page, "XUSD.1")).toHaveAttribute("data-status", "retrying");
  await expect(chart(page, "XUSD.1")).toContainText(problem.message);
  await page.unroute("**/api/v1/bars?**");
  await chart(page, "XUSD.1").getByRole("button", { name: "Try again now" }).click();
  await expect(chart(page, "XUSD.1")).toHaveAttribute("data-status", "live");
  expect(await ends(page, server, ["XUSD.1"])).toEqual(reckoned(market, ["XUSD.1"]));
});
