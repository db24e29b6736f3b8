// Starts the trading server for a test and ends it again.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Where the tests' own servers are; every other place is another host. */
export const origins = new Set();

/**
 * Starts the binary that TOPICAST_SERVER names, on a free port unless one is given; resolves
 * once it tells its address.
 */
export async function startServer(environment = {}, port = 0) {
  const binary = process.env.TOPICAST_SERVER;
  if (!binary) throw new Error("TOPICAST_SERVER is not set; it names the binary `trading-api`");
  const server = spawn(binary, ["--port", String(port)], {
    env: { ...process.env, HOST: "127.0.0.1", RUST_LOG: "info", BAR_BROADCASTER_INTERVAL: "0.2", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const log = new Log(createInterface({ input: server.stderr }));
  const origin = await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`the server ended with ${code} before it told its address`)));
    createInterface({ input: server.stdout }).on("line", (line) => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
      if (found) resolve(found[0]);
    });
  });
  origins.add(origin);
  const end = async (signal) => {
    server.kill(signal);
    await ended;
  };
  return {
    origin,
    port: Number(new URL(origin).port),
    documentation: `${origin}/api/v1/ws/asyncapi`,
    log,
    /** Ends it and waits until it is gone. */
    stop: () => end("SIGTERM"),
    /** Ends it without giving it the time for a word. */
    kill: () => end("SIGKILL"),
  };
}

/** What a server has logged. */
class Log {
  #lines = [];
  #waiting = [];

  constructor(lines) {
    lines.on("line", (line) => {
      this.#lines.push(line);
      this.#waiting = this.#waiting.filter(({ text, resolve }) => !line.includes(text) || resolve(line));
    });
  }

  /** Whether a line has this text. */
  has(text) {
    return this.#lines.some((line) => line.includes(text));
  }

  /** The first line that has this text, once there is one. */
  line(text) {
    const found = this.#lines.find((line) => line.includes(text));
    return found ? Promise.resolve(found) : new Promise((resolve) => this.#waiting.push({ text, resolve }));
  }
}
