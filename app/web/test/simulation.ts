// A server and its network: live bars arrive in order, answers at any time.

import type { Bar } from "../src/api.js";
import type { Request, Series } from "../src/series.js";

const MINUTE = 60_000;

/** How many published bars a server remembers for clients that return. */
const MEMORY = 5;

/** A message of the server over the connection, and the number that the client has reached with it. */
type Message = { readonly server: Server; readonly seq: number } & (
  | { readonly kind: "connected"; readonly gap: "none" | "missed" | "epoch" }
  | { readonly kind: "bar"; readonly bar: Bar; readonly gap: boolean }
);

/** A request on its way: until the server has looked, then with what it saw. */
interface Pending {
  readonly request: Request;
  readonly server: Server;
  seen?: readonly Bar[];
}

/** The store of bars, and what was published of it. */
class Server {
  readonly bars: Bar[] = [];
  /** Every state that a bar ever had. */
  readonly states = new WeakSet<Bar>();
  /** When bars began that were the newest then. */
  readonly begun: number[] = [];
  /** Every bar that was published, in the state it had then: its number is its place, from one on. */
  readonly published: Bar[] = [];
  #published = 0;

  constructor(
    readonly epoch: number,
    readonly room: number,
  ) {}

  /** A trade in the newest bar, or so many minutes before it: in a bar, or where there was none. */
  trade(back: number, quantity: number): void {
    const last = this.bars.at(-1);
    if (!last) return this.begin(0, quantity);
    const time = Math.max((this.bars[0] as Bar).time, last.time - back * MINUTE);
    const at = this.bars.findIndex((bar) => bar.time >= time);
    const bar = this.bars[at] as Bar;
    if (bar.time === time) this.#put(at, { ...bar, close: bar.close + 1, volume: bar.volume + quantity }, 1);
    // The minute was empty, and the store has forgotten nothing since: it is a bar now.
    else this.#put(at, this.#fresh(time, quantity), 0);
  }

  /** A new bar, after so many empty minutes. */
  begin(empty: number, quantity: number): void {
    const last = this.bars.at(-1);
    // Epochs share times, and their bars differ.
    const time = last ? last.time + (1 + empty) * MINUTE : 1_000 * MINUTE;
    this.#put(this.bars.length, this.#fresh(time, quantity), 0);
    this.begun.push(time);
    if (this.bars.length > this.room) this.bars.shift();
  }

  /** What goes out now: what the newest bars were left at, then the newest one; never an earlier time. */
  publish(): readonly Bar[] {
    const news = this.bars.filter((bar) => bar.time >= this.#published);
    this.#published = this.bars.at(-1)?.time ?? 0;
    this.published.push(...news);
    return news;
  }

  answer({ from = -Infinity, to = Infinity, count = Infinity }: Request): readonly Bar[] {
    const bars = this.bars.filter((bar) => bar.time >= from && bar.time < to);
    return bars.slice(Math.max(0, bars.length - count));
  }

  #fresh(time: number, quantity: number): Bar {
    return { time, open: this.epoch, high: this.epoch, low: this.epoch, close: this.epoch, volume: quantity };
  }

  #put(at: number, bar: Bar, replaced: 0 | 1): void {
    this.bars.splice(at, replaced, bar);
    this.states.add(bar);
  }
}

export class Simulation {
  server: Server;
  readonly #room: number;
  readonly #series: Series;
  /** The client's position, and the server whose bars the series shows. */
  #known: { server: Server; seq: number } | undefined;
  #shown: Server;
  #isUp = false;
  #wire: Message[] = [];
  #requests: Pending[] = [];

  constructor(series: Series, room: number, history: number) {
    this.#series = series;
    this.#room = room;
    this.server = this.#start(1, history);
    this.#shown = this.server;
  }

  trade(back: number, quantity: number): void {
    this.server.trade(back, quantity);
  }

  begin(empty: number, quantity: number): void {
    this.server.begin(empty, quantity);
  }

