/**
 * Tests that need real servers. `*.cluster.test.ts`: a Kubernetes API server; SPARKWRIGHT_TEST_KUBECONFIG names the kubeconfig of one that
 * may be written to. `*.s3.test.ts`: the S3 server versitygw, which they start themselves from the cache.
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.cluster.test.ts", "test/**/*.s3.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
