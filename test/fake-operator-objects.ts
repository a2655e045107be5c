/** What spark-submit and a driver make for an application, with the labels and owners that Spark gives them. */
import type { SparkApplication } from "../orchestrator/backends/kubeflow-evidence.ts";

/** As we render it. */
export interface Application extends SparkApplication {
  spec: {
    arguments?: string[];
    driver: { labels: Record<string, string>; serviceLabels?: Record<string, string>; memory: string };
    executor: { labels: Record<string, string> };
  };
}

export interface Owner {
  name: string;
  uid: string;
}

interface Place {
  node: string;
  /** Memory that no node has: the pod is never placed. */
  unscheduled?: string | undefined;
}

export function driverOf(application: Application, place: Place) {
  const { name, uid = "" } = application.metadata;
  return podOf(application, "driver", place, { name, uid }, 0);
}

/** Owned by its driver, or by nobody. */
export function executorOf(application: Application, place: Place, owner: Owner | undefined, number: number) {
  return podOf(application, "executor", place, owner, number);
}

function podOf(
  application: Application,
  role: "driver" | "executor",
  { node, unscheduled }: Place,
  owner: Owner | undefined,
  number: number,
) {
  const { name } = application.metadata;
  const memory = unscheduled ?? "64Mi";
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: role === "driver" ? `${name}-driver` : `${name}-exec-${number}`,
      labels: {
        ...application.spec[role].labels,
        "spark-role": role,
        "spark-app-name": name,
        "spark-app-selector": `spark-${application.metadata.uid}`,
        "sparkoperator.k8s.io/app-name": name,
        "sparkoperator.k8s.io/launched-by-spark-operator": "true",
        ...(role === "executor" && { "spark-exec-id": String(number) }),
      },
      ...(owner && { ownerReferences: [ownerReference(role === "driver" ? "SparkApplication" : "Pod", owner)] }),
    },
    spec: {
      ...(unscheduled === undefined ? { nodeName: node } : { schedulerName: "nobody" }),
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      containers: [
        {
          name: `spark-kubernetes-${role}`,
          image: "fake",
          args: role === "driver" ? (application.spec.arguments ?? []) : [],
          resources: { requests: { cpu: "1", memory }, limits: { memory } },
        },
      ],
    },
  };
}

export function serviceOf({ metadata, spec }: Application, owner: Owner) {
  return {
    metadata: {
      name: `${metadata.name}-driver-svc`,
      labels: spec.driver.serviceLabels,
      ownerReferences: [ownerReference("Pod", owner)],
    },
    spec: { clusterIP: "None", ports: [{ name: "driver-rpc-port", port: 7078 }] },
  };
}

/** Spark gives it no labels. */
export function configMapOf({ metadata }: Application, owner: Owner) {
  return {
    metadata: { name: `spark-drv-${metadata.uid}-conf-map`, ownerReferences: [ownerReference("Pod", owner)] },
    data: { "spark.properties": "a=b" },
  };
}

function ownerReference(kind: "Pod" | "SparkApplication", { name, uid }: Owner) {
  return { apiVersion: kind === "Pod" ? "v1" : "sparkoperator.k8s.io/v1beta2", kind, name, uid, controller: true };
}
