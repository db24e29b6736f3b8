// Requests over the connection: queued while it is down, sent, and answered in order.

import { RULES, type CloseInfo } from "./close.js";
import { FaultError, NotSentError, RefusalError, type TopicastError, UnknownOutcomeError } from "./errors.js";
import { after, type Lifetime, until } from "./events.js";
import { isRefusal, type Message, refusal } from "./message.js";

/** Options of one request. */
export interface RequestOptions extends Lifetime {
  /** How long the request may take, in milliseconds, including the wait for a connection. */
  readonly timeout?: number;
}

/** A request in the queue or in flight. */
export interface Request {
  readonly type: string;
  /** The payload as JSON; empty if there is none. */
  readonly text: string;
  /** Returns further members of the message, each time it is sent. */
  readonly more?: () => object;
  readonly answered: (reply: Message | TopicastError) => void;
  /** The id, once it was sent. */
  id?: number;
  /** How many times it was sent without an answer. */
  copies?: number;
}

/** What the requests need of the client. */
export interface RequestHost {
  /** Whether each operation of the server has a reply. */
  readonly operations: { readonly [type: string]: boolean };
  /** The timeout of requests, in milliseconds. */
  readonly timeout: number;
  /** The limit of requests that wait for the connection or for their reply. */
  readonly maxRequests: number;
  isOpen(): boolean;
  /** Sends a frame. */
  send(text: string): void;
  /** Returns an error if the client is closed. */
  closed(): NotSentError | undefined;
  refused(operation: string, error: RefusalError): void;
  fault(error: FaultError): void;
}

const PING = "ping";

/** The limit of faulty requests that are remembered so that they are not sent again. */
const MAX_FAULTS = 1000;

export class Requests {
  /** The round-trip time of the last `ping`, in milliseconds. */
  latency: number | undefined;
  readonly #host: RequestHost;
  /** Messages without an answer, by id, in the order of sending. */
  readonly #sent = new Map<number, Request>();
  /** Requests that wait for the connection. */
  readonly #queue = new Set<Request>();
  /** Requests that wait for the connection or for an answer. */
  readonly #pending = new Set<Request>();
  readonly #faults = new Map<string, FaultError>();
  #id = 0;

  constructor(host: RequestHost) {
    this.#host = host;
  }

