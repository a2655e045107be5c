/**
 * A small pipeline on a real API server, with its store on a real S3 server, and the program as people call it. Operator and node are
 * played by this process; in the pods runs `s3/job.py`, or what a test says.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import { connect, type Connection } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { list } from "../orchestrator/kubernetes/list.ts";
import type { KubeObject } from "../orchestrator/kubernetes/objects.ts";
import { call } from "../orchestrator/kubernetes/call.ts";
import { filesAt } from "../orchestrator/storage/files.ts";
import type { Lease } from "../orchestrator/kubernetes/lease.ts";
import { pythonBinary, ROOT } from "../scripts/places.mjs";
import { startKubelet } from "./fake-kubelet.ts";
import { startOperator, type Conduct } from "./fake-operator.ts";
import { makePlace, write, type Place } from "./program.ts";
import { installRuns, makeNamespace, removeNamespace } from "./run-definition.ts";
import { environmentOf, startServer, type S3Server } from "./s3/server.ts";

const never = new AbortController().signal;
const IMAGE = `registry.example/spark-jobs@sha256:${"0".repeat(64)}`;

export interface ClusterShop {
  connection: Connection;
  namespace: string;
  bucket: string;
  server: S3Server;
  /** Step to what its drivers do: `hang` stays until it is stopped. Default: the job. */
  behaviours: Map<string, "hang">;
  conduct: Conduct;
  drivers(): Map<string, number>;
  /** A machine of its own: files, home, and what it needs to reach cluster and store. */
  machine(name: string): Place;
  /** Names of what there is of a run. */
  names(plural: "pods" | "sparkapplications", run: string): Promise<string[]>;
  /** Of each application of a run, whether the cluster deletes it with the run. */
  owned(run: string): Promise<boolean[]>;
  lease(run: string): Promise<Lease | undefined>;
  /** Makes the holder of a run's Lease one of a machine that nobody here can look up. */
  moveHolder(run: string): Promise<void>;
  stop(): Promise<void>;
}

