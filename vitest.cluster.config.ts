/**
 * Tests that need real servers, which test/servers.ts builds. `*.cluster.test.ts`: a Kubernetes API server, one of their own or that of
 * SPARKWRIGHT_TEST_KUBECONFIG. `*.s3.test.ts`: the S3 server versitygw, which they start themselves.
 */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.cluster.test.ts", "test/**/*.s3.test.ts"],
    globalSetup: ["test/servers.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
