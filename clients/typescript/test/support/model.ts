// A model of the contract's kinds and of recovery: a server in memory that keeps every topic's state.

import { crc32 } from "node:zlib";

import { topic as topicOf } from "../../src/topic.js";
import { type Sent, Server, Socket } from "./server.js";

/** A channel of the model. */
export interface Kind {
  readonly kind: "events" | "latest" | "table";
  readonly history?: true;
  readonly key?: readonly string[];
  readonly checksum?: true;
}

type Row = { readonly [name: string]: any };

/** A change of a table: rows by the text of their key, undefined where one is removed. */
type Change = Map<string, Row | undefined>;

export class Keyed {
  epoch = "";
  seq = 0;
  /** The updates that recovery can send again; the first has the number `seq - log.length + 1`. */
  log: unknown[] = [];
  /** The last update of a topic that is no table. */
  value: unknown;
  readonly rows = new Map<string, Row>();
}

/** Rows or keys in the order of the contract, found by comparing each pair. */
export function ordered<T extends Row>(rows: Iterable<T>, key: readonly string[]): T[] {
  const less = (a: any, b: any): boolean => (typeof a === "string" ? Buffer.compare(utf16(a), utf16(b)) < 0 : a < b);
  return [...rows].sort((a, b) => {
    const name = key.find((name) => a[name] !== b[name]);
    return name === undefined ? 0 : less(a[name], b[name]) ? -1 : 1;
  });
}

/** The bytes of a text in UTF-16, the high byte of each unit first. */
function utf16(text: string): Buffer {
  return Buffer.from(text, "utf16le").swap16();
}

/** The checksum of rows without nested values. */
export function checksum(rows: Iterable<Row>): number {
  let sum = 0n;
  for (const row of rows) {
    const text = Object.keys(row).sort().map((name) => `${JSON.stringify(name)}:${JSON.stringify(row[name])}`);
    sum += BigInt(crc32(`{${text.join()}}`));
  }
  return Number(sum % 2n ** 32n);
}

export class Model extends Server {
  readonly states = new Map<string, Keyed>();
  /** The number of updates that recovery can send again. */
  history = 20;
  /** Whether an update is held back from a subscriber, to be merged or skipped. */
  holds = (): boolean => false;
  /** Changes the checksums. */
  corrupts = (checksum: number): number => checksum;
  #epochs = 0;
  /** The last number sent on each subscription. */
  readonly #sent = new WeakMap<Socket, Map<string, number>>();

  constructor(readonly kinds: { readonly [route: string]: Kind }) {
    super();
  }

  state(topic: string): Keyed {
    let state = this.states.get(topic);
    if (!state) {
      this.states.set(topic, (state = new Keyed()));
      state.epoch = `e${(this.#epochs += 1)}`;
    }
    return state;
  }

  override publish(topic: string, update: unknown): void {
    const state = this.state(topic);
    state.seq += 1;
    state.value = update;
    this.#record(state, topic, update);
  }

