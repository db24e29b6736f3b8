// The programs of the workspace that tests talk to.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** An example of the workspace, built by `cargo build -p topicast-tests --examples`. */
export function example(name: string): string {
  const folder = process.env["TOPICAST_EXAMPLES"] ?? join(ROOT, "target/debug/examples");
  const path = join(folder, name);
  if (existsSync(path)) return path;
  throw new Error(
    `${path} is missing: run \`cargo build -p topicast-tests --examples\`, and name the folder of examples in ` +
      "TOPICAST_EXAMPLES where it is another",
  );
}
