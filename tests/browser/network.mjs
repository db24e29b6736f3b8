// A network between a page and its server, that can be cut and can swallow what it is given.

import { connect, createServer } from "node:net";

import { origins } from "./server.mjs";

/** A network to a port of this machine; `origin` is where the server is through it. */
export async function startNetwork(target) {
  const pairs = new Set();
  let swallows = false;
  const listener = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const pair = [near, far];
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      from.on("data", (data) => swallows || to.write(data));
      from.on("error", () => {});
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  const listen = (port) => new Promise((resolve) => listener.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = listener.address();
  const origin = `http://127.0.0.1:${port}`;
  origins.add(origin);
  const reset = () => {
    for (const [near] of pairs) near.resetAndDestroy();
  };
  /** Ends every connection at once, and lets none in. */
  const cut = () =>
    new Promise((resolve) => {
      listener.close(resolve);
      reset();
    });
  return {
    origin,
    cut,
    restore: () => listen(port),
    /** From now on connections are made and stay, and nothing comes through. */
    swallow: () => (swallows = true),
    /** Lets everything through again; what has lost something is ended. */
    flow: () => {
      swallows = false;
      reset();
    },
    close: () => (listener.listening ? cut() : undefined),
  };
}
