// Tests of a page that is watched: no errors in the console, violations of the policy, other hosts.

import { test as base, expect } from "@playwright/test";

import { origins } from "./server.mjs";

export { expect };

/** What must not happen on any page of a test, in words. */
class Faults {
  #found = [];
  #expected = [];

  add(fault) {
    this.#found.push(fault);
  }

  /** Faults that a test brings about itself. */
  expect(...patterns) {
    this.#expected.push(...patterns);
  }

  /** Those of a server or network that is cut off while a page needs it. */
  expectCuts() {
    this.expect(/^console: .*(net::ERR_|WebSocket connection to)/, /^failed: .*net::ERR_/);
  }

  get unexpected() {
    return this.#found.filter((fault) => !this.#expected.some((pattern) => pattern.test(fault)));
  }

  matching(pattern) {
    return this.#found.filter((fault) => pattern.test(fault));
  }
}

const isOwn = (url) => {
  const { protocol, origin } = new URL(url);
  return !/^(http|ws)s?:$/.test(protocol) || origins.has(origin.replace(/^ws/, "http"));
};

export const test = base.extend({
  faults: [
    async ({ context }, use) => {
      const faults = new Faults();
      context.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) faults.add(`console: ${message.text()}`);
      });
      context.on("weberror", (error) => faults.add(`error: ${error.error().message}`));
      context.on("request", (request) => isOwn(request.url()) || faults.add(`other host: ${request.url()}`));
      context.on("requestfailed", (request) => faults.add(`failed: ${request.url()} ${request.failure()?.errorText}`));
      context.on("response", (response) => response.status() >= 400 && faults.add(`${response.status()}: ${response.url()}`));
      context.on("page", (page) => {
        page.on("websocket", (socket) => isOwn(socket.url()) || faults.add(`other host: ${socket.url()}`));
      });
      await context.exposeFunction("reportViolation", (text) => faults.add(`policy: ${text}`));
      await context.addInitScript(() => {
        addEventListener("securitypolicyviolation", (event) => {
          globalThis.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
        });
      });
      await use(faults);
      expect(faults.unexpected).toEqual([]);
    },
    { auto: true },
  ],
});
