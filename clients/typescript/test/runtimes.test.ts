// The WebSocket that runtimes have themselves: Node 22's, which Node 20 has behind a flag.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

import { Kit } from "./support/kit.js";

test("the built-in WebSocket of Node", async () => {
  const kit = await Kit.start();
  const flags = Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-websocket", "--no-warnings"] : [];
  const program = fileURLToPath(new URL("support/runtime.mjs", import.meta.url));
  const node = spawn(process.execPath, [...flags, program, kit.url], { stdio: ["ignore", "pipe", "inherit"] });
  const said: string[] = [];
  for await (const line of createInterface({ input: node.stdout })) {
    said.push(line);
    if (line === "ready") await kit.do("close", { code: 1001, reason: "going" });
  }
  await kit.kill();
  expect(said.length).toBe(2);
  expect(JSON.parse(said[1]!)).toEqual({ value: { number: 0 }, order: { number: 3 }, kind: "going_away", code: 1001, reason: "going" });
});
