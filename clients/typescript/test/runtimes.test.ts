// The package as its users have it, on every runtime: packed, installed, generated for,
// compiled, and run on the WebSocket that the runtime has itself.

import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";

import { afterAll, beforeAll, expect, test } from "vitest";

import { PROGRAMS } from "./runtimes/programs.mjs";
import { Kit } from "./support/kit.js";
import { Project } from "./support/project.js";
import { Proxy } from "./support/proxy.js";

const SOURCE = fileURLToPath(new URL("runtimes/program.ts", import.meta.url));

/** Before Node 22 the built-in WebSocket is behind a flag. */
const OLD = Number.parseInt(process.versions.node) < 22;

let project: Project;

beforeAll(async () => {
  const kit = await Kit.start();
  project = await Project.make();
  await project.run("npx", "--no-install", "topicast", "generate", kit.document, "-o", "api.ts");
  await kit.kill();
  await project.write("program.ts", await readFile(SOURCE, "utf8"));
  await project.compile();
}, 120_000);

afterAll(() => project?.remove());

interface Ended {
  readonly code: number | null;
  /** The last report of each name. */
  readonly reports: { readonly [what: string]: any };
  readonly complaints: string;
}

/** Runs the program, and does to it what its story needs. */
async function run(runtime: string, ...args: string[]): Promise<Ended> {
  const kit = await Kit.start();
  const network = await Proxy.start(kit.port);
  let times = 2;
  const story: { [what: string]: () => unknown } = {
    live: () => kit.do("publish", { symbol: "AAPL", times }),
    cut: () => {
      network.refusing = true;
      network.cut();
    },
    // Three that it misses, and one once it is subscribed again.
    reconnecting: async () => {
      await kit.do("publish", { symbol: "AAPL", times: 3 });
      times = 1;
      network.refusing = false;
    },
    close: () => kit.do("close", { code: 1001, reason: "going" }),
  };
  const program = spawn(runtime, [...args, "program.js", network.url], { cwd: project.folder });
  const exit = new Promise<number | null>((resolve) => program.once("exit", resolve));
  const reports: { [what: string]: any } = {};
  let complaints = "";
  program.stderr.on("data", (text) => (complaints += text));
  for await (const line of createInterface({ input: program.stdout })) {
    const { what, ...more } = JSON.parse(line) as { what: string };
    reports[what] = more;
    await story[what]?.();
  }
  const code = await exit;
  network.close();
  await kit.kill();
  return { code, reports, complaints };
}

async function passes(runtime: string, ...args: string[]): Promise<void> {
  const { code, reports, complaints } = await run(runtime, ...args);
  expect(complaints).toBe("");
  expect(reports["done"]).toEqual({
    values: [1, 2, 6].map((number) => ({ time: number, close: number })),
    gaps: [{ reason: "reconnect", missed: 3 }],
    first: 0,
    order: { number: 3 },
    code: "market_closed",
    items: ["status", "status"],
    abortion: "AbortError",
    closes: expect.any(Array),
  });
  const closes = reports["done"].closes as string[];
  expect([closes[0], closes.at(-1)]).toEqual(["lost 1006", "going_away 1001 going"]);
  expect(code).toBe(0);
}

for (const [name, program] of Object.entries(PROGRAMS)) {
  test.skipIf(program === null)(`the built-in WebSocket of ${name}`, () => passes(program!));
}

test("the built-in WebSocket of this Node, perhaps behind a flag", () =>
  passes(process.execPath, ...(OLD ? ["--experimental-websocket", "--no-warnings"] : [])));

// A test that is skipped elsewhere would count as one that could not be run.
if (OLD) {
  test("without a WebSocket, as on Node 20, the error says how to give one", async () => {
    const { code, complaints } = await run(process.execPath);
    expect(code).toBe(1);
    expect(complaints).toContain("TypeError: this runtime has no WebSocket: pass that of the `ws` package, as in connect(url, { WebSocket })");
  });
}
