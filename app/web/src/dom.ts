// Elements in one line each.

type Attributes = Readonly<Record<string, string | boolean | EventListener>>;

/** An element. Functions are listeners; true is an attribute without a value. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** The element of the document with this id. */
export function byId<Kind extends HTMLElement>(id: string): Kind {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element with the id ${id}`);
  return element as Kind;
}

/** Sets a text, and touches nothing where it is that already. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Fills a select, keeping its choice where it can. */
export function setOptions(select: HTMLSelectElement, options: readonly (readonly [value: string, text: string])[]): void {
  const { value } = select;
  const present = [...select.options].map((option) => `${option.value} ${option.text}`);
  if (present.join("\n") === options.map(([value, text]) => `${value} ${text}`).join("\n")) return;
  select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  if (options.some(([option]) => option === value)) select.value = value;
}
