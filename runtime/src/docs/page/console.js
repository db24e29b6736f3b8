// The live console: sends what a form or a text says and shows what comes back.

import { Connection } from "./connection.js";
import { coloured, h } from "./dom.js";
import { optionsForm, payloadForm } from "./form.js";
import { Log } from "./log.js";
import { Subscriptions } from "./subscriptions.js";

const byId = (id) => document.getElementById(id);

/** The members of a subscribe, beside its payload, that the form has inputs for. */
const OPTIONS = ["rewind", "max_rate"];

const STATES = { connecting: "Connecting…", open: "Connected", closing: "Closing…", closed: "Disconnected" };

/** The address of the WebSocket: at the path that the page states, or beside the page. */
function endpoint() {
  const url = new URL(location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const stated = document.querySelector("meta[name=socket]").content;
  url.pathname = stated || url.pathname.replace(/\/asyncapi\/?$/, "") || "/";
  url.search = "";
  url.hash = "";
  return url.href;
}

/** Starts the console; returns a function that puts an operation into its form. */
export function startConsole(model) {
  const page = new Console(model, new Connection(endpoint()));
  return (key) => page.choose(key, true);
}

class Console {
  #model;
  #connection;
  #operations;
  #kinds;
  #fields;
  #options;
  #log;
  #subscriptions;
  #asked = new Map();
  #lastId = 0;
  #isPainting = false;
  /** Whether the connection that is being made returns to the subscriptions that were left. */
  #returns = false;
  /** Whether the connection is being closed by hand, so that nothing is returned to. */
  #forgets = false;

  constructor(model, connection) {
    this.#model = model;
    this.#connection = connection;
    const requests = model.channels.map((channel) => ({ ...channel, operations: channel.operations.filter(({ isRequest }) => isRequest) }));
    this.#operations = new Map(requests.flatMap(({ operations }) => operations).map((operation) => [operation.key, operation]));
    this.#kinds = new Map(model.channels.map(({ name, kind }) => [name, kind]));
    this.#log = new Log({
      list: byId("log"), scroller: byId("log-scroller"), count: byId("log-count"), note: byId("log-note"), pause: byId("log-pause"),
      clear: byId("log-clear"), text: byId("log-text"), direction: byId("log-direction"), pings: byId("log-pings"),
    });
    this.#subscriptions = new Subscriptions({
      list: byId("subscriptions"), count: byId("subscription-count"), empty: byId("no-subscriptions"),
      unsubscribe: (type, payload) => this.#request({ type, payload }),
    });
    byId("operation").replaceChildren(...requests.filter(({ operations }) => operations.length > 0).map(({ title, name, operations }) =>
      h("optgroup", { label: title ?? name }, operations.map(({ key }) => h("option", { value: key }, key)))));
    this.#wire();
    this.choose(byId("operation").value, false);
    this.#showState({ state: "closed" });
  }

  #wire() {
    const connection = this.#connection;
    byId("endpoint").textContent = connection.url;
    byId("connect").addEventListener("click", () => {
      if (!connection.isIdle) return connection.disconnect();
      this.#subscriptions.clear();
      connection.connect();
    });
    byId("cut").addEventListener("click", () => {
      connection.cut();
      // A button that is disabled loses the focus.
      byId(byId("return").disabled ? "connect" : "return").focus();
    });
    byId("return").addEventListener("click", () => {
      this.#returns = true;
      connection.connect();
    });
    connection.addEventListener("state", ({ detail }) => this.#showState(detail));
    connection.addEventListener("sent", ({ detail }) => this.#sent(detail));
    connection.addEventListener("received", ({ detail }) => this.#received(detail.text));

    byId("operation").addEventListener("change", () => this.choose(byId("operation").value, false));
    byId("form").addEventListener("input", () => this.#preview());
    byId("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    byId("ping").addEventListener("click", () => this.#request({ type: "ping" }));
    byId("json").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sendText(byId("json-text").value);
    });
    byId("json-text").addEventListener("input", () => this.#checkText());

    for (const mode of ["form", "json"]) {
      byId(`mode-${mode}`).addEventListener("click", () => this.#setMode(mode));
    }
    const keepAlive = () => connection.keepAlive(byId("keep-alive").checked ? Math.max(1, Number(byId("keep-alive-seconds").value) || 10) : 0);
    byId("keep-alive").addEventListener("input", keepAlive);
    byId("keep-alive-seconds").addEventListener("input", keepAlive);
    keepAlive();
    document.addEventListener("visibilitychange", () => this.#schedulePaint());
  }

  /** Puts an operation into the form. */
  choose(key, focus) {
    const operation = this.#operations.get(key);
    if (operation === undefined) return;
    byId("operation").value = key;
    const { properties, required } = operation.message.payload;
    this.#fields = required.includes("payload")
      ? payloadForm(this.#model.schemas, properties.payload, operation.message.examples?.[0]?.payload?.payload)
      : { element: h("p", { class: "empty" }, "This operation has no payload."), value: () => undefined, focus() {} };
    this.#options = optionsForm(this.#model.schemas, OPTIONS.filter((name) => name in properties).map((name) => [name, properties[name]]));
    byId("fields").replaceChildren(this.#fields.element, ...this.#options.elements);
    byId("send").textContent = key.endsWith(".subscribe") ? "Subscribe" : key.endsWith(".unsubscribe") ? "Unsubscribe" : "Send";
    this.#preview();
    if (focus) {
      this.#setMode("form");
      byId("console").scrollIntoView();
      byId("operation").focus({ preventScroll: true });
    }
  }

  #setMode(mode) {
    for (const other of ["form", "json"]) {
      byId(`mode-${other}`).setAttribute("aria-pressed", String(other === mode));
      byId(other).hidden = other !== mode;
    }
    if (mode === "json" && byId("json-text").value === "") {
      byId("json-text").value = JSON.stringify(this.#message(), null, 2);
      this.#checkText();
    }
  }

  #message() {
    const payload = this.#fields.value();
    return { type: byId("operation").value, id: this.#lastId + 1, ...(payload === undefined ? {} : { payload }), ...this.#options.value() };
  }

  #preview() {
    byId("preview").replaceChildren(...coloured(JSON.stringify(this.#message(), null, 2)));
  }

  #submit() {
    this.#request(this.#message());
  }

  /** Sends a request with an `id` of its own. `returning` is the topic that it returns to, if any. */
  #request({ type, id: _, payload, ...more }, returning) {
    const id = this.#lastId + 1;
    if (this.#sendText(JSON.stringify({ type, id, payload, ...more }))) {
      this.#lastId = id;
      this.#announce("");
      this.#asked.set(id, { type, payload, options: more, returning, at: performance.now() });
      this.#preview();
    }
  }

  /** Subscribes again to what was left, from where it was left. */
  #return() {
    for (const { topic, route, payload, options, recover } of this.#subscriptions.left) {
      // What `rewind` asks for was received then.
      const { rewind, ...kept } = options;
      this.#request({ type: `${route}.subscribe`, payload, ...kept, ...(recover ? { recover } : { rewind }) }, topic);
    }
  }

  #sendText(text) {
    if (this.#connection.send(text)) return true;
    this.#log.add("note", "Not sent: connect first.");
    this.#schedulePaint();
    this.#announce("Not connected. Connect first, then send again.");
    return false;
  }

  #checkText() {
    const note = byId("json-note");
    try {
      JSON.parse(byId("json-text").value);
      note.textContent = "";
    } catch (error) {
      note.textContent = `Not JSON: ${error.message}. It can be sent all the same.`;
    }
  }

  #sent({ text, isKeepAlive }) {
    const message = read(text);
    this.#log.add("out", text, { type: message?.type, isPing: isKeepAlive });
    this.#schedulePaint();
  }

  #received(text) {
    const message = read(text);
    const asked = this.#asked.get(message?.id);
    if (asked) {
      this.#asked.delete(message.id);
      this.#answered(asked, message);
    }
    if (message?.topic !== undefined) {
      if (message.type.endsWith(".update")) this.#subscriptions.update(message);
      if (message.type.endsWith(".snapshot")) this.#subscriptions.snapshot(message);
      if (message.type.endsWith(".unsubscribed")) this.#subscriptions.remove(message.topic);
    }
    this.#log.add("in", text, { type: message?.type, isPing: message?.type === "ping.response" && message.id === undefined });
    this.#schedulePaint();
  }

  #answered({ type, payload, options, returning, at }, message) {
    const took = performance.now() - at;
    const [, route, verb] = /^(.*)\.(subscribe|unsubscribe)$/.exec(type) ?? [];
    const { status, topic, code, message: words } = message.payload ?? {};
    if (status === "error") {
      this.#announce(`${type} was refused: ${code}. ${words}`, "refused");
      if (returning !== undefined) this.#subscriptions.remove(returning);
    } else if (verb === "subscribe") this.#subscriptions.accept({ route, kind: this.#kinds.get(route), payload, options }, message);
    else if (verb === "unsubscribe") this.#subscriptions.remove(topic);
    if (status !== "error") this.#announce(status === "ok" && words ? `${words}.` : `Answered in ${took.toFixed(1)} ms.`);
  }

  /** Says the outcome of a request beside the button, and to screen readers. */
  #announce(text, kind = "") {
    byId("round-trip").textContent = text;
    byId("round-trip").dataset.kind = kind;
  }

  #showState({ state, code, reason, explanation }) {
    const label = byId("state");
    label.textContent = STATES[state];
    label.dataset.state = state;
    const { isIdle, isOpen } = this.#connection;
    byId("connect").textContent = isIdle ? "Connect" : "Disconnect";
    const info = byId("close-info");
    info.hidden = explanation === undefined;
    if (explanation !== undefined) {
      const close = code === undefined ? [] : [h("strong", {}, `Closed with ${code}`), ...(reason ? [" ", h("q", {}, reason)] : []), ". "];
      info.replaceChildren(...close, explanation);
      this.#log.add("note", `${code === undefined ? "" : `Closed with ${code}${reason ? ` “${reason}”` : ""}. `}${explanation}`);
      this.#asked.clear();
      if (this.#forgets) this.#subscriptions.clear();
      else this.#subscriptions.leave();
    }
    this.#forgets = state === "closing";
    byId("cut").disabled = !isOpen;
    byId("return").disabled = !isIdle || this.#subscriptions.size === 0;
    if (state === "open") {
      this.#log.add("note", "Connected.");
      this.#announce("");
      if (this.#returns) {
        this.#return();
        byId("cut").focus();
      }
    }
    if (state !== "connecting") this.#returns = false;
    this.#schedulePaint();
  }

  /** Shows what changed once a frame, however fast messages come. */
  #schedulePaint() {
    if (this.#isPainting) return;
    this.#isPainting = true;
    requestAnimationFrame(() => {
      this.#isPainting = false;
      this.#log.paint();
      this.#subscriptions.paint();
    });
  }
}

function read(text) {
  try {
    const message = JSON.parse(text);
    return typeof message === "object" && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}
