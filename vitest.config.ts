import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // These need an API server or an S3 server: vitest.cluster.config.ts.
    exclude: ["test/**/*.cluster.test.ts", "test/**/*.s3.test.ts"],
    testTimeout: 60_000,
    // One file waits for a driver while the other computes; by default a machine with two processors would run one at a time.
    maxWorkers: 2,
  },
});