  /** Carries out an operation. */
  request(type: string, payload?: unknown, options: RequestOptions = {}): Promise<any> {
    const { maxRequests, timeout: usual } = this.#host;
    const { signal, timeout = usual } = options;
    return new Promise((resolve, reject) => {
      const text = payload === undefined ? "" : JSON.stringify(payload);
      const error = this.fault(type, text) ?? this.#host.closed();
      if (signal?.aborted) return reject(signal.reason);
      if (error) return reject(error);
      if (this.#pending.size >= maxRequests) {
        return reject(new NotSentError(`${maxRequests} requests are waiting, which is the limit`, "full"));
      }
      const request: Request = {
        type,
        text,
        answered: (reply) => {
          this.#pending.delete(request);
          if (reply instanceof RefusalError) this.#host.refused(type, reply);
          if (reply instanceof Error) return fail(reply);
          settle();
          resolve(reply.payload);
        },
      };
      this.#pending.add(request);
      const settle = (): void => {
        clearTimeout(timer);
        off();
      };
      const fail = (error: unknown): void => {
        settle();
        reject(error);
        // A request that was sent still counts, since its answer is still due.
        if (this.#queue.delete(request)) this.#pending.delete(request);
      };
      const timer = after(timeout, () => {
        const message = `${type}: no answer within ${timeout} ms`;
        fail(
          this.#queue.has(request)
            ? new NotSentError(`${message}; it was not sent`, "timeout")
            : new UnknownOutcomeError(`${message}; whether it was carried out is unknown`, "timeout"),
        );
      });
      const off = until(signal, (reason) => {
        if (reason !== undefined) fail(reason);
      });
      if (!this.#carryOut(request)) this.#queue.add(request);
    });
  }

  get timeout(): number {
    return this.#host.timeout;
  }

  /**
   * Sends a message, and returns whether the client is connected. A message that was sent before
   * keeps its id, and each copy is answered.
   */
  send(request: Request): boolean {
    if (!this.#host.isOpen()) return false;
    const { type, text } = request;
    const id = (request.id ??= this.#id += 1);
    request.copies = (request.copies ?? 0) + 1;
    this.#sent.set(id, request);
    const head = JSON.stringify({ type, id, ...request.more?.() }).slice(0, -1);
    this.#host.send(`${head}${text && `,"payload":${text}`}}`);
    return true;
  }

  /** Sends a ping, and measures the latency with the answer. */
  ping(answered?: (reply: Message | TopicastError) => void): void {
    const sent = Date.now();
    this.send({
      type: PING,
      text: "",
      answered: (reply) => {
        if (!(reply instanceof Error)) this.latency = Date.now() - sent;
        answered?.(reply instanceof Error ? reply : { type: PING });
      },
    });
  }

  /** Sends the queued requests over a new connection. */
  flush(): void {
    for (const request of take(this.#queue)) this.#carryOut(request);
  }

  /** Handles a message with the id of a request. */
  reply(message: Message): void {
    const id = message.id as number;
    const request = this.#sent.get(id);
    if (!request) return;
    this.#sent.delete(id);
    // Requests that were sent before another copy are answered before it.
    if ((request.copies! -= 1)) this.#sent.set(id, request);
    const { type, payload } = message;
    if (type === "error") this.#blame(request, String(payload?.message));
    else if (this.#host.operations[request.type] !== undefined && isRefusal(payload)) request.answered(refusal(payload));
    else request.answered(message);
  }

  /** Returns the fault of an equal request that was sent before. */
  fault(type: string, text: string): FaultError | undefined {
    return this.#faults.get(type + text);
  }

  /** Settles the unanswered requests of a connection that was lost. */
  lost(close: CloseInfo): void {
    const rule = RULES[close.kind]?.[1];
    const reason = close.reason || `closed with ${close.code}`;
    const sent = take(this.#sent);
    const [first] = sent;
    if (first && first.type !== PING) {
      if (rule === "fault") this.#blame(first, reason);
      // An operation may have been carried out in part, but a subscribe request can be repeated.
      else if (rule && !this.#pending.has(first)) first.answered(new RefusalError(reason, "internal", true));
    }
    abandon(sent);
  }

  /** Fails all requests: the client is closed. */
  end(error: TopicastError): void {
    abandon(take(this.#sent));
    for (const { answered } of take(this.#queue)) answered(error);
  }

  /** Sends a request, and returns whether the client is connected. */
  #carryOut(request: Request): boolean {
    if (!this.send(request)) return false;
    if (this.#host.operations[request.type]) return true;
    // A ping follows a request without a reply: its answer shows that the server read the request.
    this.ping((reply) => {
      this.#sent.delete(request.id!);
      request.answered(reply);
    });
    return true;
  }

  /** Reports and remembers a request that was not valid. */
  #blame({ type, text, answered }: Request, reason: string): void {
    const error = new FaultError(`${type}: ${reason}`, type);
    if (this.#faults.size < MAX_FAULTS) this.#faults.set(type + text, error);
    this.#host.fault(error);
    answered(error);
  }
}

/** Removes and returns all elements. */
function take<V>(all: { values(): Iterable<V>; clear(): void }): readonly V[] {
  const taken = [...all.values()];
  all.clear();
  return taken;
}

/** Fails requests that were sent over a connection that is lost. */
function abandon(sent: readonly Request[]): void {
  for (const request of sent) {
    const { type, answered } = request;
    request.copies = 0;
    answered(new UnknownOutcomeError(`${type}: the connection was lost; whether it was carried out is unknown`, "lost"));
  }
}
