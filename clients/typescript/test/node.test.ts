// The class of the package `ws`: it shows refused handshakes, and bounds what it answers to pings.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";

import { afterEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";

import type { ClientOptions, CloseInfo } from "../src/index.js";
import { connect } from "./kit/api.js";

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that answers every handshake by hand, and the events of its client. */
async function server(answer: (socket: Socket, request: IncomingMessage) => void, options: ClientOptions = {}) {
  const http = createServer();
  const sockets = new Set<Socket>();
  http.on("upgrade", (request, socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    answer(socket, request);
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const api = connect(`ws://127.0.0.1:${port}/`, { WebSocket, ...options });
  ends.push(() => {
    api.$client.close();
    for (const socket of sockets) socket.destroy();
    http.close();
  });
  const closes: CloseInfo[] = [];
  api.$client.on("close", (close) => closes.push(close));
  return { api, closes };
}

const happens = (what: () => void): Promise<void> => vi.waitFor(what, { timeout: 15_000, interval: 5 });

const refuse = (socket: Socket, status: string, ...headers: string[]): void =>
  void socket.end([`HTTP/1.1 ${status}`, ...headers, "Content-Length: 0", "", ""].join("\r\n"));

test("a refused handshake is tried again when the server says", async () => {
  const { api, closes } = await server((socket) => refuse(socket, "429 Too Many Requests", "Retry-After: 45"));
  await happens(() => expect(closes.length).toBe(1));
  const { state } = api.$client;
  expect(closes).toEqual([{ kind: "unreachable", code: 1006, reason: "HTTP status 429", reconnects: true }]);
  const wait = state.status === "waiting" ? state.retryAt - Date.now() : NaN;
  expect(wait).toBeGreaterThan(40_000);
  expect(wait).toBeLessThanOrEqual(45_500);
});

test("a token that is refused with 401 twice ends the client", async () => {
  const token = vi.fn(() => "wrong");
  const { api, closes } = await server((socket) => refuse(socket, "401 Unauthorized"), { token, backoff: { base: 5 } });
  const sub = api.bars.subscribe({ symbol: "AAPL" });
  await happens(() => expect(api.$client.state.status).toBe("closed"));
  expect(closes.map(({ kind, reconnects }) => [kind, reconnects])).toEqual([["unauthenticated", true], ["unauthenticated", false]]);
  expect([sub.status, sub.error, token.mock.calls.length]).toMatchObject(["failed", { code: "unauthenticated" }, 2]);
});

/** Accepts a handshake. */
function accept(socket: Socket, { headers }: IncomingMessage): void {
  const key = `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const proof = createHash("sha1").update(key).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`);
}

test.each([999, 1004, 1006, 1015, 2999])("a close frame with %i, which none may contain, violates the protocol", async (code) => {
  const { api, closes } = await server((socket, request) => {
    accept(socket, request);
    socket.write(Buffer.from([0x88, 2, code >> 8, code & 255]));
  });
  await happens(() => expect(closes.length).toBe(1));
  expect(closes).toEqual([{ kind: "protocol", code: 1002, reason: `Invalid WebSocket frame: invalid status code ${code}`, reconnects: true }]);
  const { state } = api.$client;
  // The floor of a violation, where a connection that is lost has none.
  const wait = state.status === "waiting" ? state.retryAt - Date.now() : NaN;
  expect(wait).toBeGreaterThan(500);
});

test("a server that pings and does not read is left before memory runs out", async () => {
  const ping = Buffer.concat(Array.from({ length: 500 }, () => Buffer.from([0x89, 125, ...new Array(125).fill(0)])));
  const { closes } = await server(
    (socket, request) => {
      socket.pause();
      accept(socket, request);
      const flood = (): void => {
        while (!socket.destroyed && socket.write(ping));
      };
      socket.on("drain", flood);
      flood();
    },
    { backoff: { base: 60_000, cap: 60_000 } },
  );
  const before = process.memoryUsage().rss;
  await happens(() => expect(closes.length).toBe(1));
  expect(closes).toEqual([{ kind: "lost", code: 1006, reason: "", reconnects: true }]);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
});
