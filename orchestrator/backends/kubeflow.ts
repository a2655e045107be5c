/** @module Renders an application as a SparkApplication of the kubeflow operator. Every field that its webhook would fill in is said here. */
import { RejectedError } from "../errors.ts";
import { API_VERSION } from "../kinds/fields.ts";
import { ANNOTATION, LABEL } from "../names.ts";
import type { SparkApp } from "../spark-app.ts";
import type { Renderer } from "./backend.ts";
import { overheadMib, podTemplate } from "./kubeflow-pods.ts";
import { findings } from "./kubeflow-rules.ts";

/** Ended applications are kept this long for people to look at; the attempt's documents stay longer. */
const KEPT_SECONDS = 24 * 60 * 60;
/** What a pod's own network interface is called, by convention of the network plug-ins; `environment` of a target may name another. */
const POD_INTERFACE = "eth0";

export const kubeflow: Renderer = {
  name: "kubeflow",

  /** Throws RejectedError, with every finding, for what would be refused or go wrong later. */
  render(app) {
    const found = findings(app);
    if (found.length > 0) {
      throw new RejectedError(`Cannot render ${app.job} for the kubeflow operator: ${found.join("; ")}`, {
        remedy: "Change the target or the size that the job names",
      });
    }
    return sparkApplication(app);
  },
};

function sparkApplication(app: SparkApp) {
  const { target, size } = app;
  return {
    apiVersion: "sparkoperator.k8s.io/v1beta2",
    kind: "SparkApplication",
    metadata: {
      name: app.name,
      namespace: app.namespace,
      labels: { ...labels(app), ...(target.queue === undefined ? {} : { "kueue.x-k8s.io/queue-name": target.queue }) },
      annotations: { [ANNOTATION.digest]: app.digest },
      ...(app.runUid === undefined
        ? {}
        : { ownerReferences: [{ apiVersion: API_VERSION, kind: "Run", name: app.run, uid: app.runUid }] }),
    },
    spec: {
      type: "Python",
      pythonVersion: "3",
      mode: "cluster",
      sparkVersion: target.sparkVersion,
      image: target.image,
      // A digest never changes its content.
      imagePullPolicy: "IfNotPresent",
      ...(target.imagePullSecrets.length === 0 ? {} : { imagePullSecrets: target.imagePullSecrets }),
      mainApplicationFile: app.main,
      arguments: [`${app.prefix}/params.json`],
      deps: { pyFiles: [app.archive] },
      // Attempts are numbered and counted by the control plane; the operator must make none of its own.
      restartPolicy: { type: "Never" },
      timeToLiveSeconds: KEPT_SECONDS,
      sparkConf: sparkConf(app),
      driver: {
        ...resources(size.driver, false),
        serviceAccount: target.serviceAccount,
        labels: labels(app),
        serviceLabels: labels(app),
        template: podTemplate(app, "driver"),
      },
      executor: {
        instances: size.executors,
        ...resources(size.executor, size.pinned),
        serviceAccount: target.serviceAccount,
        // Kept until the end of the application: the last words of a failed executor are evidence.
        deleteOnTermination: false,
        labels: labels(app),
        template: podTemplate(app, "executor"),
      },
    },
  };
}

/** What ties every object to run, step and attempt; the target's own labels cannot replace these. */
export function labels(app: SparkApp): Record<string, string> {
  return {
    ...app.target.labels,
    [LABEL.managedBy]: "sparkwright",
    [LABEL.run]: app.run,
    [LABEL.step]: app.step,
    [LABEL.attempt]: String(app.attempt),
    [LABEL.job]: app.job,
    [LABEL.kind]: app.kind,
  };
}

/**
 * Pinned pods ask for as much as they may use, in whole CPUs, so that a static CPU manager gives them CPUs of their own. Others
 * may use one CPU more than their tasks, for the virtual machine; that also keeps them from being pinned.
 */
function resources(pod: SparkApp["size"]["driver"], pinned: boolean) {
  return {
    cores: pod.cores,
    coreRequest: pinned ? String(pod.cores) : (pod.coreRequest ?? String(pod.cores)),
    coreLimit: String(pinned ? pod.cores : pod.cores + 1),
    memory: pod.memory,
    memoryOverhead: `${overheadMib(pod)}m`,
  };
}

/** Spark gives up an API server that has not answered for 10 s, and with it the submission or the executors: a busy one may take longer. */
const PATIENCE = {
  "spark.kubernetes.submission.connectionTimeout": "60000",
  "spark.kubernetes.submission.requestTimeout": "60000",
  "spark.kubernetes.driver.connectionTimeout": "60000",
  "spark.kubernetes.driver.requestTimeout": "60000",
};

/** Sorted, since order means nothing to Spark and much to a reviewer. */
function sparkConf(app: SparkApp): Record<string, string> {
  const conf = {
    ...PATIENCE,
    ...committer(app),
    ...(app.ranks > 0 ? training(app) : {}),
    ...environment(app),
    ...app.conf,
  };
  return Object.fromEntries(Object.entries(conf).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Variables of the target, for both roles. */
function environment({ target }: SparkApp): Record<string, string> {
  const of = (prefix: string) => Object.entries(target.environment).map(([name, value]) => [prefix + name, value]);
  return Object.fromEntries([...of("spark.kubernetes.driverEnv."), ...of("spark.executorEnv.")]) as Record<
    string,
    string
  >;
}

/** Files appear in the bucket when their task commits, without renames. Needs the spark-hadoop-cloud jar in the image. */
function committer({ prefix }: SparkApp): Record<string, string> {
  if (!prefix.startsWith("s3a://")) return {};
  return {
    "spark.hadoop.fs.s3a.committer.name": "magic",
    "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory",
    "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
    "spark.sql.parquet.output.committer.class": "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
  };
}

/** Threads and network of the ranks, which are processes of torchrun; what the barrier stage needs is in the plan's settings. */
function training({ size, conf }: SparkApp): Record<string, string> {
  return {
    "spark.executorEnv.OMP_NUM_THREADS": conf["spark.task.cpus"] ?? String(size.executor.cores),
    // Gloo takes the first interface it finds, which may be one that other pods cannot reach.
    "spark.executorEnv.GLOO_SOCKET_IFNAME": POD_INTERFACE,
    // Binding threads is only right where the CPUs are the pod's own; else every pod would bind to the same ones.
    ...(size.pinned
      ? { "spark.executorEnv.KMP_AFFINITY": "granularity=fine,compact,1,0", "spark.executorEnv.KMP_BLOCKTIME": "1" }
      : {}),
  };
}
