// A network between client and server, for tests to cut, clog and swallow.

import { connect, createServer, type Server, type Socket } from "node:net";

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** How many bytes still reach the client before the connection is cut. */
  left: number;
}

export class Proxy {
  /** Whether bytes vanish, in both directions, without a notification to either end. */
  swallowing = false;
  /** Whether newcomers are turned away. */
  refusing = false;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();

  private constructor(
    server: Server,
    readonly port: number,
    /** The port of the server behind it. */
    public target: number,
  ) {
    this.#server = server;
  }

  static async start(target: number): Promise<Proxy> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    const proxy = new Proxy(server, address.port, target);
    server.on("connection", (client) => proxy.#join(client));
    return proxy;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/api/v1/ws`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Resets every connection, now or within a number of bytes from the server: in the midst of a frame, perhaps. */
  cut(after = 0): void {
    for (const pair of [...this.#pairs]) {
      if (after === 0) this.#end(pair);
      else pair.left = after;
    }
  }

  /** Reads nothing more from the server, whose buffers fill. */
  clog(): void {
    for (const { server } of this.#pairs) server.pause();
  }

  unclog(): void {
    for (const { server } of this.#pairs) server.resume();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #join(client: Socket): void {
    client.on("error", () => {});
    if (this.refusing) return void client.resetAndDestroy();
    const server = connect({ port: this.target, host: "127.0.0.1", noDelay: true });
    const pair: Pair = { client, server, left: Infinity };
    this.#pairs.add(pair);
    server.on("error", () => this.#end(pair));
    client.on("data", (bytes) => {
      if (!this.swallowing) server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (this.swallowing) return;
      client.write(bytes.subarray(0, Math.min(pair.left, bytes.length)));
      pair.left -= bytes.length;
      if (pair.left <= 0) this.#end(pair);
    });
    // Who goes in order is passed on in order.
    client.on("end", () => server.end());
    server.on("end", () => client.end());
    client.on("close", () => this.#end(pair));
    server.on("close", () => this.#pairs.delete(pair));
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    // What was written just now is to arrive, so that a frame breaks off in its midst.
    if (pair.left <= 0) pair.client.destroySoon();
    else pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  }
}
