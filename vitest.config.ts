import { defineConfig } from "vitest/config";

// Cross-package imports go through each package's exports to dist: run `npm run build` first.
export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "e2e/**/*.test.ts",
      "examples/**/*.test.ts",
      "bench/**/*.test.ts",
      "scripts/**/*.test.mjs",
    ],
    exclude: ["**/node_modules/**", "**/dist/**"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    teardownTimeout: 10_000,
    allowOnly: false,
  },
});
