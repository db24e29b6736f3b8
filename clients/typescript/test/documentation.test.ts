// The code in the documentation compiles.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import ts from "typescript";
import { expect, test } from "vitest";

import { ROOT } from "./support/programs.js";

const RUNTIME = fileURLToPath(new URL("../src/index.ts", import.meta.url));
const API = fileURLToPath(new URL("./kit/api.ts", import.meta.url));

test("every block of TypeScript in docs/clients.md", async () => {
  const text = await readFile(join(ROOT, "docs/clients.md"), "utf8");
  const blocks = [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code!);
  expect(blocks.length).toBeGreaterThan(2);
  const folder = await mkdtemp(join(tmpdir(), "topicast-"));
  try {
    await writeFile(join(folder, "api.ts"), (await readFile(API, "utf8")).replace("../../src/index.js", "topicast"));
    const names = blocks.map((_, at) => join(folder, `${at}.ts`));
    await Promise.all(blocks.map((code, at) => writeFile(names[at]!, code)));
    const program = ts.createProgram(names, {
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts", "lib.dom.d.ts"],
      types: [],
      paths: { topicast: [RUNTIME] },
      skipLibCheck: true,
    });
    const complaints = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => [file?.fileName, messageText]);
    expect(complaints).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
