// Completes requests: fills in the defaults of omitted members.

import { TopicError } from "./errors.js";
import type { Json } from "./topic.js";

/** How to complete a value of a request; generated from the document. */
export interface Shape {
  /** The default of an omitted value. */
  readonly default?: Json;
  /** Null is allowed, so `""`, which represents null in topics, is not. */
  readonly nullable?: true;
  /** A 32-bit number, which the server writes in its shortest form. */
  readonly float?: true;
  /** The members of an object that need completing. */
  readonly members?: { readonly [name: string]: Shape };
  /** The items of an array. */
  readonly items?: Shape;
  /** The values of a map. */
  readonly values?: Shape;
  /** The first variant whose `when` matches is used: each member has the value, or any value if it is null. */
  readonly variants?: readonly (Shape & { readonly when: { readonly [name: string]: Json } })[];
}

/**
 * Returns the value with defaults for omitted members.
 *
 * @throws {TopicError} if an optional value is `""`, which would have the same topic as null
 */
export function complete(value: unknown, shape: Shape, path: string): unknown {
  if (value === undefined) value = shape.default;
  if (value === "" && shape.nullable) {
    throw new TopicError(`${path} is optional and ""; omit it or set a non-empty text`);
  }
  if (typeof value === "number" && shape.float) return shortest(Math.fround(value));
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const { items } = shape;
    return items ? value.map((item: unknown, at) => complete(item, items, `${path}[${at}]`)) : value;
  }
  const whole: Record<string, unknown> = { ...value };
  const set = (name: string, shape: Shape): void => {
    const member = complete(whole[name], shape, `${path}.${name}`);
    if (member !== undefined) whole[name] = member;
  };
  const holds = ([name, wanted]: [string, Json]): boolean =>
    wanted === null ? whole[name] !== undefined : whole[name] === wanted;
  const variant = shape.variants?.find(({ when }) => Object.entries(when).every(holds));
  for (const { members, values } of variant ? [shape, variant] : [shape]) {
    if (values) for (const name of Object.keys(whole)) set(name, values);
    for (const name in members) set(name, members[name] as Shape);
  }
  return whole;
}

/** Returns the number with the fewest digits that rounds to this 32-bit number. */
function shortest(float: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return float;
}
