// A form made of a request's schema, and the payload that it holds.

import { h } from "./dom.js";
import { constraintsOf, current, flatten, meaningsOf, typeOf, valuesOf, withoutNull } from "./schema.js";

/** Fields for members of a message beside the payload, empty at first; `value()` reads those that are not. */
export function optionsForm(schemas, members) {
  const fields = members.map(([name, { examples, ...member }]) => ({ name, ...fieldFor(schemas, name, member, false, undefined, "option") }));
  return { elements: fields.map(({ element }) => element), value: () => values(fields) };
}

/** Fields for the members of a payload; `value()` reads them, `focus()` goes to the first. */
export function payloadForm(schemas, described, example) {
  const schema = current(schemas, described);
  const whole = flatten(schemas, schema);
  // What has another name is asked for once.
  const members = Object.entries(whole.properties ?? {}).filter(([, member]) => !member.deprecated);
  const isPlain = !whole.oneOf && !whole.anyOf && members.length > 0;
  const isEmpty = !whole.oneOf && !whole.anyOf && members.length === 0 && whole.type === "object" && !whole.additionalProperties;
  if (isEmpty) return { element: h("p", { class: "empty" }, "This request has no fields."), value: () => ({}), focus() {} };
  if (!isPlain) {
    const field = jsonField("payload", "field-payload", { required: true }, example);
    return { element: wrap("payload", "field-payload", field.control, true, typeOf(schemas, schema)), value: field.value, focus: () => field.control.focus() };
  }
  const fields = members.map(([name, member]) => {
    const required = (whole.required ?? []).includes(name);
    return { name, required, ...fieldFor(schemas, name, member, required, example?.[name]) };
  });
  return {
    element: h("div", { class: "field-list" }, fields.map(({ element }) => element)),
    value: () => values(fields),
    focus: () => fields[0]?.control.focus(),
  };
}

function values(fields) {
  return Object.fromEntries(fields.map(({ name, value }) => [name, value()]).filter(([, value]) => value !== undefined));
}

function fieldFor(schemas, name, member, required, example, prefix = "field") {
  const { nullable, schema } = withoutNull(schemas, member);
  const whole = { ...schema, default: member.default ?? schema.default };
  const id = `${prefix}-${name}`;
  const mustFill = required && !nullable;
  const { control, value } = controlFor(whole, name, id, mustFill, example);
  // What the control shows itself need not be said beside it.
  const shown = new Set(["default", "one of", "pattern"]);
  const words = constraintsOf(schemas, member).filter(([word]) => !shown.has(word)).map((said) => said.join(" "));
  const note = [(member.description ?? schema.description)?.split(/\n\s*\n/)[0], ...words].filter(Boolean).join(" · ");
  const element = wrap(name, id, control, mustFill, typeOf(schemas, member), note);
  return { element, control, value };
}

function controlFor(schema, name, id, required, example) {
  const values = valuesOf(schema);
  if (values) return selectField(values, schema.default, id, required, meaningsOf(schema));
  const fallback = schema.default;
  if (schema.type === "boolean") {
    if (!required && fallback === undefined) return selectField([true, false], undefined, id, false);
    const control = h("input", { id, type: "checkbox", checked: fallback === true });
    return { control, value: () => control.checked };
  }
  if (schema.type === "integer" || schema.type === "number") return numberField(schema, id, required);
  if (schema.type === "string") return textField(schema, id, required);
  return jsonField(name, id, { required, example }, fallback ?? undefined);
}

function selectField(values, fallback, id, required, meanings = new Map()) {
  const isDefault = (value) => fallback !== undefined && JSON.stringify(value) === JSON.stringify(fallback);
  const options = values.map((value, index) =>
    h("option", { value: String(index), selected: isDefault(value) }, String(value), meanings.has(value) && ` · ${meanings.get(value)}`, isDefault(value) && " (default)"));
  if (!required && fallback === undefined) options.unshift(h("option", { value: "" }, "not set"));
  const control = h("select", { id }, options);
  return { control, value: () => (control.value === "" ? undefined : values[Number(control.value)]) };
}

function numberField(schema, id, required) {
  const control = h("input", {
    id, required,
    type: "number",
    inputmode: "decimal",
    step: schema.multipleOf ?? (schema.type === "integer" ? 1 : "any"),
    min: schema.minimum,
    max: schema.maximum,
    value: schema.default ?? schema.examples?.[0],
    placeholder: required ? undefined : "not set",
  });
  return { control, value: () => (control.value === "" ? undefined : Number(control.value)) };
}

function textField(schema, id, required) {
  const control = h("input", {
    id, required,
    type: "text",
    minlength: schema.minLength,
    maxlength: schema.maxLength,
    pattern: schema.pattern === undefined ? undefined : `.*(?:${schema.pattern}).*`,
    value: schema.default ?? schema.examples?.[0],
    placeholder: required ? undefined : "not set",
    autocomplete: "off",
    spellcheck: "false",
  });
  return { control, value: () => (control.value === "" ? undefined : control.value) };
}

/** What no control fits: a text that has to be JSON. */
function jsonField(name, id, { required, example }, initial) {
  const text = initial === undefined ? "" : JSON.stringify(initial, null, 2);
  const hint = example === undefined ? "JSON" : `JSON, for example ${JSON.stringify(example)}`;
  const control = h("textarea", { id, required, rows: Math.min(8, Math.max(2, text.split("\n").length)), spellcheck: "false", placeholder: required ? hint : `not set; ${hint}` }, text);
  const parse = () => (control.value.trim() === "" ? undefined : JSON.parse(control.value));
  const check = () => {
    try {
      parse();
      control.setCustomValidity("");
    } catch (error) {
      control.setCustomValidity(`${name} is not JSON: ${error.message}`);
    }
  };
  control.addEventListener("input", check);
  return { control, value: () => (control.validity.customError ? undefined : parse()) };
}

function wrap(name, id, control, required, type, note) {
  const noteId = `${id}-note`;
  if (note) control.setAttribute("aria-describedby", noteId);
  return h("div", { class: control.type === "checkbox" ? "field check" : "field" },
    h("label", { for: id, class: "name" }, h("code", {}, name), " ", h("span", { class: "type" }, type), required ? h("span", { class: "required" }, " required") : ""),
    control,
    note && h("p", { class: "field-note", id: noteId }, note),
  );
}
