// The runtime's size as a page loads it: under 8 KB, and no dependency.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";
import { expect, test } from "vitest";

const LIMIT = 8_000;

test(`everything that a generated module needs is at most ${LIMIT} bytes, gzipped`, async () => {
  const folder = fileURLToPath(new URL("../", import.meta.url));
  const { outputFiles, metafile } = await build({
    stdin: { contents: 'export { open } from "./src/index.ts";', resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    metafile: true,
  });
  const size = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  console.log(`the runtime has ${size} bytes gzipped, ${outputFiles[0]!.contents.length} minified`);
  expect(size).toBeLessThan(LIMIT);
  expect(Object.keys(metafile.inputs).filter((path) => !/^(src\/|<stdin>)/.test(path))).toEqual([]);
  const manifest = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
  expect([manifest.dependencies, manifest.peerDependencies]).toEqual([undefined, undefined]);
});
