// What the declaration of a request says about members that were left out.

import { TopicError } from "./errors.js";
import type { Json } from "./topic.js";

/** How a value of a request is completed; generated from the document. */
export interface Shape {
  /** Stands for a value that was left out. */
  readonly default?: Json;
  /** Null is a value here, and `""` stands for null in topics: `""` itself is refused. */
  readonly nullable?: true;
  /** A number of 32 bits, which the server writes as short as it can. */
  readonly float?: true;
  /** An object's members, as far as something is to be done about them. */
  readonly members?: { readonly [name: string]: Shape };
  /** Every item of an array. */
  readonly items?: Shape;
  /** Every value of a map. */
  readonly values?: Shape;
  /** The first variant whose `when` holds: a member has the value, or just exists where it is null. */
  readonly variants?: readonly (Shape & { readonly when: { readonly [name: string]: Json } })[];
}

/**
 * A value with defaults in the place of what was left out.
 *
 * @throws {TopicError} when an optional value is `""`, which would share its topic with null
 */
export function complete(value: unknown, shape: Shape, path: string): unknown {
  if (value === undefined) value = shape.default;
  if (value === "" && shape.nullable) {
    throw new TopicError(`${path} is optional and ""; leave it out or give it a text`);
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

/** The number with the fewest digits that is this one in 32 bits. */
function shortest(float: number): number {
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(float.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return float;
}
