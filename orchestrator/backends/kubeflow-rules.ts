/** What the kubeflow operator, Kubernetes or Spark would refuse later, or accept and get wrong. Checked before anything is sent. */
import { bytesOf, mebibytes } from "../quantity.ts";
import type { SparkApp } from "../spark-app.ts";
import { looksSecret, refusalOf } from "../spec/conf.ts";

/** Spark refuses to start in less; a heap a little above its limit of 450 MiB is needed, since the virtual machine keeps some. */
const SMALLEST_HEAP_MIB = 512;
/** 63 for a label, less what Spark and the operator append to the name for executors, services and config maps. */
const LONGEST_NAME = 51;

const DIGEST = /@sha256:[0-9a-f]{64}$/;
const DNS_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const SPARK_LABELS =
  /^(spark-role|spark-app-selector|spark-exec-id|spark-exec-resourceprofile-id|spark-app-name|spark-version|sparkoperator\.k8s\.io\/.*)$/;

/** Settings that fields of the resource say, or that our pod templates make ineffective. */
const SAID_ELSEWHERE: readonly { key: RegExp; remedy: string }[] = [
  { key: /^spark\.dynamicAllocation\./, remedy: "the number of executors is executors of the size" },
  { key: /^spark\.kubernetes\.(driver|executor)\.label\./, remedy: "write labels of the target" },
  { key: /^spark\.kubernetes\.memoryOverheadFactor$/, remedy: "write memoryOverhead of the size" },
  { key: /^spark\.kubernetes\.local\.dirs\.tmpfs$/, remedy: "scratch space is a volume of the pod template" },
];

/** Findings about an application, each a sentence with what to change; none when it can be rendered. */
export function findings(app: SparkApp): string[] {
  return [
    ...ofName(app),
    ...ofImage(app),
    ...ofPaths(app),
    ...ofSize(app),
    ...ofLabels(app),
    ...ofConf(app),
    ...ofEnvironment(app),
  ];
}

function ofName({ name, namespace }: SparkApp): string[] {
  return [
    ...(DNS_1035.test(name) && name.length <= LONGEST_NAME
      ? []
      : [
          `name ${name} must be at most ${LONGEST_NAME} lower-case letters, digits and dashes, beginning with a letter`,
        ]),
    ...(DNS_1035.test(namespace) && namespace.length <= 63 ? [] : [`namespace ${namespace} is no DNS label`]),
  ];
}

function ofImage({ target }: SparkApp): string[] {
  if (target.image === undefined)
    return ["the target names no image; set image to one with Spark and the dependencies, by digest"];
  return DIGEST.test(target.image)
    ? []
    : [`image ${target.image} has no digest; write NAME@sha256:… so that every pod runs the same`];
}

function ofPaths(app: SparkApp): string[] {
  return [app.main, app.archive, app.prefix]
    .filter((path) => !/^(s3a|https|local):\/\//.test(path))
    .map((path) => `${path} cannot be reached from a pod; give the target a storage root such as s3a://bucket/folder`);
}

function ofSize({ size, ranks, conf }: SparkApp): string[] {
  const small = (["driver", "executor"] as const)
    .filter((role) => mebibytes(size[role].memory) < SMALLEST_HEAP_MIB)
    .map((role) => `${role} memory ${size[role].memory} is too little for Spark; give at least ${SMALLEST_HEAP_MIB}m`);
  const cpu = (["driver", "executor"] as const).flatMap((role) => ofCpu(role, size));
  const none = size.executors < 1 ? ["the size has no executors; give it at least 1 on a cluster"] : [];
  // A barrier stage that lacks a slot waits for ten minutes before it says so.
  const slots = size.executors * Math.floor(size.executor.cores / Number(conf["spark.task.cpus"] ?? 1));
  const few =
    ranks > slots
      ? [
          `${ranks} training ranks must run at once and the size has room for ${slots}; give it more executors, or lower ranks`,
        ]
      : [];
  return [...small, ...cpu, ...none, ...few];
}

/** Asking for more than the limit makes Spark try for ever (SPARK-52933); a share of a CPU cannot be pinned. */
function ofCpu(role: "driver" | "executor", { [role]: pod, pinned }: SparkApp["size"]): string[] {
  if (pod.coreRequest === undefined) return [];
  if (role === "executor" && pinned)
    return ["executors of a pinned size ask for whole CPUs; leave out coreRequest, or pinned"];
  return bytesOf(pod.coreRequest) <= pod.cores
    ? []
    : [`${role} coreRequest ${pod.coreRequest} is more than its cores (${pod.cores}); lower it`];
}

function ofLabels({ target }: SparkApp): string[] {
  return Object.entries(target.labels).flatMap(([key, value]) => {
    if (SPARK_LABELS.test(key)) return [`label ${key} belongs to Spark; choose another key`];
    if (!LABEL_KEY.test(key)) return [`label ${key} is no valid key`];
    return LABEL_VALUE.test(value)
      ? []
      : [`label ${key} has the value "${value}"; at most 63 letters, digits, dots, dashes and underscores are allowed`];
  });
}

function ofConf({ conf, prefix }: SparkApp): string[] {
  const fixed: Record<string, string> = {
    "spark.dynamicAllocation.enabled": "false",
    ...(prefix.startsWith("s3a://") ? { "spark.speculation": "false" } : {}),
  };
  return Object.entries(conf).flatMap(([key, value]) => {
    if (fixed[key] === value) return [];
    const elsewhere = SAID_ELSEWHERE.find((rule) => rule.key.test(key));
    if (elsewhere !== undefined) return [`conf ${key} cannot be given here: ${elsewhere.remedy}`];
    const refusal = refusalOf(key, value);
    if (refusal !== undefined) return [`conf ${key} is refused: ${refusal.why}`];
    return key in fixed ? [`conf ${key} must be ${fixed[key]}: a second copy of a task could commit twice`] : [];
  });
}

/** Variables that Spark sets itself, or that decide what code runs. */
const SPARKS_OWN = /^(SPARK_|PYSPARK_|JAVA_TOOL_OPTIONS$|LD_|HADOOP_CONF_DIR$|HOME$)/;

function ofEnvironment({ target }: SparkApp): string[] {
  return Object.entries(target.environment).flatMap(([name, value]) => {
    if (SPARKS_OWN.test(name)) return [`environment ${name} belongs to Spark; leave it out`];
    return looksSecret(name, value)
      ? [`environment ${name} looks like a secret, which everybody who sees the application would see`]
      : [];
  });
}
