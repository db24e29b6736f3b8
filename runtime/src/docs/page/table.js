// The rows of a table, kept by key in key order, and shown as a table.

import { h } from "./dom.js";

/** How many rows are shown; a note counts the others. */
const LIMIT = 200;

export class Table {
  #key;
  #rows = [];
  #columns;
  #head = h("thead");
  #body = h("tbody");
  #note = h("p", { class: "note" });
  element;

  /** `key` names the members of the key in order; `label` is what the table is called. */
  constructor(key, label) {
    this.#key = key;
    this.#columns = [...key];
    const table = h("table", {}, h("caption", { class: "sr-only" }, label), this.#head, this.#body);
    this.element = h("div", {}, h("div", { class: "rows", role: "region", tabindex: "0", "aria-label": label }, table), this.#note);
    this.paint();
  }

  get size() {
    return this.#rows.length;
  }

  /** Takes the payload of a snapshot, which is the whole table. */
  replace({ set = [] }) {
    this.#rows = [];
    this.change({ set });
  }

  /** Takes the payload of an update. */
  change({ set = [], remove = [] }) {
    for (const key of remove) this.#put(key);
    for (const row of set) {
      this.#put(row, row);
      for (const name of Object.keys(row)) if (!this.#columns.includes(name)) this.#columns.push(name);
    }
  }

  /** Shows the rows as they are now. */
  paint() {
    const kinds = (name) => [this.#key.includes(name) && "key", typeof this.#rows[0]?.[name] === "number" && "number"].filter(Boolean).join(" ");
    this.#head.replaceChildren(h("tr", {}, this.#columns.map((name) => h("th", { scope: "col", class: kinds(name) }, name))));
    this.#body.replaceChildren(...this.#rows.slice(0, LIMIT).map((row) => h("tr", {}, this.#columns.map((name) => cell(row[name])))));
    const more = this.#rows.length - LIMIT;
    this.#note.textContent = this.#rows.length === 0 ? "No rows." : more > 0 ? `${more} more ${more === 1 ? "row" : "rows"}.` : "";
  }

  /** Puts rows, one or none, in the place of the one with a key. */
  #put(key, ...rows) {
    const at = this.#rows.findIndex((row) => this.#compare(row, key) >= 0);
    const place = at < 0 ? this.#rows.length : at;
    const isKnown = at >= 0 && this.#compare(this.#rows[at], key) === 0;
    this.#rows.splice(place, isKnown ? 1 : 0, ...rows);
  }

  /** Key order: member by member, numbers numerically, false before true, texts by UTF-16 code unit. */
  #compare(one, other) {
    const name = this.#key.find((name) => one[name] !== other[name]);
    return name === undefined ? 0 : one[name] < other[name] ? -1 : 1;
  }
}

function cell(value) {
  const text = value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return h("td", { class: typeof value === "number" && "number" }, text);
}
