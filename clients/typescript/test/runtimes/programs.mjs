// The runtimes that the lock file of this folder names, as far as this machine can run them.
// `node programs.mjs --missing` names the others, one a line.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const FOLDER = new URL("node_modules/", import.meta.url);

/** The first of the packages whose names begin like that which runs here, or null. */
function program(scope, start, path) {
  const folder = new URL(scope, FOLDER);
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(start)) : [];
  return names.map((name) => fileURLToPath(new URL(`${name}/${path}`, folder))).find(runs) ?? null;
}

function runs(path) {
  try {
    execFileSync(path, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Paths by the runtime's name. */
export const PROGRAMS = {
  "Node 22": program("./", "node-22-", "bin/node"),
  "Node 24": program("./", "node-24-", "bin/node"),
  Bun: program("@oven/", "bun-", "bin/bun"),
};

if (process.argv[2] === "--missing") {
  for (const [name, path] of Object.entries(PROGRAMS)) if (path === null) console.log(name);
}
