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
    // A rejection that nobody handles is a fault of the client's.
    dangerouslyIgnoreUnhandledErrors: false,
  },
});