  /** Sets rows and removes keys, as one update. */
  change(topic: string, set: readonly Row[], remove: readonly Row[]): void {
    const state = this.state(topic);
    const change: Change = new Map();
    for (const key of remove) if (state.rows.delete(this.#text(topic, key))) change.set(this.#text(topic, key), undefined);
    for (const row of set) {
      state.rows.set(this.#text(topic, row), row);
      change.set(this.#text(topic, row), row);
    }
    if (!change.size) return;
    state.seq += 1;
    this.#record(state, topic, change);
  }

  /** Sends what subscribers have not received. */
  flush(topic: string): void {
    const { seq } = this.state(topic);
    for (const socket of this.open) {
      const sent = this.#sent.get(socket)?.get(topic);
      if (sent === undefined || sent >= seq) continue;
      if (this.#kind(topic).kind === "events") {
        const missing = seq - sent - 1;
        this.#send(socket, topic, { seq, ...(missing && { skipped: missing }), payload: this.state(topic).value });
      } else this.#catchUp(socket, topic, sent);
    }
  }

  /** Begins new epochs, without ending connections that are open. */
  reset(topic: string): void {
    this.states.delete(topic);
    for (const socket of this.open) {
      if (!this.#sent.get(socket)?.delete(topic)) continue;
      const payload = { code: "reset", message: "the topic's epoch changed", retryable: true };
      socket.deliver({ type: `${route(topic)}.unsubscribed`, topic, payload });
    }
  }

  override restart(): void {
    super.restart();
    this.states.clear();
  }

  override handle(socket: Socket, text: string): void {
    const message = JSON.parse(text) as Sent;
    const { type, id, payload } = message;
    const own = this.answer(message, socket);
    if (own === "silence") return;
    if (own !== undefined) return socket.deliver({ type: `${type}.response`, id, payload: own });
    if (type === "ping") return socket.deliver({ type: "ping.response", id, payload: { time: Date.now() } });
    const [, route, verb] = /^(.+)\.(.+)$/.exec(type)!;
    const topic = topicOf(route!, payload);
    const ok = { status: "ok", message: verb, topic };
    const subscriptions = this.#subscriptions(socket);
    if (verb === "unsubscribe") {
      subscriptions.delete(topic);
      return socket.deliver({ type: `${type}.response`, id, payload: ok });
    }
    const { epoch } = this.state(topic);
    const reply = (members: object): void => socket.deliver({ type: `${type}.response`, id, ...members, payload: ok });
    if (subscriptions.has(topic)) return reply({ epoch, seq: subscriptions.get(topic) });
    this.#subscribe(socket, topic, message, reply);
  }

  #subscribe(socket: Socket, topic: string, { recover, rewind }: Sent, reply: (members: object) => void): void {
    const state = this.state(topic);
    const { epoch, seq, log } = state;
    const { kind, history } = this.#kind(topic);
    const subscriptions = this.#subscriptions(socket);
    const missed = recover ? seq - recover.seq : 0;
    const covered = kind === "latest" ? Infinity : kind === "table" || history ? log.length : 0;
    if (recover && recover.epoch === epoch && missed >= 0 && missed <= covered) {
      subscriptions.set(topic, recover.seq);
      reply({ epoch, seq: recover.seq, recovered: true });
      if (kind === "events") this.#replay(socket, topic, recover.seq);
      else if (missed) this.#catchUp(socket, topic, recover.seq);
      return;
    }
    const again = recover && { recovered: false };
    if (kind === "events") {
      const from = seq - Math.min(rewind ?? 0, log.length);
      subscriptions.set(topic, from);
      reply({ epoch, seq: from, ...again });
      return this.#replay(socket, topic, from);
    }
    const hasState = kind === "table" || state.value !== undefined;
    subscriptions.set(topic, seq);
    reply({ epoch, seq, ...again, ...(hasState && { snapshot: true }) });
    if (hasState) this.#snapshot(socket, topic);
  }

  #replay(socket: Socket, topic: string, from: number): void {
    const { seq, log } = this.state(topic);
    for (const [at, payload] of log.slice(log.length - (seq - from)).entries()) {
      this.#send(socket, topic, { seq: from + 1 + at, payload });
    }
  }

  /** Sends the changes after a number as one, or a snapshot. */
  #catchUp(socket: Socket, topic: string, from: number): void {
    const { seq, log, value } = this.state(topic);
    if (this.#kind(topic).kind === "latest") return this.#send(socket, topic, { seq, payload: value });
    if (seq - from > log.length) return this.#snapshot(socket, topic);
    const merged: Change = new Map();
    for (const change of log.slice(log.length - (seq - from)) as Change[]) for (const [key, row] of change) merged.set(key, row);
    this.#send(socket, topic, { seq, payload: this.#payload(topic, merged) });
  }

  #snapshot(socket: Socket, topic: string): void {
    const { seq, value, rows } = this.state(topic);
    const { key } = this.#kind(topic);
    const payload = key ? { set: ordered(rows.values(), key), ...this.#checksum(topic) } : value;
    this.#subscriptions(socket).set(topic, seq);
    socket.deliver({ type: `${route(topic)}.snapshot`, topic, seq, payload });
  }

  #record(state: Keyed, topic: string, update: unknown): void {
    state.log.push(update);
    state.log.splice(0, state.log.length - this.history);
    if (!this.holds()) this.flush(topic);
  }

  #send(socket: Socket, topic: string, members: { readonly seq: number; readonly payload: unknown }): void {
    this.#subscriptions(socket).set(topic, members.seq);
    socket.deliver({ type: `${route(topic)}.update`, topic, ...members });
  }

  #payload(topic: string, change: Change): object {
    const [set, remove] = [[...change.values()].filter((row) => row !== undefined), [...change].filter(([, row]) => !row)];
    return {
      ...(set.length && { set }),
      ...(remove.length && { remove: remove.map(([key]) => JSON.parse(key) as unknown) }),
      ...this.#checksum(topic),
    };
  }

  #checksum(topic: string): object {
    return this.#kind(topic).checksum ? { checksum: this.corrupts(checksum(this.state(topic).rows.values())) } : {};
  }

  #kind(topic: string): Kind {
    return this.kinds[route(topic)] ?? { kind: "events" };
  }

  #text(topic: string, row: Row): string {
    return JSON.stringify(Object.fromEntries(this.#kind(topic).key!.map((name) => [name, row[name]])));
  }

  #subscriptions(socket: Socket): Map<string, number> {
    let subscriptions = this.#sent.get(socket);
    if (!subscriptions) this.#sent.set(socket, (subscriptions = new Map()));
    return subscriptions;
  }
}

function route(topic: string): string {
  return topic.slice(0, topic.indexOf(":"));
}
