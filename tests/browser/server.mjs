// Starts the trading server for a test and stops it again.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Starts the binary that TOPICAST_SERVER names on a free port; resolves once it tells its address. */
export async function startServer(environment = {}) {
  const binary = process.env.TOPICAST_SERVER;
  if (!binary) throw new Error("TOPICAST_SERVER is not set; it names the binary `trading-api`");
  const server = spawn(binary, ["--port", "0"], {
    env: { ...process.env, HOST: "127.0.0.1", BAR_BROADCASTER_INTERVAL: "0.2", ...environment },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const lines = createInterface({ input: server.stdout });
  const origin = await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`the server ended with ${code} before it told its address`)));
    lines.on("line", (line) => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
      if (found) resolve(found[0]);
    });
  });
  return {
    origin,
    page: `${origin}/api/v1/ws/asyncapi`,
    /** Ends it and waits until it is gone. */
    async stop() {
      server.kill("SIGTERM");
      await ended;
    },
  };
}
