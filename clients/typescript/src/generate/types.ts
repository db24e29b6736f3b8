// Converts JSON Schema to TypeScript types.

import type { Schema } from "./document.js";
import { SCHEMAS } from "./reference.js";

/** Reserved names, and names that the generated code uses itself. */
const TAKEN = new Set(
  ("Api AnySubscription RefusalCode connect surface topicast any bigint boolean never null number object string symbol " +
    "undefined unknown void true false class const enum export extends function import in interface new return super " +
    "this throw typeof var while with await let static yield").split(" "),
);

/** Writes types; every named schema becomes an exported type. */
export class Types {
  readonly #schemas: { readonly [name: string]: Schema };
  readonly #names = new Map<string, string>();

  constructor(schemas: { readonly [name: string]: Schema }) {
    this.#schemas = schemas;
    const used = new Set<string>();
    for (const schema of Object.keys(schemas)) {
      const words = schema.split(/[^\p{L}\p{N}_$]+/u).filter(Boolean);
      let name = words.map((word, at) => (at ? word.charAt(0).toUpperCase() + word.slice(1) : word)).join("");
      if (!/^[\p{L}_$]/u.test(name)) name = `_${name}`;
      while (used.has(name) || TAKEN.has(name)) name += "_";
      used.add(name);
      this.#names.set(schema, name);
    }
  }

