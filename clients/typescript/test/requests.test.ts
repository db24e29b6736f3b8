// Operations and pushes: answered, refused, queued, given up, unknown.

import { expect, test, vi } from "vitest";

import { FaultError, NotSentError, RefusalError, TopicastError, UnknownOutcomeError } from "../src/index.js";
import { Server } from "./support/server.js";
import { client, pass, simulate } from "./support/sim.js";

simulate();

const ORDER = { symbol: "AAPL", quantity: 3 };

/** A server that answers orders with their quantity. */
function market(): Server {
  const server = new Server();
  server.answer = ({ type, payload }) => {
    if (type === "notice.me") return "silence";
    if (type !== "orders.place") return undefined;
    if (payload.symbol === "HALT") return { status: "error", code: "market_closed", message: "closed", retryable: false };
    return { number: payload.quantity };
  };
  return server;
}

const caught = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);

test("an operation is answered with its reply, or refused", async () => {
  const server = market();
  const api = client(server);
  const order = api.orders.place(ORDER);
  const halted = caught(api.orders.place({ ...ORDER, symbol: "HALT" }));
  const pinged = api.ping();
  await pass();
  expect(await order).toEqual({ number: 3 });
  expect(await halted).toBeInstanceOf(RefusalError);
  expect(await halted).toMatchObject({ code: "market_closed", retryable: false, name: "RefusalError" });
  expect(await pinged).toEqual({ time: expect.any(Number) });
  expect(server.socket.received[0]).toEqual({ type: "orders.place", id: 1, payload: ORDER });
  expect(server.socket.received[2]).toEqual({ type: "ping", id: 3 });
});

test("a reply that merely looks like a refusal is a reply", async () => {
  const server = new Server();
  const api = client(server);
  server.answer = () => ({ status: "error", count: 1 });
  const reply = api.kit.count();
  await pass();
  expect(await reply).toEqual({ status: "error", count: 1 });
});

test("an operation without a reply resolves once the server has read it", async () => {
  const server = market();
  const api = client(server);
  let done = false;
  const sent = api.notice.me().then((it) => {
    done = true;
    return it;
  });
  expect(done).toBe(false);
  await pass();
  expect([done, await sent]).toEqual([true, undefined]);
});

test("requests made while disconnected wait, are bounded, and go out in their order", async () => {
  const server = market();
  server.up = false;
  const api = client(server, { maxRequests: 3, backoff: { base: 10 } });
  await pass();
  const orders = [1, 2, 3].map((quantity) => api.orders.place({ symbol: "A", quantity }));
  const full = await caught(api.orders.place(ORDER));
  expect(full).toBeInstanceOf(NotSentError);
  expect(full).toMatchObject({ reason: "full", retryable: true, message: "3 requests are waiting, which is the limit" });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  server.up = true;
  await pass(1000);
  expect(await Promise.all(orders)).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }]);
  // Subscriptions come first.
  expect([sub.status, server.socket.received[0]!.type]).toEqual(["live", "bars.subscribe"]);
  const again = api.orders.place(ORDER);
  await pass();
  expect(await again).toEqual({ number: 3 });
});

test("a time-out is unknown where the request was sent, and safe to repeat where it was not", async () => {
  const server = market();
  server.up = false;
  const api = client(server, { requestTimeout: 2000, backoff: { base: 10, cap: 10 } });
  const unsent = caught(api.orders.place(ORDER));
  const patient = api.orders.place(ORDER, { timeout: 60_000 });
  await pass(2100);
  expect(await unsent).toBeInstanceOf(NotSentError);
  expect(await unsent).toMatchObject({
    reason: "timeout",
    retryable: true,
    message: "orders.place: no answer within 2000 ms; it was not sent",
  });
  server.up = true;
  await pass(100);
  expect(await patient).toEqual({ number: 3 });
  server.answer = () => "silence";
  const sent = caught(api.orders.place(ORDER, { timeout: 500 }));
  await pass(600);
  expect(await sent).toBeInstanceOf(UnknownOutcomeError);
  expect(await sent).toMatchObject({
    reason: "timeout",
    retryable: false,
    message: "orders.place: no answer within 500 ms; whether it was carried out is unknown",
  });
  expect(await sent).toBeInstanceOf(TopicastError);
});

test("times may be as long as one likes", async () => {
  const server = market();
  const api = client(server, { connectTimeout: Infinity, heartbeat: { interval: Infinity, timeout: Infinity } });
  server.answer = () => "silence";
  const answer = vi.fn();
  void api.orders.place(ORDER, { timeout: Infinity }).then(answer, answer);
  await pass(1_000_000);
  expect([answer.mock.calls.length, api.$client.state.status, server.socket.received.length]).toEqual([0, "open", 1]);
});

