// The WebSocket of the console: its state, its keep-alive, and why it ended.

const EXPLANATIONS = new Map([
  [1000, "Closed normally."],
  [1001, "The server is going away. Connect again in a moment."],
  [1002, "The server saw a violation of the WebSocket protocol."],
  [1003, "The server cannot accept what it was sent."],
  [1005, "Closed without a code."],
  [1006, "The connection broke, or was never made: no close frame arrived."],
  [1007, "A text message was not UTF-8."],
  [1008, "The server's policy forbids this, for example too many faults in a row."],
  [1009, "A message was too big."],
  [1011, "The server failed."],
  [1013, "This client reads too slowly for what it subscribed to."],
]);

/** What a close code and reason mean for whoever was connected. */
export function explain(code, reason) {
  if (reason.startsWith("Connection timed out")) {
    return "A time limit: nothing was heard for the heartbeat interval, or the connection reached its lifespan. Connect again.";
  }
  if (reason === "Could not validate payload") return "The last message could not be read or did not match its schema. Do not repeat it.";
  if (reason === "No matching type") return "The server has no operation of that type that a client may send.";
  return EXPLANATIONS.get(code) ?? (code >= 4000 ? "A code of the application's own." : "");
}

/** One connection at a time to a server; tells what happens by events. */
export class Connection extends EventTarget {
  #socket;
  /** Ends the listening to the socket. */
  #listening;
  #timer;
  #seconds = 0;

  constructor(url) {
    super();
    this.url = url;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get isIdle() {
    return this.#socket === undefined;
  }

  connect() {
    if (!this.isIdle) return;
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#listening = new AbortController();
    const on = (name, listener) => socket.addEventListener(name, listener, { signal: this.#listening.signal });
    this.#tell("state", { state: "connecting" });
    on("open", () => {
      this.#restartTimer();
      this.#tell("state", { state: "open" });
    });
    on("message", ({ data }) => this.#tell("received", { text: data }));
    on("close", ({ code, reason }) => this.#ended({ code, reason, explanation: explain(code, reason) }));
  }

  /** Ends the connection at once, as a broken network does: nothing that is on its way arrives. */
  cut() {
    if (this.isIdle) return;
    this.#listening.abort();
    this.#socket.close();
    this.#ended({ explanation: "Cut by this page. The subscriptions keep their positions." });
  }

  disconnect() {
    if (this.isIdle) return;
    if (this.isOpen) this.#tell("state", { state: "closing" });
    this.#socket.close(1000);
  }

  /** Sends a text; false if there is no connection. */
  send(text, isKeepAlive = false) {
    if (!this.isOpen) return false;
    this.#socket.send(text);
    this.#restartTimer();
    this.#tell("sent", { text, isKeepAlive });
    return true;
  }

  /** Pings whenever nothing was sent for so many seconds; 0 never does. */
  keepAlive(seconds) {
    this.#seconds = seconds;
    this.#restartTimer();
  }

  #ended(how) {
    this.#socket = undefined;
    this.#restartTimer();
    this.#tell("state", { state: "closed", ...how });
  }

  #restartTimer() {
    clearTimeout(this.#timer);
    if (!this.isOpen || this.#seconds <= 0) return;
    this.#timer = setTimeout(() => this.send('{"type":"ping"}', true), this.#seconds * 1000);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
