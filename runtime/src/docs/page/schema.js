// Reads JSON schemas: what a reference stands for, what a type is called, and its tree.

import { h, markdown } from "./dom.js";

const POINTER = "#/components/schemas/";

/** The name that a schema refers to, also where other keywords stand beside the reference. */
export function nameOf(schema) {
  const reference = schema?.$ref ?? (schema?.allOf?.length === 1 ? schema.allOf[0].$ref : undefined);
  return reference?.startsWith(POINTER) ? reference.slice(POINTER.length) : undefined;
}

/** A schema with its references and its `allOf` put in. */
export function flatten(schemas, schema, inside = []) {
  if (typeof schema !== "object" || schema === null) return {};
  const { $ref, allOf = [], ...own } = schema;
  const parts = $ref ? [schema] : allOf;
  let whole = {};
  for (const part of parts) {
    const name = part.$ref?.slice(POINTER.length);
    if (name !== undefined && inside.includes(name)) continue;
    const found = name === undefined ? part : schemas[name];
    const next = flatten(schemas, found, name === undefined ? inside : [...inside, name]);
    whole = {
      ...whole,
      ...next,
      properties: { ...whole.properties, ...next.properties },
      required: [...(whole.required ?? []), ...(next.required ?? [])],
    };
  }
  if (parts.length === 0) return own;
  return {
    ...whole,
    ...($ref ? {} : own),
    properties: { ...whole.properties, ...own.properties },
    required: [...whole.required, ...(own.required ?? [])],
  };
}

/** A request without the forms that only older clients send. */
export function current(schemas, schema) {
  const forms = schema.anyOf?.filter((form) => !flatten(schemas, form).deprecated);
  return forms?.length === 1 && schema.anyOf.length > 1 ? forms[0] : schema;
}

const isNull = (schema) => schema.type === "null";

/** Whether null is allowed, and the schema of all else. */
export function withoutNull(schemas, schema) {
  const whole = flatten(schemas, schema);
  if (Array.isArray(whole.type) && whole.type.includes("null")) {
    const types = whole.type.filter((type) => type !== "null");
    const rest = { ...whole, type: types.length === 1 ? types[0] : types };
    if (rest.enum) rest.enum = rest.enum.filter((value) => value !== null);
    return { nullable: true, schema: rest, name: nameOf(schema) };
  }
  const choices = whole.anyOf ?? whole.oneOf;
  if (choices?.some(isNull)) {
    const others = choices.filter((choice) => !isNull(choice));
    if (others.length === 1) {
      const { anyOf, oneOf, not, ...own } = whole;
      return { nullable: true, schema: { ...flatten(schemas, others[0]), ...own }, name: nameOf(others[0]) };
    }
  }
  return { nullable: false, schema: whole, name: nameOf(schema) };
}

/** The values that a schema lists, as `enum`, `const` or a choice of constants. */
export function valuesOf(schema) {
  if (schema.enum) return schema.enum;
  if ("const" in schema) return [schema.const];
  const choices = schema.oneOf ?? schema.anyOf;
  if (!choices) return undefined;
  const values = choices.map((choice) => choice.enum ?? ("const" in choice ? [choice.const] : undefined));
  return values.every(Boolean) ? values.flat() : undefined;
}

/** What listed values mean, where the schema says so. */
export function meaningsOf(schema) {
  const choices = (schema.oneOf ?? schema.anyOf ?? []).filter((choice) => "const" in choice && choice.description);
  return new Map(choices.map((choice) => [choice.const, choice.description.split("\n")[0].replace(/\.$/, "")]));
}

/** What a type is called. */
export function typeOf(schemas, schema) {
  const { nullable, schema: whole, name } = withoutNull(schemas, schema);
  const also = nullable ? " or null" : "";
  if (name !== undefined) return name + also;
  if ("const" in whole) return JSON.stringify(whole.const) + also;
  if (whole.type === "array") {
    const items = whole.items ? typeOf(schemas, whole.items) : "anything";
    return `array of ${items.includes(" or ") ? `(${items})` : items}${also}`;
  }
  const choices = whole.oneOf ?? whole.anyOf;
  if (choices && whole.type === undefined) return choices.map((choice) => typeOf(schemas, choice)).join(" or ") + also;
  const type = Array.isArray(whole.type) ? whole.type.join(" or ") : (whole.type ?? (whole.properties ? "object" : "anything"));
  return type + also;
}

