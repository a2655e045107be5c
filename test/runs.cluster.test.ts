/** Runs as objects of a real API server. Run by vitest.cluster.config.ts. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { clusterStore } from "../orchestrator/storage/cluster-runs.ts";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { installRuns, makeNamespace, removeNamespace } from "./run-definition.ts";
import { runStoreContract } from "./run-store.contract.ts";

const file = process.env["SPARKWRIGHT_TEST_KUBECONFIG"];
const connection = connect(readKubeconfig({ file }));
const home = mkdtempSync(join(tmpdir(), "sparkwright-runs-"));
const namespaces: string[] = [];

async function freshNamespace(): Promise<string> {
  const name = `sparkwright-runs-${randomBytes(3).toString("hex")}`;
  await makeNamespace(connection, name);
  namespaces.push(name);
  return name;
}

beforeAll(() => installRuns(connection));
afterAll(async () => {
  for (const name of namespaces) await removeNamespace(connection, name);
  await connection.close();
  rmSync(home, { recursive: true, force: true });
});

runStoreContract(
  "a cluster",
  () => namespaces.at(-1) ?? "",
  async () => {
    const namespace = await freshNamespace();
    const root = mkdtempSync(join(home, "case-"));
    return () => clusterStore(connection, namespace, openFolder(root));
  },
);
