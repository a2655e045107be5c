import { describe, expect, test } from "vitest";
import { kubeflow } from "../orchestrator/backends/kubeflow.ts";
import { RejectedError } from "../orchestrator/errors.ts";
import { applicationName } from "../orchestrator/names.ts";
import type { Size, SparkApp } from "../orchestrator/spark-app.ts";
import { Target } from "../orchestrator/kinds/target.ts";
import { yaml } from "../orchestrator/report/format.ts";
import type { Json } from "../orchestrator/json.ts";
import { plannedApps } from "./planned-apps.ts";
import { clusterTarget, DIGEST, sampleApp } from "./sample-app.ts";

const sizeOf = (size: object): Size => {
  const { train } = Target.parse({ storage: { root: "s3a://b" }, sizes: { train: size } }).sizes;
  if (train === undefined) throw new Error("parsed without its size");
  return train;
};

const { image: _, ...imageless } = clusterTarget();

const TRAIN = sizeOf({
  driver: { cores: 2, memory: "4g" },
  executor: { cores: 8, memory: "8g", memoryOverhead: "8g" },
  executors: 2,
  pinned: true,
  amx: true,
});

/** What the tests look at, typed loosely: the operator's own schema is the judge of shapes. */
interface Manifest {
  metadata: { name: string; labels: Record<string, string> };
  spec: {
    sparkConf: Record<string, string>;
    driver: Pod;
    executor: Pod & { instances: number; deleteOnTermination: boolean };
    [field: string]: unknown;
  };
}
interface Pod {
  cores: number;
  coreRequest: string;
  coreLimit: string;
  memory: string;
  memoryOverhead: string;
  labels: Record<string, string>;
  serviceLabels?: Record<string, string>;
  template: { spec: PodSpec };
}
interface Mount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
}
interface PodSpec {
  enableServiceLinks: boolean;
  securityContext: Record<string, unknown>;
  affinity?: object;
  containers: { name: string; securityContext: Record<string, unknown>; volumeMounts: Mount[] }[];
  volumes: { name: string; emptyDir?: { medium?: string }; persistentVolumeClaim?: object }[];
}

const render = (more: Partial<SparkApp> = {}) => kubeflow.render(sampleApp(more)) as Manifest;
const training = (more: Partial<SparkApp> = {}) =>
  render({ size: TRAIN, ranks: 2, conf: { "spark.task.cpus": "8" }, ...more });

