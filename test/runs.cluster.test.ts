/** Runs as objects of a real API server. Run by vitest.cluster.config.ts. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../orchestrator/kubernetes/connection.ts";
import { ConflictError, RejectedError } from "../orchestrator/errors.ts";
import { call } from "../orchestrator/kubernetes/call.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { clusterStore } from "../orchestrator/storage/cluster-runs.ts";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { collectGarbage } from "../orchestrator/storage/garbage.ts";
import type { RunObject } from "../orchestrator/storage/run-object.ts";
import { createRun, fullStatus, runStoreContract } from "./run-store.contract.ts";
import { installRuns, makeNamespace, removeNamespace } from "./run-definition.ts";

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

describe("a Run object", () => {
  const never = new AbortController().signal;
  const opened = async () => {
    const namespace = await freshNamespace();
    const base = openFolder(mkdtempSync(join(home, "case-")));
    const open = () => clusterStore(connection, namespace, base);
    const { name } = await createRun(open(), namespace);
    const path = `/apis/sparkwright.dev/v1alpha1/namespaces/${namespace}/runs/${name}`;
    const read = () => call<RunObject>(connection, { method: "GET", path, action: "read" }, never);
    return { namespace, base, open, name, path, read };
  };

  test.for([
    ["its plan", { plan: "{}" }],
    ["who drives it", { drivenBy: "controller" }],
    ["its parameters", { params: { text: "other" } }],
    ["a pinned version", { pinned: { raw: "v-9" } }],
  ])("cannot be changed: %s", async ([, spec]) => {
    const { path } = await opened();
    const contentType = "application/merge-patch+json";
    const patched = call(connection, { method: "PATCH", path, body: { spec }, contentType, action: "change" }, never);
    await expect(patched).rejects.toThrow(/a run cannot be changed/);
    await expect(patched).rejects.toBeInstanceOf(RejectedError);
  });

  test("takes no status that its definition does not know", async () => {
    const { path } = await opened();
    const request = { method: "PATCH", path: `${path}/status`, query: { fieldValidation: "Strict" } } as const;
    const body = { status: { phaze: "Running" } };
    const contentType = "application/merge-patch+json";
    await expect(call(connection, { ...request, body, contentType, action: "write" }, never)).rejects.toThrow(/phaze/);
  });

  test("takes nothing more from a driver whose place was taken, whether or not the new one has written", async () => {
    const { namespace, open, name, read } = await opened();
    const [first, second] = [open(), open()];
    const old = await first.lockRun(name);
    await first.writeStatus(old, fullStatus(1));
    const contentType = "application/merge-patch+json";
    const elsewhere = { host: "elsewhere", pid: 1, bootId: "b", startTime: "1", pidNamespace: "" };
    const body = { metadata: { annotations: { "sparkwright.dev/process": JSON.stringify(elsewhere) } } };
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/sparkwright-run-${name}`;
    await call(connection, { method: "PATCH", path: lease, body, contentType, action: "move" }, never);
    await expect(second.lockRun(name)).rejects.toThrow(/holds it/);
    const now = await second.lockRun(name, { force: true });
    await expect(first.writeStatus(old, fullStatus(2))).rejects.toThrow(/has taken over/);
    await expect(old.assertHeld()).rejects.toBeInstanceOf(ConflictError);
    expect((await second.writeStatus(now, fullStatus(2))).revision).toBe(3);
    await expect(first.writeStatus(old, fullStatus(3))).rejects.toBeInstanceOf(ConflictError);
    await old.release();
    await now.assertHeld();
    expect((await read())?.status).toMatchObject({ revision: 3, driver: { term: 2 }, progress: "0/2" });
    await now.release();
  });

  test("of an earlier name leaves documents that no other run takes for its own", async () => {
    const { namespace, base, open, name, path } = await opened();
    await base.disk.write(join(base.attemptFolder(name, "one", 1), "params.json"), "{}");
    await call(connection, { method: "DELETE", path, action: "delete" }, never);
    await expect(createRun(open(), namespace, name)).rejects.toThrow(/holds documents of an earlier one/);
    expect((await createRun(open(), namespace)).name).toBe("offers-3");
  });

  test("keeps its data from a gc that does not know it", async () => {
    const { base, open, name, namespace } = await opened();
    const options = { dryRun: true, now: Date.now() };
    await expect(collectGarbage(base, options)).rejects.toThrow(`run ${name} is an object in namespace ${namespace}`);
    expect(await collectGarbage({ ...open(), cluster: { namespace } }, options)).toEqual([]);
  });
});
