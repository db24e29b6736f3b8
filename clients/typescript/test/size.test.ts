// The runtime's size as a page loads it: under 8 KB, and no dependency.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";
import { expect, test } from "vitest";

const FOLDER = fileURLToPath(new URL("../", import.meta.url));

/** The limit of what every generated module needs, and what a module with tables may need beyond it. */
const LIMIT = 8_192;
const TABLES = 800;

/** Returns the size of what a module imports that needs these names of the runtime. */
async function size(names: string): Promise<number> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${names} } from "./src/index.ts";`, resolveDir: FOLDER },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
  });
  expect(Object.keys(metafile.inputs).filter((path) => !/^(src\/|<stdin>)/.test(path))).toEqual([]);
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}

test(`everything that a generated module needs is less than ${LIMIT} bytes, gzipped`, async () => {
  const [own, other, tables] = await Promise.all(["open", "open, history, latest", "open, table"].map(size));
  console.log(`the runtime has ${own} bytes gzipped, with history and latest ${other}, with tables ${tables}`);
  expect(own).toBeLessThan(LIMIT);
  expect(other! - own!).toBeLessThan(50);
  expect(tables! - own!).toBeLessThan(TABLES);
});

test("there is no dependency", () => {
  const manifest = JSON.parse(readFileSync(`${FOLDER}package.json`, "utf8"));
  expect([manifest.dependencies, manifest.peerDependencies]).toEqual([undefined, undefined]);
});
