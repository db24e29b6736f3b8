// Converts the JSON Schema of a request to the shape that completes requests at run time.

import type { Shape } from "../shape.js";
import type { Json } from "../topic.js";
import type { Schema } from "./document.js";
import { SCHEMAS } from "./reference.js";
import { withoutAliases } from "./types.js";

type Draft = { -readonly [Key in keyof Shape]: Shape[Key] };
type Variant = NonNullable<Shape["variants"]>[number];

/** Returns the shape that completes values of a schema; undefined if there is nothing to complete. */
export function shapeOf(schema: Schema, schemas: { readonly [name: string]: Schema }): Shape | undefined {
  return new Shapes(schemas).of(schema, []);
}

class Shapes {
  readonly #schemas: { readonly [name: string]: Schema };

  constructor(schemas: { readonly [name: string]: Schema }) {
    this.#schemas = schemas;
  }

  /** `inside` lists the enclosing named schemas, so that recursion ends. */
  of(raw: Schema | boolean, inside: readonly string[]): Shape | undefined {
    if (typeof raw !== "object") return undefined;
    const schema = withoutAliases(raw);
    const draft: Draft = {};
    const reference: unknown = schema["$ref"];
    if (typeof reference === "string") {
      const name = reference.slice(SCHEMAS.length);
      if (!inside.includes(name)) merge(draft, this.of(this.#schemas[name] ?? {}, [...inside, name]));
    }
    for (const part of schema["allOf"] ?? []) merge(draft, this.of(part, inside));
    this.#choices(draft, [...(schema["anyOf"] ?? []), ...(schema["oneOf"] ?? [])], inside);
    if (takesNull(schema) && this.#takesText(schema)) draft.nullable = true;
    if (schema["format"] === "float") draft.float = true;
    this.#members(draft, schema, inside);
    const items = Array.isArray(schema["items"]) ? undefined : this.of(schema["items"] ?? true, inside);
    if (items) draft.items = items;
    const values = schema["properties"] ? undefined : this.of(schema["additionalProperties"] ?? true, inside);
    if (values) draft.values = values;
    return Object.keys(draft).length ? draft : undefined;
  }

  #members(draft: Draft, schema: Schema, inside: readonly string[]): void {
    const members: Record<string, Shape> = {};
    for (const [name, member] of Object.entries<Schema>(schema["properties"] ?? {})) {
      const shape: Draft = { ...this.of(member, inside) };
      if (!schema["required"]?.includes(name)) {
        if (member["default"] !== undefined) shape.default = member["default"] as Json;
        else if (this.#takesNull(member)) shape.default = null;
      }
      if (Object.keys(shape).length) members[name] = shape;
    }
    if (Object.keys(members).length) draft.members = { ...draft.members, ...members };
  }

  #choices(draft: Draft, choices: readonly Schema[], inside: readonly string[]): void {
    const others = choices.filter((choice) => choice["type"] !== "null");
    if (others.length === 1) return merge(draft, this.of(others[0]!, inside));
    const variants: Variant[] = [];
    for (const choice of others) {
      const shape = this.of(choice, inside);
      if (!shape) continue;
      const { properties = {}, required = [] } = withoutAliases(this.#resolve(choice));
      const when: Record<string, Json> = {};
      for (const name of required as string[]) when[name] = properties[name]?.const ?? null;
      variants.push({ when, ...shape });
    }
    if (variants.length) draft.variants = variants;
  }

  #resolve(schema: Schema): Schema {
    for (let steps = 0; typeof schema["$ref"] === "string" && steps < 100; steps += 1) {
      schema = this.#schemas[schema["$ref"].slice(SCHEMAS.length)] ?? {};
    }
    return schema;
  }

  #takesNull(schema: Schema): boolean {
    const found = this.#resolve(schema);
    return takesNull(found) || [...(found["allOf"] ?? [])].some((part: Schema) => this.#takesNull(part));
  }

  /** Returns true if any text is valid, unlike in an enumeration, which does not contain `""`. */
  #takesText(schema: Schema): boolean {
    const found = this.#resolve(schema);
    if ("const" in found || "enum" in found) return false;
    const parts: Schema[] = [...(found["anyOf"] ?? []), ...(found["oneOf"] ?? []), ...(found["allOf"] ?? [])];
    return [found["type"] ?? []].flat().includes("string") || parts.some((part) => this.#takesText(part));
  }
}

function takesNull(schema: Schema): boolean {
  const choices: Schema[] = [...(schema["anyOf"] ?? []), ...(schema["oneOf"] ?? [])];
  if (schema["nullable"] === true) return true;
  return [schema["type"] ?? []].flat().includes("null") || choices.some((choice) => choice["type"] === "null");
}

function merge(draft: Draft, shape: Shape | undefined): void {
  const members = { ...draft.members, ...shape?.members };
  Object.assign(draft, shape);
  if (Object.keys(members).length) draft.members = members;
}
