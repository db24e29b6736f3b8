// The kit's server as a process of its own, which tests control, pause and kill.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { env as environment } from "node:process";
import { createInterface, type Interface } from "node:readline";

import { example } from "./programs.js";

export class Kit {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();
  /** Where it listens: address and port. */
  readonly address: string;

  private constructor(process: ChildProcessWithoutNullStreams, answers: AsyncIterator<string>, address: string) {
    this.#process = process;
    this.#answers = answers;
    this.address = address;
  }

  static async start(...args: string[]): Promise<Kit> {
    // Handlers that panic are part of the tests; their backtraces are not.
    const process = spawn(example("kit_server"), args, { env: { ...environment, RUST_BACKTRACE: "0" } });
    let said = "";
    process.stderr.on("data", (text) => (said = `${said}${text}`.slice(-10_000)));
    const lines: Interface = createInterface({ input: process.stdout });
    const answers = lines[Symbol.asyncIterator]();
    const { value, done } = await answers.next();
    if (done) throw new Error(`the kit ended before it printed its address: ${said}`);
    return new Kit(process, answers, (JSON.parse(value) as { listening: string }).listening);
  }

  get port(): number {
    return Number(this.address.split(":")[1]);
  }

  get url(): string {
    return `ws://${this.address}/api/v1/ws`;
  }

  get document(): string {
    return `http://${this.address}/api/v1/ws/asyncapi-3.json`;
  }

  /** Has something done, after what was asked before; answers what it says. */
  do(what: string, details: object = {}): Promise<any> {
    const answered = this.#last.then(async () => {
      this.#process.stdin.write(`${JSON.stringify({ do: what, ...details })}\n`);
      const { value, done } = await this.#answers.next();
      if (done) throw new Error("the kit has ended");
      const answer = JSON.parse(value) as { error?: string };
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer;
    });
    this.#last = answered.catch(() => {});
    return answered;
  }

  /** The process stands still, its sockets stay open. */
  pause(): void {
    this.#process.kill("SIGSTOP");
  }

  resume(): void {
    this.#process.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await ended;
  }
}
