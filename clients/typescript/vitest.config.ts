// Every test runs in a process of its own that can collect garbage on demand.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/build.ts"],
    pool: "forks",
    execArgv: ["--expose-gc"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    unstubGlobals: true,
    // An unhandled rejection is a defect of the client.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
