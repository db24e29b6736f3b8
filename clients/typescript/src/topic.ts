// The canonical topic, the same in every language byte for byte.

import { TopicError } from "./errors.js";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The deepest nesting of params; the object itself is depth 1. */
const MAX_DEPTH = 100;

/**
 * Returns the topic `{route}:{params}`, where every null becomes `""` and the params are written
 * by RFC 8785 (JSON Canonicalization Scheme), with every number as a double.
 *
 * @throws {TopicError} if the params contain a value that has no canonical form
 */
export function topic(route: string, params: unknown): string {
  return `${route}:${canonical(params, "params", '""')}`;
}

/**
 * Returns the RFC 8785 text of a value, with another text for null.
 *
 * @throws {TopicError} if the value has none; the message names its place, which begins with `path`
 */
export function canonical(value: unknown, path: string, nothing: string, depth = 1): string {
  if (value === null || value === undefined) return nothing;
  if (typeof value === "string") return text(value, path);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TopicError(`${path} is ${value}; JSON has no NaN and no infinity`);
    return String(value);
  }
  if (typeof value !== "object") throw new TopicError(`${path} is a ${typeof value}; only JSON values are allowed`);
  // As JSON.stringify does, so that the params that are sent have this topic.
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return canonical(toJSON.call(value), path, nothing, depth);
  if (depth > MAX_DEPTH) throw new TopicError(`the value is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    return `[${value.map((item, at) => canonical(item, `${path}[${at}]`, nothing, depth + 1)).join()}]`;
  }
  const members = value as Record<string, unknown>;
  // Without a comparator, sort() compares UTF-16 code units, as RFC 8785 requires.
  const names = Object.keys(members).filter((name) => members[name] !== undefined).sort();
  const member = (name: string): string =>
    `${text(name, path)}:${canonical(members[name], `${path}.${name}`, nothing, depth + 1)}`;
  return `{${names.map(member).join()}}`;
}

function text(value: string, path: string): string {
  if (/\p{Surrogate}/u.test(value)) throw new TopicError(`${path} has a lone surrogate; only well-formed Unicode is allowed`);
  return JSON.stringify(value);
}
