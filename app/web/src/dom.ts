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

export type Option = readonly [value: string, text: string];

/** Fills a select, keeping its choice where it can; some options may stand under a heading of their own after the others. */
export function setOptions(select: HTMLSelectElement, options: readonly Option[], heading = "", under: readonly Option[] = []): void {
  const { value } = select;
  const make = (all: readonly Option[]): HTMLOptionElement[] => all.map(([value, text]) => h("option", { value }, text));
  const group = under.length ? [h("optgroup", { label: heading }, ...make(under))] : [];
  const wanted = h("select", {}, ...make(options), ...group);
  // What is open or read aloud is left alone where nothing changes.
  if (wanted.innerHTML === select.innerHTML) return;
  select.replaceChildren(...wanted.children);
  if ([...options, ...under].some(([option]) => option === value)) select.value = value;
}
