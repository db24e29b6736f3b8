// How the page is built: onto the client's sources, with nothing inline, for a strict policy.

import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

const server = process.env["TRADING_API"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  resolve: {
    // The sources rather than the package, so that it needs no build of its own first.
    alias: { topicast: fileURLToPath(new URL("../../clients/typescript/src/index.ts", import.meta.url)) },
  },
  plugins: [
    {
      // A theme that was chosen is known to the script alone: nothing is painted before it has run.
      name: "script-before-paint",
      transformIndexHtml: { order: "post", handler: (html) => html.replace("<script ", '<script blocking="render" ') },
    },
  ],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The licence of the charts asks for its notice to be kept.
    rolldownOptions: { output: { comments: { legal: true } } },
  },
  server: {
    proxy: { "/api": { target: server, ws: true } },
  },
  test: {
    include: ["test/**/*.test.ts"],
  },
});