  /** The broadcaster's tick. Where the client is too slow, its updates are lost, and the next one says so. */
  publish(skips: boolean): void {
    const bars = this.server.publish();
    if (!this.#isUp) return;
    this.#send(skips ? bars.slice(-1) : bars, skips && bars.length > 1);
  }

  /** Subscribes, with the position if there is one: what the server remembers after it follows. */
  connect(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    const { server } = this;
    const seq = server.published.length;
    const known = this.#known;
    const isSame = known?.server === server;
    if (known && isSame && seq - known.seq <= MEMORY) {
      this.#wire.push({ kind: "connected", gap: "none", server, seq: known.seq });
      this.#send(server.published.slice(known.seq), false);
    } else {
      this.#wire.push({ kind: "connected", gap: !known ? "none" : isSame ? "missed" : "epoch", server, seq });
    }
  }

  /** The connection breaks, with what was on the way. */
  cut(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#wire = [];
    this.#series.disconnected();
  }

  restart(history: number): void {
    this.server = this.#start(this.server.epoch + 1, history);
    this.cut();
  }

  /** The next message arrives. */
  deliver(): void {
    const message = this.#wire.shift();
    if (!message) return;
    this.#known = { server: message.server, seq: message.seq };
    if (message.kind === "connected") {
      this.#series.connected();
      if (message.gap === "epoch") this.#series.restarted();
      if (message.gap === "missed") this.#series.missed();
    } else {
      if (message.gap) this.#series.missed();
      this.#series.take(message.bar);
    }
  }

  /** What the series asks goes out. */
  ask(): void {
    for (let request = this.#series.next(); request; request = this.#series.next()) {
      this.#requests.push({ request, server: this.server });
    }
  }

  /** One of the requests on their way is looked at by the server, or answered, or lost. */
  progress(which: number, what: "look" | "answer" | "fail"): void {
    const at = which % Math.max(1, this.#requests.length);
    const pending = this.#requests[at];
    if (!pending) return;
    if (what === "look" && !pending.seen) pending.seen = pending.server.answer(pending.request);
    if (what === "look" || (what === "answer" && !pending.seen)) return;
    this.#requests.splice(at, 1);
    if (what === "fail") this.#series.failed(pending.request);
    else this.#series.answered(pending.request, pending.seen as readonly Bar[]);
  }

  /** Everything arrives, nothing more happens, and the bars are asked for once more. */
  settle(): void {
    this.publish(false);
    this.connect();
    // Answers on their way may have been made before a late trade: only what is asked after them finds it.
    this.#quiet();
    this.#series.refresh("all");
    this.#quiet();
  }

  #quiet(): void {
    for (let round = 0; round < 100; round += 1) {
      while (this.#wire.length) this.deliver();
      this.ask();
      if (!this.#requests.length) return;
      while (this.#requests.length) {
        this.progress(0, "look");
        this.progress(0, "answer");
      }
    }
    throw new Error("the series never stops asking");
  }

  /** What must hold at any moment; answers what is wrong. */
  fault(): string | undefined {
    const { bars } = this.#series;
    if (bars[0]) {
      const epoch = bars[0].open;
      if (epoch !== this.#shown.epoch) {
        if (epoch !== this.server.epoch) return `bars of epoch ${epoch}, while the server's is ${this.server.epoch}`;
        this.#shown = this.server;
      }
    }
    const states = this.#shown.states;
    const wrong = bars.find((bar) => !states.has(bar));
    if (wrong) return `a bar that there never was: ${JSON.stringify(wrong)}`;
    const [first, last] = [bars[0], bars.at(-1)];
    if (!first || !last) return undefined;
    const times = new Set(bars.map((bar) => bar.time));
    if (times.size < bars.length || bars.some((bar, index) => bar.time < (bars[index - 1]?.time ?? 0))) return "bars out of order";
    // What a late trade makes of an empty minute may be missing for a while; nothing else may.
    const hole = this.#shown.begun.find((time) => time > first.time && time < last.time && !times.has(time));
    return hole === undefined ? undefined : `a hole at ${hole}`;
  }

  #start(epoch: number, history: number): Server {
    const server = new Server(epoch, this.#room);
    for (let bar = 0; bar < history; bar += 1) server.begin(bar % 7 === 0 ? 1 : 0, 1 + (bar % 5));
    server.publish();
    return server;
  }

  /** Sends the last bars that were published. */
  #send(bars: readonly Bar[], gap: boolean): void {
    const before = this.server.published.length - bars.length;
    bars.forEach((bar, index) => {
      this.#wire.push({ kind: "bar", bar, gap: gap && index === 0, server: this.server, seq: before + index + 1 });
    });
  }
}
