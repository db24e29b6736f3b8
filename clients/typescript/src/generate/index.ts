// The generator as a function, for build scripts.

import { read } from "./document.js";
import { emit } from "./emit.js";

export interface GenerateOptions {
  /** What the generated module imports the runtime from. `topicast`. */
  readonly runtime?: string;
}

/** The typed surface of an AsyncAPI 3.0 document, as the text of a TypeScript module. */
export function generate(document: unknown, { runtime = "topicast" }: GenerateOptions = {}): string {
  return emit(read(document), runtime);
}
