/** Before the tests of vitest.cluster.config.ts: builds the servers that are not there yet and starts an API server; ends it after them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startControlPlane } from "./control-plane.ts";
import { build } from "./testbed/build.ts";

/** An API server with its store, what applies manifests to it, and S3. */
const SERVERS = ["etcd", "kube-apiserver", "kubectl", "versitygw"] as const;

/** With SPARKWRIGHT_TEST_KUBECONFIG the tests use that cluster, which they may write to, and no API server is started. */
export async function setup(): Promise<() => Promise<void>> {
  await build(SERVERS);
  if (process.env["SPARKWRIGHT_TEST_KUBECONFIG"] !== undefined) return () => Promise.resolve();
  const folder = mkdtempSync(join(tmpdir(), "sparkwright-control-plane-"));
  const plane = await startControlPlane(folder);
  process.env["SPARKWRIGHT_TEST_KUBECONFIG"] = plane.kubeconfig;
  return async () => {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}
