/** The contract of run stores on a folder; `runs.cluster.test.ts` has it on Run objects. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { UnavailableError } from "../orchestrator/errors.ts";
import { clusterStore } from "../orchestrator/storage/cluster-runs.ts";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { apiServer } from "./api-server.ts";
import { runStoreContract } from "./run-store.contract.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-runs-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

runStoreContract(
  "a folder",
  () => "default",
  async () => {
    const root = mkdtempSync(join(home, "case-"));
    return () => openFolder(root);
  },
);

test("a cluster without the definition of runs says how to install it", async () => {
  const server = await apiServer((_request, response) => {
    response.writeHead(404);
    response.end("404 page not found\n");
  });
  const store = clusterStore(server.connection, "offers", openFolder(mkdtempSync(join(home, "case-"))));
  await expect(store.listRuns()).rejects.toBeInstanceOf(UnavailableError);
  await expect(store.readRun("offers-1")).rejects.toMatchObject({
    message: `Cannot keep runs on ${server.url}: the cluster does not know Run objects`,
    remedy: "Install their definition: sparkwright crds | kubectl apply -f -",
  });
  await server.close();
});
