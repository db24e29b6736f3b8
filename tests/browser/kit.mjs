// Starts the server that has a channel of each kind, and has it publish.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { origins } from "./server.mjs";

/** Starts the example `kit_server` of the folder that TOPICAST_EXAMPLES names. */
export async function startKit(...flags) {
  const examples = process.env.TOPICAST_EXAMPLES;
  if (!examples) throw new Error("TOPICAST_EXAMPLES is not set; it names the folder of the built examples");
  const kit = spawn(`${examples}/kit_server`, flags, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => kit.once("exit", resolve));
  const lines = createInterface({ input: kit.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the kit has ended");
    return JSON.parse(value);
  };
  const { listening } = await read();
  const origin = `http://${listening}`;
  origins.add(origin);
  return {
    port: Number(new URL(origin).port),
    documentation: `${origin}/api/v1/ws/asyncapi`,
    /** Carries out one command, and resolves to its answer. */
    async do(command, details = {}) {
      kit.stdin.write(`${JSON.stringify({ do: command, ...details })}\n`);
      const answer = await read();
      if (answer.error) throw new Error(answer.error);
      return answer;
    },
    async kill() {
      kit.kill("SIGKILL");
      await ended;
    },
  };
}