describe("kubeflow.render()", () => {
  test("says every field that only the operator's webhook would fill in", () => {
    const { spec } = render();
    expect(spec).toMatchObject({ type: "Python", mode: "cluster", restartPolicy: { type: "Never" } });
    expect(spec.timeToLiveSeconds).toBeGreaterThan(0);
    expect(spec.executor).toMatchObject({ instances: 2, cores: 1, memory: "1g", deleteOnTermination: false });
    expect(spec.driver).toMatchObject({ cores: 1, memory: "1g", serviceAccount: "spark" });
  });

  test("uses no field that needs the webhook", () => {
    const needing = [
      "affinity",
      "tolerations",
      "env",
      "envFrom",
      "volumeMounts",
      "securityContext",
      "podSecurityContext",
      "sidecars",
    ];
    const { spec } = training();
    expect(spec).not.toHaveProperty("volumes");
    for (const field of needing) {
      expect(spec.driver).not.toHaveProperty(field);
      expect(spec.executor).not.toHaveProperty(field);
    }
  });

  test.for(["driver", "executor"] as const)("gives the %s a pod that the restricted profile admits", (role) => {
    const pod = render().spec[role].template.spec;
    expect(pod.enableServiceLinks).toBe(false);
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 185,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod.containers.map((c) => c.name)).toEqual([`spark-kubernetes-${role}`]);
    expect(pod.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod.volumes.map((v) => v.name)).toEqual(["tmp", "work-dir", "spark-local-dir-1"]);
  });

  test.for(["driver", "executor"] as const)("mounts on the %s exactly the volumes it declares", (role) => {
    const pod = training().spec[role].template.spec;
    expect(pod.containers[0]?.volumeMounts.map((m) => m.name)).toEqual(pod.volumes.map((v) => v.name));
  });

  test("asks for whole CPUs equal to their limit only when the size is pinned", () => {
    expect(training().spec.executor).toMatchObject({ coreRequest: "8", coreLimit: "8" });
    expect(render().spec.executor).toMatchObject({ coreRequest: "1", coreLimit: "2" });
    expect(training().spec.driver).toMatchObject({ coreRequest: "2", coreLimit: "3" });
  });

  test("requires AMX nodes for executors only, and only when the size says so", () => {
    const { executor, driver } = training().spec;
    expect(JSON.stringify(executor.template.spec.affinity)).toContain("feature.node.kubernetes.io/cpu-cpuid.AMXBF16");
    expect(driver.template.spec.affinity).toBeUndefined();
    expect(render().spec.executor.template.spec.affinity).toBeUndefined();
  });

  test("asks for the share of a CPU that the size says, and limits it by its cores all the same", () => {
    const size = sizeOf({ driver: { coreRequest: "500m" }, executor: { cores: 2, coreRequest: "250m" } });
    expect(render({ size }).spec.driver).toMatchObject({ cores: 1, coreRequest: "500m", coreLimit: "2" });
    expect(render({ size }).spec.executor).toMatchObject({ cores: 2, coreRequest: "250m", coreLimit: "3" });
  });

  test("gives each training rank the threads of its task and the network of its pod", () => {
    expect(training().spec.sparkConf).toMatchObject({
      "spark.executorEnv.OMP_NUM_THREADS": "8",
      "spark.executorEnv.GLOO_SOCKET_IFNAME": "eth0",
    });
    const other = clusterTarget({ environment: { GLOO_SOCKET_IFNAME: "net1" } });
    expect(training({ target: other }).spec.sparkConf).toHaveProperty(["spark.executorEnv.GLOO_SOCKET_IFNAME"], "net1");
    expect(training({ conf: { "spark.task.cpus": "4" } }).spec.sparkConf).toHaveProperty(
      ["spark.executorEnv.OMP_NUM_THREADS"],
      "4",
    );
    expect(render().spec.sparkConf).not.toHaveProperty(["spark.executorEnv.OMP_NUM_THREADS"]);
  });

  test("binds threads only where CPUs are the pod's own", () => {
    expect(training().spec.sparkConf).toHaveProperty(["spark.executorEnv.KMP_AFFINITY"]);
    const shared = training({ size: { ...TRAIN, pinned: false } });
    expect(shared.spec.sparkConf).not.toHaveProperty(["spark.executorEnv.KMP_AFFINITY"]);
  });

  test("gives training executors shared memory within their overhead", () => {
    expect(training().spec.executor.template.spec.volumes).toContainEqual({
      name: "dshm",
      emptyDir: { medium: "Memory", sizeLimit: "2048Mi" },
    });
    expect(render().spec.executor.template.spec.volumes.map((v) => v.name)).not.toContain("dshm");
  });

  test.for([
    ["1g", undefined, "409m"],
    ["512m", undefined, "384m"],
    ["8g", undefined, "3276m"],
    ["8g", "2g", "2048m"],
  ] as const)("memory %s with overhead %s asks for %s beside the heap", ([memory, memoryOverhead, expected]) => {
    const size = sizeOf({ executor: { memory, ...(memoryOverhead && { memoryOverhead }) }, executors: 1 });
    expect(render({ size }).spec.executor.memoryOverhead).toBe(expected);
  });

  test("uses the magic committer on S3A", () => {
    expect(render().spec.sparkConf).toMatchObject({
      "spark.hadoop.fs.s3a.committer.name": "magic",
      "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
    });
  });

  test("labels pods like the application, so that they are found when it is gone", () => {
    const { metadata, spec } = render({
      target: clusterTarget({ labels: { team: "offers", "sparkwright.dev/run": "forged" } }),
    });
    for (const labels of [metadata.labels, spec.driver.labels, spec.driver.serviceLabels, spec.executor.labels]) {
      expect(labels).toMatchObject({
        team: "offers",
        "sparkwright.dev/run": "offers-1",
        "sparkwright.dev/attempt": "1",
      });
    }
  });

  test("names its Kueue queue on the application alone", () => {
    const { metadata, spec } = render({ target: clusterTarget({ queue: "offers" }) });
    expect(metadata.labels).toHaveProperty(["kueue.x-k8s.io/queue-name"], "offers");
    expect(spec.driver.labels).not.toHaveProperty(["kueue.x-k8s.io/queue-name"]);
  });

  test("keeps the longest name Spark builds from it within a label", () => {
    const name = applicationName("a".repeat(40) + "-100000", "b".repeat(40), 12);
    expect(`${render({ name }).metadata.name}-exec-99999`.length).toBeLessThanOrEqual(63);
  });

  test("tells everything that is wrong in one go", () => {
    expect(() => render({ target: clusterTarget({ image: "spark:4" }), conf: { "spark.master": "local" } })).toThrow(
      /has no digest.*; conf spark\.master is refused/,
    );
  });
});

