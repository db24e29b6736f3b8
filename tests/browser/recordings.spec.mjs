// A real recording, where there is one: the folder is named by MARKET_DATA_DIR.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expectDrawn, open, stored } from "./charts.mjs";
import { startServer } from "./server.mjs";
import { expect, test } from "./watched.mjs";

/** The bars that the recording's publisher has reckoned, of one minute each, in order. */
function expected(folder) {
  const [, ...rows] = readFileSync(join(folder, "expected_bars_1m.csv"), "utf8").trim().split("\n");
  return rows.map((row) => {
    const [time, open, high, low, close, volume] = row.split(",").map(Number);
    return { time, open, high, low, close, volume };
  });
}

test("after ten minutes of the exchange's trades the charts have the server's bars, and the exchange's", async ({ page }) => {
  const recordings = process.env.MARKET_DATA_DIR;
  if (!recordings) throw new Error("MARKET_DATA_DIR is not set; leave this file out with --grep-invert recordings");
  const folder = join(recordings, "binance_spot");
  const files = ["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"].map((name) => join(folder, name));
  const server = await startServer({
    TAPE: files.join(","),
    TAPE_SPEED: "250",
    BAR_BROADCASTER_RESOLUTIONS: "1,5,60,D",
    BAR_BROADCASTER_INTERVAL: "0.02",
  });
  const charts = ["BTCUSDT.1", "BTCUSDT.5", "BTCUSDT.60", "BTCUSDT.D"];
  await open(page, server.origin, ...charts);
  await server.log.line("tape ended");
  const bars = await stored(server.origin, charts);
  expect(bars["BTCUSDT.1"]).toEqual(expected(folder));
  await expectDrawn(page, bars);
  await server.stop();
});
