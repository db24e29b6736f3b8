// The topics that the console is subscribed to, with their counters.

import { h } from "./dom.js";

/** How many seconds a rate is taken over. */
const WINDOW = 5;

export class Subscriptions {
  #topics = new Map();
  #list;
  #count;
  #empty;
  #unsubscribe;

  /** `unsubscribe` is called with the type and payload of the message that ends a subscription. */
  constructor({ list, count, empty, unsubscribe }) {
    this.#list = list;
    this.#count = count;
    this.#empty = empty;
    this.#unsubscribe = unsubscribe;
    setInterval(() => this.#tick(), 1000);
  }

  add(topic, route, payload) {
    if (this.#topics.has(topic)) return;
    const numbers = h("span", { class: "numbers" });
    const end = () => this.#unsubscribe(`${route}.unsubscribe`, payload);
    const button = h("button", { type: "button", "aria-label": `Unsubscribe from ${topic}`, click: end }, "Unsubscribe");
    const row = h("li", {}, h("code", { class: "topic" }, topic), h("div", { class: "subscription-row" }, numbers, button));
    this.#topics.set(topic, { row, numbers, updates: 0, skipped: 0, seq: undefined, recent: [0] });
    this.#list.append(row);
    this.#show(this.#topics.get(topic));
    this.#total();
  }

  remove(topic) {
    const entry = this.#topics.get(topic);
    if (entry === undefined) return;
    // Whoever was at the button must not be thrown back to the top of the page.
    const hadFocus = entry.row.contains(document.activeElement);
    const neighbour = entry.row.nextElementSibling ?? entry.row.previousElementSibling;
    entry.row.remove();
    this.#topics.delete(topic);
    this.#total();
    if (hadFocus) (neighbour?.querySelector("button") ?? document.getElementById("operation")).focus();
  }

  clear() {
    for (const topic of [...this.#topics.keys()]) this.remove(topic);
  }

  /** Counts an update. */
  update({ topic, seq, skipped = 0 }) {
    const entry = this.#topics.get(topic);
    if (entry === undefined) return;
    entry.updates += 1;
    entry.skipped += skipped;
    entry.seq = seq;
    entry.recent[0] += 1;
    entry.isStale = true;
  }

  /** Shows what changed; called once a frame at most. */
  paint() {
    for (const entry of this.#topics.values()) {
      if (entry.isStale) this.#show(entry);
    }
  }

  #tick() {
    for (const entry of this.#topics.values()) {
      entry.recent = [0, ...entry.recent.slice(0, WINDOW)];
      this.#show(entry);
    }
  }

  #show(entry) {
    entry.isStale = false;
    // Whole seconds only: the one that is running is not over yet.
    const seconds = entry.recent.slice(1);
    const rate = seconds.reduce((sum, count) => sum + count, 0) / Math.max(1, seconds.length);
    const parts = [`${entry.updates} ${entry.updates === 1 ? "update" : "updates"}`];
    if (seconds.length > 0) parts.push(`${rate.toFixed(1)}/s`);
    if (entry.seq !== undefined) parts.push(`seq ${entry.seq}`);
    if (entry.skipped > 0) parts.push(`${entry.skipped} skipped`);
    entry.numbers.textContent = parts.join(" · ");
  }

  #total() {
    this.#count.textContent = String(this.#topics.size);
    this.#empty.hidden = this.#topics.size > 0;
  }
}
