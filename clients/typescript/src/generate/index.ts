// The generator as a function, for build scripts.

import { read } from "./document.js";
import { emit } from "./emit.js";

export interface GenerateOptions {
  /** The module to import the runtime from. Default: `topicast`. */
  readonly runtime?: string;
}

/** Generates a TypeScript module with a typed client for an AsyncAPI 3.0 document. */
export function generate(document: unknown, { runtime = "topicast" }: GenerateOptions = {}): string {
  return emit(read(document), runtime);
}
