// The log of the console: what went over the connection, bounded, filtered, paused.

import { coloured, copyButton, h, pretty } from "./dom.js";

/** How many entries are kept; older ones are dropped. */
const LIMIT = 500;

const ARROWS = { in: "↓", out: "↑", note: "•" };
const WORDS = { in: "received", out: "sent", note: "connection" };

export class Log {
  #entries = [];
  #waiting = [];
  #isPaused = false;
  #total = 0;
  #ui;

  constructor(ui) {
    this.#ui = ui;
    ui.pause.addEventListener("click", () => this.#pause(!this.#isPaused));
    ui.clear.addEventListener("click", () => this.clear());
    for (const control of [ui.text, ui.direction, ui.pings]) {
      control.addEventListener("input", () => this.#refilter());
    }
  }

  /** Adds an entry; it is shown with the next frame. `type` is a message's, if it is one. */
  add(direction, text, { type, isPing = false } = {}) {
    this.#total += 1;
    this.#waiting.push({ direction, text, type, isPing, time: new Date() });
    // While paused or hidden nothing is shown, but what waits is bounded too.
    if (this.#waiting.length > LIMIT) this.#waiting.shift();
  }

  clear() {
    this.#entries = [];
    this.#waiting = [];
    this.#total = 0;
    this.#ui.list.replaceChildren();
    this.paint();
  }

  /** Shows what waits; called once a frame at most. */
  paint() {
    const { list, scroller, count, note } = this.#ui;
    count.textContent = String(this.#total);
    if (this.#isPaused) {
      const waiting = this.#waiting.length;
      note.textContent = `Paused; ${waiting === LIMIT ? "the latest " : ""}${waiting} waiting.`;
      return;
    }
    note.textContent = "";
    if (this.#waiting.length === 0) return;
    const isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 24;
    for (const entry of this.#waiting) {
      entry.row = this.#row(entry);
      entry.row.hidden = !this.#passes(entry);
    }
    this.#entries.push(...this.#waiting);
    list.append(...this.#waiting.map(({ row }) => row));
    this.#waiting = [];
    for (const { row } of this.#entries.splice(0, Math.max(0, this.#entries.length - LIMIT))) row.remove();
    if (isAtEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  #pause(on) {
    this.#isPaused = on;
    this.#ui.pause.setAttribute("aria-pressed", String(on));
    this.#ui.pause.textContent = on ? "Resume" : "Pause";
    this.paint();
  }

  #passes({ direction, text, isPing }) {
    const { text: wanted, direction: only, pings } = this.#ui;
    if (isPing && !pings.checked) return false;
    if (only.value !== "" && direction !== only.value && direction !== "note") return false;
    return text.toLowerCase().includes(wanted.value.trim().toLowerCase());
  }

  #refilter() {
    for (const entry of this.#entries) entry.row.hidden = !this.#passes(entry);
    this.#ui.scroller.scrollTop = this.#ui.scroller.scrollHeight;
  }

  #row({ direction, text, type, time }) {
    const head = [
      h("time", { datetime: time.toISOString() }, clock(time)),
      h("span", { class: "arrow", "aria-hidden": "true" }, ARROWS[direction]),
      h("span", { class: "sr-only" }, WORDS[direction]),
    ];
    if (direction === "note") return h("li", { class: "entry note" }, h("div", { class: "entry-head" }, head, h("span", { class: "entry-text" }, text)));
    const details = h("details", {},
      h("summary", { class: "entry-head" }, head, type && h("code", { class: "entry-type" }, type), " ", h("span", { class: "entry-text" }, gist(text).slice(0, 300))));
    // Made only when somebody looks, since most entries pass unread.
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) {
        const body = h("pre", {}, h("code", {}, coloured(pretty(text))));
        details.append(h("div", { class: "example" }, copyButton(text, "this message"), body));
      }
    });
    return h("li", { class: `entry ${direction}` }, details);
  }
}

/** The gist of a message for one line: its number and its payload; the rest is seen on opening it. */
function gist(text) {
  try {
    const { seq, payload } = JSON.parse(text);
    return [seq === undefined ? "" : `#${seq} `, payload === undefined ? "" : JSON.stringify(payload)].join("");
  } catch {
    return text;
  }
}

function clock(time) {
  const two = (value) => String(value).padStart(2, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