test("what JSON cannot write is an error like any other", async () => {
  const api = client(market());
  const request = api.orders.place({ symbol: "X", quantity: 1n as unknown as number });
  await expect(request).rejects.toThrow("BigInt");
});

test("what was sent on a connection that is lost is unknown and not repeated", async () => {
  const server = market();
  const api = client(server, { backoff: { base: 10 } });
  await pass();
  server.answer = () => "silence";
  const sent = caught(api.orders.place(ORDER));
  const unanswerable = caught(api.notice.me());
  await pass();
  server.socket.cut();
  expect(await sent).toBeInstanceOf(UnknownOutcomeError);
  expect(await unanswerable).toBeInstanceOf(UnknownOutcomeError);
  expect(await sent).toMatchObject({ reason: "lost" });
  await pass(1000);
  expect(server.socket.received.filter(({ type }) => type === "orders.place")).toEqual([]);
});

test("what timed out still counts until it is answered, so that memory is bounded", async () => {
  const server = market();
  const api = client(server, { maxRequests: 2, requestTimeout: 100, heartbeat: false, backoff: { base: 10 } });
  await pass();
  server.answer = () => "silence";
  const stuck = [caught(api.orders.place(ORDER)), caught(api.orders.place(ORDER))];
  await pass(200);
  expect(await Promise.all(stuck)).toEqual([expect.any(UnknownOutcomeError), expect.any(UnknownOutcomeError)]);
  expect(await caught(api.orders.place(ORDER))).toMatchObject({ reason: "full" });
  const [first, second] = server.socket.received;
  for (const it of [first!, second!]) server.socket.deliver({ type: "x", id: it.id, payload: {} });
  await pass();
  server.answer = () => ({ number: 1 });
  const next = api.orders.place(ORDER);
  await pass();
  expect(await next).toEqual({ number: 1 });
});

test("signals give requests up, before and after they are sent", async () => {
  const server = market();
  const api = client(server, { maxRequests: 1 });
  const reason = new Error("changed my mind");
  await expect(api.orders.place(ORDER, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const waiting = new AbortController();
  const queued = caught(api.orders.place(ORDER, { signal: waiting.signal }));
  waiting.abort(reason);
  expect(await queued).toBe(reason);
  await pass();
  expect(server.socket.received).toEqual([]);
  const going = new AbortController();
  const sent = caught(api.orders.place(ORDER, { signal: going.signal }));
  going.abort(reason);
  expect(await sent).toBe(reason);
  await pass();
  const next = api.orders.place(ORDER);
  await pass();
  expect(await next).toEqual({ number: 3 });
});

test("closing the client ends every request in the way that is true of it", async () => {
  const server = market();
  const api = client(server);
  await pass();
  server.answer = () => "silence";
  const sent = caught(api.orders.place(ORDER));
  await pass();
  api.$client.close();
  expect(await sent).toBeInstanceOf(UnknownOutcomeError);
  expect(await caught(api.orders.place(ORDER))).toMatchObject({ reason: "closed", retryable: false });
  const offline = new Server();
  offline.up = false;
  const other = client(offline);
  const queued = caught(other.orders.place(ORDER));
  other[Symbol.dispose]();
  expect(await queued).toBeInstanceOf(NotSentError);
});

test("a faulty operation is reported and not sent again", async () => {
  const server = new Server();
  const api = client(server);
  server.answer = ({ id, type }, socket) => {
    if (type === "orders.place") server.fault(socket, id);
    return "silence";
  };
  const fault = caught(api.orders.place(ORDER));
  await pass();
  expect(await fault).toBeInstanceOf(FaultError);
  expect(await caught(api.orders.place(ORDER))).toBe(await fault);
  // One that was faulty without an id is an event.
  const faults: string[] = [];
  api.$client.on("fault", ({ message }) => faults.push(message));
  server.fault(server.socket, undefined, "not JSON");
  await pass();
  expect([faults, api.$client.state.status]).toEqual([["not JSON"], "open"]);
});

test("pushes are delivered to all listeners", async () => {
  const server = market();
  const api = client(server);
  const texts: string[] = [];
  const off = api.notice.on(({ text }) => texts.push(text));
  const end = new AbortController();
  api.notice.on(() => texts.push("again"), { signal: end.signal });
  await pass();
  const push = async (text: string): Promise<void> => {
    server.socket.deliver({ type: "notice", payload: { text } });
    await pass();
  };
  await push("one");
  end.abort();
  await push("two");
  off();
  await push("three");
  expect(texts).toEqual(["one", "again", "two"]);
});
