/** The kubeflow backend on a real API server, with the operator and the node played by processes of this machine. Run by vitest.cluster.config.ts. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { kubeflowBackend } from "../orchestrator/backends/kubeflow-cluster.ts";
import { obstacle } from "../orchestrator/engine/pod-obstacle.ts";
import { verdict } from "../orchestrator/engine/verdict.ts";
import { ConflictError, RejectedError } from "../orchestrator/errors.ts";
import { call } from "../orchestrator/kubernetes/call.ts";
import { list } from "../orchestrator/kubernetes/list.ts";
import { podLog } from "../orchestrator/kubernetes/pod-log.ts";
import type { Observation, SparkApp } from "../orchestrator/spark-app.ts";
import { backendContract } from "./backend.contract.ts";
import { fakeCluster } from "./fake-cluster.ts";
import { clusterTarget, sampleApp } from "./sample-app.ts";

const never = new AbortController().signal;
const cluster = fakeCluster();
const { connection, namespace, app: clusterApp, states } = cluster;
beforeAll(cluster.start);
afterAll(cluster.stop);

const remove = (path: string) => call(connection, { method: "DELETE", path, action: `delete ${path}` }, never);
const open = () => kubeflowBackend({}, { connection, graceSeconds: 1, settleMs: 300, missingMs: 500 });

backendContract("kubeflow", {
  open,
  app: (behaviour) => clusterApp(behaviour),
  patience: 8_000,
  logsGoBecause: "the log of a pod goes with the pod; its archive is written by the image's entry point",
});

const seenAs = (app: SparkApp, look: (seen: Observation | undefined) => void): Promise<Observation | undefined> =>
  vi.waitFor(
    async () => {
      const seen = await open().observe(app, never);
      look(seen);
      return seen;
    },
    { timeout: 8_000, interval: 50 },
  );

const left = async (app: SparkApp): Promise<string[]> => {
  const found = await Promise.all(
    ["pods", "services", "configmaps"].map((plural) =>
      list(connection, { path: `/api/v1/namespaces/${namespace}/${plural}`, action: `list ${plural}` }, never),
    ),
  );
  const uids = new Set(found.flatMap(({ items }) => items).map(({ metadata }) => metadata.uid));
  return found
    .flatMap(({ items }) => items)
    .filter(
      ({ metadata }) => metadata.labels?.["sparkwright.dev/run"] === app.run || metadata.name.startsWith(app.name),
    )
    .filter(({ metadata }) => uids.has(metadata.uid))
    .map(({ metadata }) => metadata.name);
};

describe("kubeflow on a real API server", () => {
  test("twenty processes that submit at once make one driver", async () => {
    const app = clusterApp("stays");
    await Promise.all(Array.from({ length: 20 }, () => open().submit(app, never)));
    await seenAs(app, (seen) => expect(seen?.phase).toBe("Running"));
    expect(cluster.drivers().get(app.name)).toBe(1);
    await open().remove(app, never);
  });

  test("an application of the same name that is not ours is neither adopted nor removed", async () => {
    const app = clusterApp("stays");
    await open().submit(app, never);
    await expect(open().submit({ ...app, digest: "other" }, never)).rejects.toThrow(ConflictError);
    const stranger = { ...app, run: "another" };
    await expect(open().submit(stranger, never)).rejects.toThrow(/not ours \(sparkwright.dev\/run is contract/);
    await expect(open().remove(stranger, never)).rejects.toThrow(ConflictError);
    expect(await open().observe(app, never)).toBeDefined();
    await open().remove(app, never);
  });

  test("a field that the operator does not know is refused, not dropped", async () => {
    const path = `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${namespace}/sparkapplications`;
    const app = clusterApp("stays");
    const manifest = open().render(app) as { spec: object };
    const body = { ...manifest, spec: { ...manifest.spec, drivr: {} } };
    const query = { fieldValidation: "Strict" };
    await expect(call(connection, { method: "POST", path, query, body, action: "create" }, never)).rejects.toThrow(
      /unknown field "spec.drivr"/,
    );
  });

  test("a namespace that is not there is named", async () => {
    const target = clusterTarget({ namespace: "nowhere" });
    await expect(open().submit(sampleApp({ target, namespace: "nowhere" }), never)).rejects.toMatchObject({
      name: "RejectedError",
      remedy: /kubectl create namespace nowhere/,
    });
  });

  test("FAILED with a live driver is not failed", async () => {
    const app = clusterApp("stays", { claims: "FAILED" });
    await open().submit(app, never);
    await seenAs(app, (seen) => expect(seen?.cluster?.application?.state).toBe("FAILED"));
    expect(await open().observe(app, never)).toMatchObject({ phase: "Running" });
    await open().remove(app, never);
  });

  test("COMPLETED with a killed driver is no success", async () => {
    const app = clusterApp("dies", { claims: "COMPLETED" });
    await open().submit(app, never);
    const seen = await seenAs(app, (now) => {
      expect(now?.phase).toBe("Ended");
      expect(now?.cluster?.application?.state).toBe("COMPLETED");
    });
    expect(seen?.exitCode).toBe(137);
    expect(seen && verdict(seen)?.class).toBe("OutOfMemory");
  });

  test("an operator that lost the events does not hide the end", async () => {
    const app = clusterApp("fails", { stuck: true });
    await open().submit(app, never);
    const seen = await seenAs(app, (now) => expect(now?.phase).toBe("Ended"));
    expect(seen).toMatchObject({ exitCode: 3, cluster: { application: { state: "SUBMITTED" } } });
  });

  test("a driver whose pod vanished is lost after a while, by the same process", async () => {
    const app = clusterApp("stays", { stuck: true });
    const backend = open();
    await backend.submit(app, never);
    await seenAs(app, (seen) =>
      expect(seen).toMatchObject({ phase: "Running", cluster: { application: { state: "SUBMITTED" } } }),
    );
    const path = `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${namespace}/sparkapplications/${app.name}/status`;
    const status = { applicationState: { state: "RUNNING" } };
    const contentType = "application/merge-patch+json";
    await call(connection, { method: "PATCH", path, body: { status }, contentType, action: "report" }, never);
    await remove(`/api/v1/namespaces/${namespace}/pods/${app.name}-driver`);
    await vi.waitFor(
      async () => {
        const seen = await backend.observe(app, never);
        expect(seen?.phase).toBe("Ended");
        expect(seen && verdict(seen)?.class).toBe("StatusLost");
      },
      { timeout: 10_000, interval: 50 },
    );
  });

  test("an end that was seen stays when pod and application are gone", async () => {
    const app = clusterApp("succeeds");
    const backend = open();
    await backend.submit(app, never);
    const end = await vi.waitFor(
      async () => {
        const seen = await backend.observe(app, never);
        expect(seen?.phase).toBe("Ended");
        return seen;
      },
      { timeout: 10_000, interval: 50 },
    );
    await open().remove(app, never);
    expect(await backend.observe(app, never)).toEqual(end);
    expect(await open().observe(app, never)).toBeUndefined();
  });

  test.for<[string, string, RegExp]>([
    [
      "QuotaExceeded",
      'failed to submit spark application: pods "x" is forbidden: exceeded quota: compute, requested: memory=2Gi, used: memory=7Gi, limited: memory=8Gi',
      /limited: memory=8Gi/,
    ],
    [
      "SubmissionFailed",
      'failed to submit spark application: Exception in thread "main" java.lang.IllegalStateException: no such thing',
      /no such thing/,
    ],
  ])("a submission that fails is %s", async ([expected, refuses, cause]) => {
    const app = clusterApp("succeeds", { refuses });
    await open().submit(app, never);
    const seen = await seenAs(app, (now) => expect(now?.phase).toBe("Ended"));
    const failure = seen && verdict(seen);
    expect(failure?.class).toBe(expected);
    expect(failure?.cause).toMatch(cause);
  });

  test.for<[string, object, boolean]>([
    ["ImagePull", { waiting: { reason: "ImagePullBackOff", message: "manifest unknown" } }, true],
    ["ConfigError", { waiting: { reason: "CreateContainerConfigError", message: 'secret "s" not found' } }, true],
  ])("a container that waits is %s", async ([expected, state, hopeless]) => {
    const app = clusterApp("succeeds");
    states.set(app.name, { state });
    await open().submit(app, never);
    const seen = await seenAs(app, (now) => expect(now && obstacle(now)).toBeDefined());
    expect(seen && obstacle(seen)).toMatchObject({ hopeless, failure: { class: expected } });
    expect(seen?.phase).toBe("Pending");
    await open().remove(app, never);
    expect(await left(app)).toEqual([]);
  });

  test("an OOM kill is told with the limit", async () => {
    const app = clusterApp("succeeds");
    const terminated = {
      exitCode: 137,
      reason: "OOMKilled",
      startedAt: "2026-11-23T00:00:00Z",
      finishedAt: "2026-11-23T00:00:01Z",
    };
    states.set(app.name, { state: { terminated }, phase: "Failed" });
    await open().submit(app, never);
    const seen = await seenAs(app, (now) => expect(now?.phase).toBe("Ended"));
    expect(seen && verdict(seen)).toMatchObject({
      class: "OutOfMemory",
      cause: expect.stringContaining("the driver was killed for memory at its limit of 64 MiB") as string,
    });
  });

  test("a driver too large for every node is told with what is missing", async () => {
    const app = clusterApp("succeeds", { unscheduled: "200Gi" });
    await open().submit(app, never);
    await vi.waitFor(async () => expect(await left(app)).toContain(`${app.name}-driver`), { timeout: 10_000 });
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message: "0/1 nodes are available: 1 Insufficient memory.",
    };
    const path = `/api/v1/namespaces/${namespace}/pods/${app.name}-driver/status`;
    const body = { status: { conditions: [condition] } };
    await call(
      connection,
      { method: "PATCH", path, body, contentType: "application/strategic-merge-patch+json", action: "report" },
      never,
    );
    const seen = await seenAs(app, (now) => expect(now && obstacle(now)).toBeDefined());
    expect(seen && obstacle(seen)?.failure).toMatchObject({ class: "Unschedulable" });
    expect(seen && obstacle(seen)?.failure.cause).toMatch(
      /asks for 200 GiB, the largest node has \d+ [GM]iB, \d+ GiB missing/,
    );
    await open().remove(app, never);
  });

  test("remove() takes executors, services and config maps with it, owned or not", async () => {
    const app = clusterApp("stays", { executors: ["owned", "orphan"] });
    await open().submit(app, never);
    await vi.waitFor(async () => expect((await left(app)).length).toBeGreaterThanOrEqual(4), { timeout: 10_000 });
    await open().remove(app, never);
    expect(await left(app)).toEqual([]);
  });

  test("remove() waits for a driver that is on its way", async () => {
    const app = clusterApp("stays", { lateMs: 700 });
    await open().submit(app, never);
    await kubeflowBackend({}, { connection, graceSeconds: 1, settleMs: 2500 }).remove(app, never);
    expect(cluster.drivers().get(app.name)).toBe(1);
    expect(await left(app)).toEqual([]);
  });

  test("a log that is followed across a pod's whole life has every line once", async () => {
    const app = clusterApp("fails");
    await open().submit(app, never);
    const source = { namespace, pod: `${app.name}-driver`, container: "spark-kubernetes-driver", follow: true };
    const lines: string[] = [];
    const ended = async () => (await open().observe(app, never))?.phase === "Ended";
    for await (const line of podLog(connection, source, { ended }, never)) lines.push(line);
    expect(lines.filter((line) => line === "started")).toHaveLength(1);
    expect(lines.at(-1)).toBe("last words");
  });

  test("a cluster without the operator says what to install", async () => {
    const path = "/apis/sparkoperator.k8s.io/v9/namespaces/default/sparkapplications";
    await expect(call(connection, { method: "GET", path, action: "list" }, never)).rejects.toThrow(RejectedError);
  });
});