/** What else a schema asks of a value, in words. */
export function constraintsOf(schemas, schema) {
  const { schema: whole } = withoutNull(schemas, schema);
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, minItems, maxItems } = whole;
  const said = [];
  if (whole.default !== undefined) said.push(["default", JSON.stringify(whole.default)]);
  const values = valuesOf(whole);
  if (values && !("const" in whole)) said.push(["one of", values.map((value) => JSON.stringify(value)).join(" ")]);
  if (whole.format) said.push(["format", whole.format]);
  if (whole.pattern) said.push(["pattern", whole.pattern]);
  const isExact = minimum === -Number.MAX_SAFE_INTEGER && maximum === Number.MAX_SAFE_INTEGER;
  if (isExact) said.push(["within", "±(2⁵³−1)"]);
  else {
    // The range of 64 bits is what the format says already, and JavaScript could not write it.
    if (minimum >= Number.MIN_SAFE_INTEGER) said.push(["at least", String(minimum)]);
    if (maximum <= Number.MAX_SAFE_INTEGER) said.push(["at most", maximum === Number.MAX_SAFE_INTEGER ? "2⁵³−1" : String(maximum)]);
  }
  if (exclusiveMinimum !== undefined) said.push(["more than", String(exclusiveMinimum)]);
  if (exclusiveMaximum !== undefined) said.push(["less than", String(exclusiveMaximum)]);
  if (whole.multipleOf !== undefined) said.push(["multiple of", String(whole.multipleOf)]);
  if (minLength !== undefined) said.push(["at least", `${minLength} characters`.replace(/^1 characters/, "1 character")]);
  if (maxLength !== undefined) said.push(["at most", `${maxLength} characters`]);
  if (minItems !== undefined) said.push(["at least", `${minItems} items`]);
  if (maxItems !== undefined) said.push(["at most", `${maxItems} items`]);
  return said;
}

/** A schema as nested lists of members. */
export function tree(schemas, schema, inside = []) {
  const { schema: whole } = withoutNull(schemas, schema);
  const members = Object.entries(whole.properties ?? {});
  const variants = (whole.oneOf ?? whole.anyOf ?? []).map((variant) => flatten(schemas, variant));
  const hasVariants = variants.some((variant) => variant.properties);
  if (members.length === 0 && !hasVariants) return undefined;
  return h(
    "ul",
    { class: "tree" },
    members.map(([name, member]) => row(schemas, name, member, (whole.required ?? []).includes(name), inside)),
    hasVariants &&
      variants.map((variant, index) =>
        h("li", { class: "variant" }, h("p", { class: "minor" }, variant.title ?? `Variant ${index + 1}`), markdown(variant.description), tree(schemas, variant, inside)),
      ),
  );
}

function row(schemas, name, member, required, inside) {
  const { schema: whole, name: reference } = withoutNull(schemas, member);
  const target = reference ?? (whole.type === "array" ? nameOf(whole.items) : undefined);
  const nested = whole.type === "array" && whole.items ? whole.items : member;
  const isRecursive = target !== undefined && inside.includes(target);
  const below = isRecursive ? undefined : tree(schemas, nested, target === undefined ? inside : [...inside, target]);
  const type = typeOf(schemas, member);
  return h(
    "li",
    {},
    h("div", { class: "member" },
      h("code", { class: "member-name" }, name),
      target === undefined ? h("span", { class: "type" }, type) : h("a", { class: "type", href: `#schema-${target}` }, type),
      h("span", { class: required ? "required" : "optional" }, required ? "required" : "optional"),
    ),
    markdown(member.description ?? whole.description),
    constraints(schemas, member),
    below,
  );
}

/** Listed values with what they mean, for a type's own entry. */
export function values(schema) {
  const meanings = meaningsOf(schema);
  if (meanings.size === 0) return undefined;
  return h("dl", { class: "values" }, valuesOf(schema)?.map((value) => [h("dt", {}, h("code", {}, JSON.stringify(value))), h("dd", {}, meanings.get(value) ?? "")]));
}

/** The constraints as a list. */
export function constraints(schemas, schema) {
  const said = constraintsOf(schemas, schema);
  if (said.length === 0) return undefined;
  return h("p", { class: "constraints" }, said.map(([word, value]) => [h("span", {}, `${word} `, h("code", {}, value)), " "]));
}