export async function clusterShop(): Promise<ClusterShop> {
  const file = process.env["SPARKWRIGHT_TEST_KUBECONFIG"] ?? "";
  const connection = connect(readKubeconfig({ file }));
  const namespace = `sparkwright-shop-${randomBytes(3).toString("hex")}`;
  const [node, bucket] = [`${namespace}-node`, namespace];
  const behaviours: ClusterShop["behaviours"] = new Map();
  const conduct: Conduct = {};
  const server = await startServer();
  await server.makeBucket(bucket);
  const reach = { ...environmentOf(server.endpoint), PYTHONPATH: join(ROOT, "spark-jobs") };
  for (const [name, value] of Object.entries(reach)) vi.stubEnv(name, value);
  await installRuns(connection);
  await makeNamespace(connection, namespace);
  await send(connection, "POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "default" } });
  await filesAt("s3a://x").write(`s3a://${bucket}/raw/purchases.csv`, "a;b\n1;2\n");

  const operator = startOperator({ connection, namespace, node, conductOf: () => conduct });
  const kubelet = await startKubelet({
    connection,
    node,
    namespace,
    contentOf: ({ metadata }) => ({ command: commandOf(metadata.labels ?? {}, bucket, behaviours) }),
  });

  const of = async (plural: "pods" | "sparkapplications", run: string): Promise<KubeObject[]> => {
    const group = plural === "pods" ? "/api/v1" : "/apis/sparkoperator.k8s.io/v1beta2";
    const path = `${group}/namespaces/${namespace}/${plural}`;
    const options = { path, action: `list ${plural}`, labelSelector: `sparkwright.dev/run=${run}` };
    return (await list<KubeObject>(connection, options, never)).items;
  };

  return {
    connection,
    namespace,
    bucket,
    server,
    behaviours,
    conduct,
    drivers: () => operator.drivers,

    machine(name) {
      const place = makePlace(name);
      write(place, { ...specs(namespace, bucket), "job-specs/code/job.py": "print('hello')\n" });
      return { ...place, env: { ...place.env, KUBECONFIG: file, ...environmentOf(server.endpoint) } };
    },

    names: async (plural, run) => (await of(plural, run)).map(({ metadata }) => metadata.name),

    async owned(run) {
      const path = `/apis/sparkwright.dev/v1alpha1/namespaces/${namespace}/runs/${run}`;
      const object = await call<KubeObject>(connection, { method: "GET", path, action: "read" }, never);
      return (await of("sparkapplications", run)).map(
        ({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === object?.metadata.uid) === true,
      );
    },

    lease: (run) => call<Lease>(connection, { method: "GET", path: leasePath(namespace, run), action: "read" }, never),

    async moveHolder(run) {
      const path = leasePath(namespace, run);
      const elsewhere = { host: "elsewhere", pid: 1, bootId: "b", startTime: "1", pidNamespace: "" };
      const body = { metadata: { annotations: { "sparkwright.dev/process": JSON.stringify(elsewhere) } } };
      const contentType = "application/merge-patch+json";
      await call(connection, { method: "PATCH", path, body, contentType, action: "move" }, never);
    },

    async stop() {
      await operator.stop();
      await kubelet.stop();
      await removeNamespace(connection, namespace);
      await send(connection, "DELETE", `/api/v1/nodes/${node}`);
      await connection.close();
      await server.stop();
      vi.unstubAllEnvs();
    },
  };
}

function leasePath(namespace: string, run: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/sparkwright-run-${run}`;
}

function send(connection: Connection, method: "POST" | "DELETE", path: string, body?: object): Promise<unknown> {
  // A controller manager, where there is one, makes accounts as well.
  return call(connection, { method, path, body, action: `${method} ${path}` }, never).catch(() => undefined);
}

function commandOf(labels: Record<string, string>, bucket: string, behaviours: ClusterShop["behaviours"]): string[] {
  const [run, step, attempt] = ["run", "step", "attempt"].map((name) => labels[`sparkwright.dev/${name}`] ?? "");
  if (labels["spark-role"] === "executor" || behaviours.get(step ?? "") === "hang")
    return [process.execPath, "-e", "console.log('here I am'); setInterval(() => {}, 1000)"];
  const params = `s3a://${bucket}/runs/${run}/${step}/${attempt}/params.json`;
  return [pythonBinary(), join(import.meta.dirname, "s3/job.py"), params, "/dev/null"];
}

function specs(namespace: string, bucket: string): Record<string, string> {
  const columns = "[{ name: step, type: string }, { name: n, type: bigint }]";
  const document = (kind: string, name: string, spec: string) =>
    `apiVersion: sparkwright.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec:\n${spec.replaceAll(/^/gm, "  ")}\n`;
  return {
    "job-specs/shop.yaml": [
      document(
        "SparkJob",
        "clean",
        "code: code\nmain: job.py\ninputs: { raw: purchases }\noutputs: { table: lines }\nretry: { attempts: 1 }\ncache: false",
      ),
      document(
        "SparkJob",
        "score",
        "code: code\nmain: job.py\ninputs: { table: lines }\noutputs: { table: scores }\nretry: { attempts: 1 }",
      ),
      document("Pipeline", "shop", "jobs: [{ job: clean }, { job: score }]\npublish: [scores]"),
      document("Dataset", "purchases", "format: csv\nsource: shop\npath: purchases.csv"),
      document("Dataset", "lines", `columns: ${columns}`),
      document("Dataset", "scores", `columns: ${columns}`),
      document(
        "Target",
        "cluster",
        `backend: kubeflow\nnamespace: ${namespace}\nstorage: { root: "s3a://${bucket}" }\nimage: ${IMAGE}\n` +
          `sources: { shop: { path: "s3a://${bucket}/raw" } }\nsizes: { small: { executors: 1 } }\nperMinute: 100`,
      ),
    ].join("---\n"),
  };
}

/** For a test that leaves jobs behind. */
export function hangs(shop: ClusterShop, ...steps: string[]): void {
  for (const step of steps) shop.behaviours.set(step, "hang");
  onTestFinished(() => shop.behaviours.clear());
}
