// Resolves the references of a document, and gives every referenced schema a name.

/** The prefix of a reference to a schema of the components. */
export const SCHEMAS = "#/components/schemas/";

/** Follows references to their target. */
export function resolve(document: any, value: any): any {
  for (let steps = 0; typeof value?.$ref === "string"; steps += 1) {
    if (steps > 100) throw new Error(`the reference ${value.$ref} leads in a circle`);
    value = lookUp(document, value.$ref);
  }
  return value;
}

function lookUp(document: any, pointer: string): any {
  if (!pointer.startsWith("#/")) throw new Error(`the reference ${pointer} does not lead into the document`);
  const found: unknown = pointer.slice(2).split("/").map(unescape).reduce((parent, part) => parent?.[part], document);
  if (found === undefined) throw new Error(`the reference ${pointer} leads nowhere`);
  return found;
}

/** Unescapes a token of a JSON pointer in a URI fragment. */
function unescape(part: string): string {
  return decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The schemas of a document, rewritten so that every reference is to a named schema. */
export class Named {
  /** The schemas of the components in their order, and the schemas referenced elsewhere in the document. */
  readonly schemas: { [name: string]: any };
  readonly #document: any;
  /** The names of the references that were resolved. */
  readonly #names = new Map<string, string>();

  constructor(document: any) {
    this.#document = document;
    this.schemas = { ...document.components?.schemas };
  }

  /** Returns the schema with every reference rewritten to `#/components/schemas/` and an unescaped name. */
  of(schema: any): any {
    if (typeof schema !== "object" || schema === null) return schema;
    if (Array.isArray(schema)) return schema.map((part: unknown) => this.of(part));
    const isReference = (keyword: string, part: unknown): part is string => keyword === "$ref" && typeof part === "string";
    return Object.fromEntries(
      Object.entries(schema).map(([keyword, part]) => [
        keyword,
        isReference(keyword, part) ? SCHEMAS + this.#name(part) : this.of(part),
      ]),
    );
  }

  #name(reference: string): string {
    const known = this.#names.get(reference);
    if (known !== undefined) return known;
    const found: unknown = lookUp(this.#document, reference);
    const path = reference.split("/");
    let name = unescape(path.at(-1)!);
    const isOwn = reference.startsWith(SCHEMAS) && path.length === 4;
    while (!isOwn && Object.hasOwn(this.schemas, name)) name += "_";
    this.#names.set(reference, name);
    this.schemas[name] = found;
    this.schemas[name] = this.of(found);
    return name;
  }
}
