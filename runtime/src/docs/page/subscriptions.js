// The topics that the console is subscribed to, with their kinds, positions, counters and rows.

import { h } from "./dom.js";
import { describeKind } from "./kind.js";
import { Table } from "./table.js";

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

  get size() {
    return this.#topics.size;
  }

  /** Takes an ok reply to a subscribe: `request` has its route, kind, payload and options. */
  accept(request, { epoch, seq, recovered, snapshot, payload: { topic } }) {
    const known = this.#topics.get(topic);
    // A repeated subscribe is answered again and moves nothing.
    if (known !== undefined && !known.isLeft) return;
    const entry = known ?? this.#add(topic, request);
    entry.isLeft = false;
    entry.recovered = recovered;
    entry.epoch = epoch;
    // Until an announced snapshot arrives there is no position.
    entry.seq = snapshot ? undefined : seq;
    entry.recent = [0];
    this.#show(entry);
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

  /** The connection is gone; every subscription keeps its position. */
  leave() {
    for (const entry of this.#topics.values()) {
      entry.isLeft = true;
      this.#show(entry);
    }
  }

  /** What was left: the requests, each with the position to recover from, if there is one. */
  get left() {
    const entries = [...this.#topics].filter(([, { isLeft }]) => isLeft);
    return entries.map(([topic, { request, epoch, seq }]) => ({ topic, ...request, recover: seq === undefined ? undefined : { epoch, seq } }));
  }

  /** Takes an update. */
  update({ topic, seq, skipped = 0, payload }) {
    const entry = this.#topics.get(topic);
    if (entry === undefined) return;
    entry.updates += 1;
    entry.skipped += skipped;
    entry.seq = seq;
    entry.recent[0] += 1;
    entry.table?.change(payload);
    entry.isStale = true;
  }

  /** Takes a snapshot. */
  snapshot({ topic, seq, payload }) {
    const entry = this.#topics.get(topic);
    if (entry === undefined) return;
    entry.seq = seq;
    entry.table?.replace(payload);
    entry.isStale = true;
  }

  /** Shows what changed; called once a frame at most. */
  paint() {
    for (const entry of this.#topics.values()) {
      if (entry.isStale) this.#show(entry);
    }
  }

  #add(topic, request) {
    const { route, kind, payload } = request;
    const end = () => (entry.isLeft ? this.remove(topic) : this.#unsubscribe(`${route}.unsubscribe`, payload));
    const entry = {
      request, updates: 0, skipped: 0, recent: [0],
      numbers: h("span", { class: "numbers" }),
      facts: h("dl", { class: "position" }),
      table: kind?.kind === "table" ? new Table(kind.key, `Rows of ${topic}`) : undefined,
    };
    const button = h("button", { type: "button", "aria-label": `Unsubscribe from ${topic}`, click: end }, "Unsubscribe");
    entry.row = h("li", {},
      h("code", { class: "topic" }, topic),
      entry.facts,
      h("div", { class: "subscription-row" }, entry.numbers, button),
      entry.table?.element);
    this.#topics.set(topic, entry);
    this.#list.append(entry.row);
    this.#total();
    return entry;
  }

  #tick() {
    for (const entry of this.#topics.values()) {
      entry.recent = [0, ...entry.recent.slice(0, WINDOW)];
      this.#show(entry);
    }
  }

  #show(entry) {
    if (entry.isStale) entry.table?.paint();
    entry.isStale = false;
    const { request, epoch, seq, recovered, isLeft, updates, skipped, table } = entry;
    entry.row.classList.toggle("left", isLeft);
    entry.facts.replaceChildren(
      fact("kind", request.kind === undefined ? "unknown" : describeKind(request.kind)),
      fact("epoch", epoch ?? "none"),
      fact("seq", seq ?? "none"),
      ...(recovered === undefined ? [] : [fact("recovered", recovered)]),
    );
    // Whole seconds only: the one that is running is not over yet.
    const seconds = entry.recent.slice(1);
    const rate = seconds.reduce((sum, count) => sum + count, 0) / Math.max(1, seconds.length);
    const parts = [`${updates} ${updates === 1 ? "update" : "updates"}`];
    if (isLeft) parts.push("not connected");
    else if (seconds.length > 0) parts.push(`${rate.toFixed(1)}/s`);
    if (skipped > 0) parts.push(`${skipped} skipped`);
    if (table) parts.push(`${table.size} ${table.size === 1 ? "row" : "rows"}`);
    entry.numbers.textContent = parts.join(" · ");
  }

  #total() {
    this.#count.textContent = String(this.#topics.size);
    this.#empty.hidden = this.#topics.size > 0;
  }
}

const fact = (name, value) => h("div", { "data-fact": name, "data-value": String(value) }, h("dt", {}, name), h("dd", {}, String(value)));