/** Rules of the operator and of Spark, each with an input that breaks only this one and what the message must name. */
const REFUSED: [string, Partial<SparkApp>, string][] = [
  ["a name too long for what Spark appends", { name: "a".repeat(52) }, "at most 51"],
  ["a name that begins with a digit", { name: "1-features" }, "beginning with a letter"],
  ["a namespace that is no label", { namespace: "Offers" }, "namespace Offers"],
  ["no image", { target: imageless }, "names no image"],
  ["an image by tag", { target: clusterTarget({ image: "registry.example/spark:4.1" }) }, "no digest"],
  ["a cut digest", { target: clusterTarget({ image: `spark@${DIGEST.slice(0, -1)}` }) }, "no digest"],
  ["code on the laptop's disk", { main: "/home/ann/jobs/features.py" }, "cannot be reached from a pod"],
  ["documents on the laptop's disk", { prefix: "file:///tmp/1" }, "cannot be reached from a pod"],
  [
    "an executor too small for Spark",
    { size: sizeOf({ executor: { memory: "400m" }, executors: 1 }) },
    "executor memory 400m",
  ],
  [
    "a driver too small for Spark",
    { size: sizeOf({ driver: { memory: "511m" }, executors: 1 }) },
    "driver memory 511m",
  ],
  [
    "more CPU than cores",
    { size: sizeOf({ executor: { cores: 2, coreRequest: "2500m" }, executors: 1 }) },
    "executor coreRequest 2500m is more than its cores (2)",
  ],
  [
    "a share of a pinned CPU",
    { size: sizeOf({ executor: { cores: 2, coreRequest: "1" }, executors: 1, pinned: true }) },
    "executors of a pinned size ask for whole CPUs",
  ],
  ["a size without executors", { size: sizeOf({ executors: 0 }) }, "no executors"],
  [
    "more ranks than slots",
    { size: TRAIN, ranks: 3, conf: { "spark.task.cpus": "8" } },
    "3 training ranks must run at once",
  ],
  ["task CPUs no executor has", { size: TRAIN, ranks: 1, conf: { "spark.task.cpus": "9" } }, "room for 0"],
  ["a label of Spark", { target: clusterTarget({ labels: { "spark-role": "driver" } }) }, "belongs to Spark"],
  [
    "a label of the operator",
    { target: clusterTarget({ labels: { "sparkoperator.k8s.io/app-name": "x" } }) },
    "belongs to Spark",
  ],
  ["a label value that is too long", { target: clusterTarget({ labels: { team: "x".repeat(64) } }) }, "label team"],
  ["a label value with a space", { target: clusterTarget({ labels: { team: "a b" } }) }, 'value "a b"'],
  ["a label key with a space", { target: clusterTarget({ labels: { "a b": "x" } }) }, "no valid key"],
  [
    "a secret in a variable",
    { target: clusterTarget({ environment: { AWS_SECRET_ACCESS_KEY: "hunter2" } }) },
    "secret",
  ],
  ["a variable of Spark", { target: clusterTarget({ environment: { SPARK_HOME: "/x" } }) }, "belongs to Spark"],
  ["spark.master", { conf: { "spark.master": "local" } }, "spark.master"],
  ["an image in conf", { conf: { "spark.kubernetes.container.image": "x" } }, "container.image"],
  [
    "a service account in conf",
    { conf: { "spark.kubernetes.authenticate.driver.serviceAccountName": "admin" } },
    "serviceAccountName",
  ],
  ["memory in conf", { conf: { "spark.executor.memory": "1g" } }, "spark.executor.memory"],
  ["instances in conf", { conf: { "spark.executor.instances": "9" } }, "spark.executor.instances"],
  [
    "a memory factor beside the overhead",
    { conf: { "spark.kubernetes.memoryOverheadFactor": "0.5" } },
    "memoryOverhead of the size",
  ],
  ["dynamic allocation", { conf: { "spark.dynamicAllocation.enabled": "true" } }, "executors of the size"],
  ["a label in conf", { conf: { "spark.kubernetes.driver.label.team": "x" } }, "labels of the target"],
  ["a secret key", { conf: { "spark.hadoop.fs.s3a.secret.key": "hunter2" } }, "secret"],
  ["speculation on object storage", { conf: { "spark.speculation": "true" } }, "commit twice"],
];

describe("kubeflow.render() refuses", () => {
  test.for(REFUSED)("%s", ([, more, named]) => {
    expect(() => render(more)).toThrow(RejectedError);
    expect(() => render(more)).toThrow(named);
    expect(() => render(more)).not.toThrow("hunter2");
  });
});

test.for(plannedApps("cluster", "s3a://sparkwright").map((app) => [app.step, app] as const))(
  "kubeflow renders %s",
  async ([step, app]) => {
    // The digest changes with every setting of the job, which is not the renderer's business.
    const sent = kubeflow.render({ ...app, digest: "d".repeat(64) });
    await expect(yaml(sent as Json)).toMatchFileSnapshot(`golden/kubeflow/${step}.yaml`);
  },
);
