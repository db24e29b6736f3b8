// The canonical topic: the text on which every language agrees byte for byte.

import { TopicError } from "./errors.js";

/** What JSON can write. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** How deep params may nest; the object itself is depth 1. */
const MAX_DEPTH = 100;

/**
 * The topic `{route}:{params}`: every null becomes `""`, then RFC 8785 (JSON
 * Canonicalization Scheme), every number being a double.
 *
 * @throws {TopicError} when the params have a value that has no canonical form
 */
export function topic(route: string, params: unknown): string {
  return `${route}:${canonical(params, 1, "params")}`;
}

function canonical(value: unknown, depth: number, path: string): string {
  if (value === null || value === undefined) return '""';
  if (typeof value === "string") return text(value, path);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TopicError(`${path} is ${value}; JSON has no NaN and no infinity`);
    return String(value);
  }
  if (typeof value !== "object") throw new TopicError(`${path} is a ${typeof value}; allowed is what JSON can write`);
  // As JSON.stringify does, so that what is sent has this very topic.
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return canonical(toJSON.call(value), depth, path);
  if (depth > MAX_DEPTH) throw new TopicError(`params are nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    return `[${value.map((item, at) => canonical(item, depth + 1, `${path}[${at}]`)).join()}]`;
  }
  const members = value as Record<string, unknown>;
  // Without a comparator, sort() compares UTF-16 code units, as RFC 8785 asks.
  const names = Object.keys(members).filter((name) => members[name] !== undefined).sort();
  return `{${names.map((name) => `${text(name, path)}:${canonical(members[name], depth + 1, `${path}.${name}`)}`).join()}}`;
}

function text(value: string, path: string): string {
  if (/\p{Surrogate}/u.test(value)) throw new TopicError(`${path} has a lone surrogate; allowed is well-formed Unicode`);
  return JSON.stringify(value);
}