  /** Returns the declarations of all named types that the given schemas use, in the document's order. */
  declarations(roots: readonly Schema[]): string[] {
    const needed = this.#closure(roots);
    for (const name of needed) this.#ground(name);
    return Object.keys(this.#schemas)
      .filter((name) => needed.has(name))
      .map((name) => this.#declaration(name, this.#schemas[name]!));
  }

  /** Returns the type of a schema. */
  of(schema: Schema | boolean, indent = ""): string {
    return this.#type(schema, indent);
  }

  /** Returns the union of the types of the schemas. */
  union(schemas: readonly Schema[], indent = ""): string {
    return union(schemas.map((schema) => this.of(schema, indent)));
  }

  #declaration(name: string, raw: Schema): string {
    const schema = withoutAliases(raw);
    const as = this.#names.get(name)!;
    const head = comment(raw, "");
    const isPlain = schema["properties"] && !["allOf", "anyOf", "oneOf", "enum", "const", "$ref"].some((it) => it in schema);
    if (isPlain && schema["type"] === "object" && !schema["nullable"]) {
      return `${head}export interface ${as} ${this.#members(schema, "")}\n`;
    }
    const choices: Schema[] | undefined = schema["oneOf"] ?? schema["anyOf"];
    if (choices?.some((choice) => choice["description"])) {
      const lines = choices.map((choice) => `${comment(choice, "  ")}  | ${this.#type(choice, "  ")}`);
      return `${head}export type ${as} =\n${lines.join("\n")};\n`;
    }
    return `${head}export type ${as} = ${this.#type(schema, "")};\n`;
  }

  #type(raw: Schema | boolean, indent: string): string {
    if (typeof raw === "boolean") return raw ? "unknown" : "never";
    // `nullable` is OpenAPI's, not JSON Schema's, but documents mix the two.
    if (raw["nullable"] === true) return union([this.#type({ ...raw, nullable: false }, indent), "null"]);
    const schema = withoutAliases(raw);
    const reference: unknown = schema["$ref"];
    if (typeof reference === "string") {
      return this.#names.get(reference.slice(SCHEMAS.length))!;
    }
    if ("const" in schema) return literal(schema["const"]);
    if (Array.isArray(schema["enum"])) return union(schema["enum"].map(literal));
    const parts: string[] = [];
    for (const part of schema["allOf"] ?? []) parts.push(this.#type(part, indent));
    for (const choices of [schema["anyOf"], schema["oneOf"]]) {
      if (choices) parts.push(union(choices.map((choice: Schema) => this.#type(choice, indent))));
    }
    const kinds: string[] = [schema["type"] ?? []].flat();
    if (!kinds.length && schema["properties"]) kinds.push("object");
    if (kinds.length) parts.push(union(kinds.map((kind) => this.#ofKind(kind, schema, indent))));
    const saying = [...new Set(parts)].filter((part) => part !== "unknown");
    if (saying.length < 2) return saying[0] ?? "unknown";
    return saying.map((part) => (part.includes(" | ") ? `(${part})` : part)).join(" & ");
  }

  #ofKind(kind: string, schema: Schema, indent: string): string {
    switch (kind) {
      case "integer":
      case "number":
        return "number";
      case "array":
        return this.#array(schema, indent);
      case "object":
        return this.#object(schema, indent);
      default:
        return ["string", "boolean", "null"].includes(kind) ? kind : "unknown";
    }
  }

  #array(schema: Schema, indent: string): string {
    const tuple: Schema[] | undefined = schema["prefixItems"] ?? (Array.isArray(schema["items"]) ? schema["items"] : undefined);
    if (tuple) return `readonly [${tuple.map((item) => this.#type(item, indent)).join(", ")}]`;
    const item = this.#type(schema["items"] ?? true, indent);
    return `readonly ${/ [|&] /.test(item) || item.startsWith("readonly ") ? `(${item})` : item}[]`;
  }

  #object(schema: Schema, indent: string): string {
    const more: Schema | boolean = schema["additionalProperties"] ?? true;
    if (Object.keys(schema["properties"] ?? {}).length) return this.#members(schema, indent);
    return `{ readonly [name: string]: ${this.#type(more, indent)} }`;
  }

  #members(schema: Schema, indent: string): string {
    const inner = `${indent}  `;
    const required: readonly string[] = schema["required"] ?? [];
    const types: string[] = [];
    const lines = Object.entries<Schema>(schema["properties"]).map(([name, member]) => {
      const optional = required.includes(name) ? "" : "?";
      const type = this.#type(member, inner) + (optional ? " | undefined" : "");
      types.push(type);
      return `${comment(member, inner)}${inner}readonly ${key(name)}${optional}: ${type};\n`;
    });
    const more: unknown = schema["additionalProperties"];
    if (typeof more === "object") {
      // TypeScript requires every named member to match the type of the index signature.
      const any = union([this.#type(more as Schema, inner), ...types]);
      lines.push(`${inner}readonly [name: string]: ${any};\n`);
    }
    return `{\n${lines.join("")}${indent}}`;
  }

  /** Rejects a type that is defined as itself without a member or an item in between. */
  #ground(name: string): void {
    const seen = new Set<string>();
    const visit = ({ $ref, allOf = [], anyOf = [], oneOf = [] }: Schema): void => {
      const next: string | undefined = $ref?.slice(SCHEMAS.length);
      if (next === name) throw new Error(`the schema ${name} refers only to itself`);
      if (next !== undefined && !seen.has(next)) {
        seen.add(next);
        visit(this.#schemas[next]!);
      }
      for (const part of [...allOf, ...anyOf, ...oneOf]) visit(part);
    };
    visit(this.#schemas[name]!);
  }

  #closure(roots: readonly Schema[]): Set<string> {
    const needed = new Set<string>();
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      for (const [keyword, inner] of Object.entries(value)) {
        if (keyword === "$ref" && typeof inner === "string") {
          const name = inner.slice(SCHEMAS.length);
          if (needed.has(name)) continue;
          needed.add(name);
          visit(this.#schemas[name]);
        } else {
          visit(inner);
        }
      }
    };
    roots.forEach(visit);
    return needed;
  }
}

/**
 * Returns the schema with one name for each member, without the aliases that a topicast server
 * lists as deprecated members that exclude each other.
 */
export function withoutAliases(schema: Schema): Schema {
  const dependencies: Schema = schema["dependencies"] ?? {};
  const isAlias = (name: string): boolean =>
    schema["properties"]?.[name]?.deprecated === true && dependencies[name]?.not?.anyOf !== undefined;
  const aliases = Object.keys(dependencies).filter(isAlias);
  if (!aliases.length) return schema;
  const { allOf = [], required = [], dependencies: _, ...rest } = schema;
  const names: string[] = [...required, ...allOf.flatMap((part: Schema) => (part["if"] ? (part["then"]?.required ?? []) : []))];
  const parts = allOf.filter((part: Schema) => !part["if"]);
  return {
    ...rest,
    ...(parts.length && { allOf: parts }),
    required: names,
    properties: Object.fromEntries(Object.entries(schema["properties"]).filter(([name]) => !aliases.includes(name))),
  };
}

/** Returns the description of a schema as a comment with a line break after it. */
export function comment(schema: Schema | string, indent: string): string {
  const { description, ...rest }: Schema = typeof schema === "string" ? { description: schema } : schema;
  const lines: string[] = description ? String(description).trim().split("\n") : [];
  if (rest["default"] !== undefined && rest["default"] !== null) lines.push(`@default ${JSON.stringify(rest["default"])}`);
  if (rest["deprecated"] === true) lines.push("@deprecated");
  if (!lines.length) return "";
  const safe = lines.map((line) => line.replaceAll("*/", "*\\/").trimEnd());
  if (safe.length === 1) return `${indent}/** ${safe[0]} */\n`;
  return `${indent}/**\n${safe.map((line) => `${indent} *${line && ` ${line}`}\n`).join("")}${indent} */\n`;
}

/** Returns the name of a member as code. */
export function key(name: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) ? name : JSON.stringify(name);
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `readonly [${value.map(literal).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value).map(([name, member]) => `readonly ${key(name)}: ${literal(member)}`).join("; ")} }`;
}

function union(types: readonly string[]): string {
  const all = [...new Set(types)];
  return all.includes("unknown") ? "unknown" : all.join(" | ") || "never";
}
