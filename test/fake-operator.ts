/**
 * The kubeflow operator without Spark: takes up SparkApplications on a real API server, makes the objects that spark-submit makes, with the
 * labels that Spark gives them, and moves the state as the real one does, traps included (reference: its controller, v2.5.2).
 */
import { setTimeout as delay } from "node:timers/promises";
import type { SparkApplication } from "../orchestrator/backends/kubeflow-evidence.ts";
import { call } from "../orchestrator/kubernetes/call.ts";
import type { Connection } from "../orchestrator/kubernetes/connection.ts";
import type { Pod } from "../orchestrator/kubernetes/objects.ts";
import { reflector } from "../orchestrator/kubernetes/reflector.ts";

export interface Conduct {
  /** Never takes it up. */
  ignores?: boolean;
  /** Submits this late, in ms, as if its JVM took so long; also when the application is gone by then. */
  lateMs?: number;
  /** The submission fails with this message. */
  refuses?: string;
  /** Says so as soon as the driver runs, whatever is true. */
  claims?: "FAILED" | "COMPLETED";
  /** Forgets the state after SUBMITTED: its events were lost. */
  stuck?: boolean;
  /** Executors beside the driver; `orphan` is owned by nobody. */
  executors?: ("owned" | "orphan")[];
  /** No node is named, as if the scheduler had found none. */
  unscheduled?: string;
}

export interface OperatorOptions {
  connection: Connection;
  namespace: string;
  node: string;
  conductOf: (name: string) => Conduct;
}

interface Application extends SparkApplication {
  spec: {
    driver: { labels: Record<string, string>; serviceLabels?: Record<string, string>; memory: string };
    executor: { labels: Record<string, string> };
  };
}

const MERGE = "application/merge-patch+json";

export interface Operator {
  /** Drivers created, by application: more than one is a duplicate. */
  drivers: Map<string, number>;
  stop: () => Promise<void>;
}

export function startOperator(options: OperatorOptions): Operator {
  const control = new AbortController();
  const { signal } = control;
  const { connection, namespace } = options;
  const begun = new Set<string>();
  const drivers = new Map<string, number>();
  const busy: Promise<unknown>[] = [];
  const guarded = (work: Promise<unknown>) =>
    busy.push(
      work.catch((error: unknown) => {
        if (!signal.aborted) console.error(error);
      }),
    );
  const applications = reflector<Application>(connection, {
    action: "list SparkApplications",
    path: `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${namespace}/sparkapplications`,
    onChange(key) {
      const application = applications.objects.get(key);
      const uid = application?.metadata.uid ?? "";
      if (application === undefined || begun.has(uid) || application.metadata.deletionTimestamp !== undefined) return;
      begun.add(uid);
      guarded(submit(options, application, drivers, signal));
    },
  });
  const pods = reflector<Pod>(connection, {
    action: "list pods",
    path: `/api/v1/namespaces/${namespace}/pods`,
    labelSelector: "spark-role=driver",
    onChange(key) {
      const pod = pods.objects.get(key);
      if (pod !== undefined) guarded(follow(options, pod, signal));
    },
  });
  const following = [applications.run(signal), pods.run(signal)];
  return {
    drivers,
    async stop() {
      control.abort();
      await Promise.all(following);
      await Promise.allSettled(busy);
    },
  };
}

async function submit(
  options: OperatorOptions,
  application: Application,
  drivers: Map<string, number>,
  signal: AbortSignal,
) {
  const { name, uid = "" } = application.metadata;
  const conduct = options.conductOf(name);
  if (conduct.ignores === true) return;
  if (conduct.lateMs !== undefined) await delay(conduct.lateMs, undefined, { signal });
  if (conduct.refuses !== undefined) {
    await say(options, name, "SUBMISSION_FAILED", { errorMessage: conduct.refuses }, signal);
    await say(options, name, "FAILED", { errorMessage: conduct.refuses }, signal);
    return;
  }
  drivers.set(name, (drivers.get(name) ?? 0) + 1);
  const driver = await create<Pod>(options, "pods", podOf(options, application, "driver", { name, uid }), signal);
  const owner = { name: driver.metadata.name, uid: driver.metadata.uid ?? "" };
  await create(options, "services", serviceOf(application, owner), signal);
  await create(options, "configmaps", configMapOf(application, owner), signal);
  for (const [at, kind] of (conduct.executors ?? []).entries()) {
    const pod = podOf(options, application, "executor", kind === "owned" ? owner : undefined, at + 1);
    await create(options, "pods", pod, signal);
  }
  await say(options, name, "SUBMITTED", { podName: owner.name }, signal);
}

/** The state follows the phase of the driver's pod. */
async function follow(options: OperatorOptions, pod: Pod, signal: AbortSignal): Promise<void> {
  const name = pod.metadata.labels?.["sparkoperator.k8s.io/app-name"] ?? "";
  const conduct = options.conductOf(name);
  if (conduct.stuck === true) return;
  const phase = pod.status?.phase;
  if (phase === "Running")
    await say(options, name, conduct.claims ?? "RUNNING", { podName: pod.metadata.name }, signal);
  if (phase !== "Succeeded" && phase !== "Failed") return;
  const isGood = conduct.claims === "COMPLETED" || (conduct.claims === undefined && phase === "Succeeded");
  await say(options, name, isGood ? "SUCCEEDING" : "FAILING", {}, signal);
  await say(
    options,
    name,
    isGood ? "COMPLETED" : "FAILED",
    isGood ? {} : { errorMessage: "driver container failed" },
    signal,
  );
}

async function say(
  { connection, namespace }: OperatorOptions,
  name: string,
  state: string,
  { errorMessage, podName }: { errorMessage?: string; podName?: string },
  signal: AbortSignal,
): Promise<void> {
  const submitted = state !== "SUBMISSION_FAILED" && errorMessage === undefined;
  const status = {
    applicationState: { state, ...(errorMessage && { errorMessage }) },
    driverInfo: podName ? { podName } : {},
    submissionAttempts: 1,
    ...(submitted && { executionAttempts: 1 }),
    ...(/COMPLETED|FAILED/.test(state) && { terminationTime: new Date().toISOString() }),
  };
  const path = `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${namespace}/sparkapplications/${name}/status`;
  await call(
    connection,
    { method: "PATCH", path, body: { status }, contentType: MERGE, action: `report ${name}` },
    signal,
  );
}

async function create<T>(
  { connection, namespace }: OperatorOptions,
  plural: string,
  body: object,
  signal: AbortSignal,
): Promise<T> {
  const path = `/api/v1/namespaces/${namespace}/${plural}`;
  return (await call<T>(connection, { method: "POST", path, body, action: `create ${plural}` }, signal)) as T;
}

interface Owner {
  name: string;
  uid: string;
}

function podOf(
  options: OperatorOptions,
  application: Application,
  role: "driver" | "executor",
  owner: Owner | undefined,
  number = 0,
) {
  const { name } = application.metadata;
  const { unscheduled } = options.conductOf(name);
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
      ...(unscheduled === undefined ? { nodeName: options.node } : { schedulerName: "nobody" }),
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 5,
      automountServiceAccountToken: false,
      containers: [
        {
          name: `spark-kubernetes-${role}`,
          image: "fake",
          resources: {
            requests: { cpu: "1", memory: unscheduled ?? "64Mi" },
            limits: { memory: unscheduled ?? "64Mi" },
          },
        },
      ],
    },
  };
}

function serviceOf({ metadata, spec }: Application, owner: Owner) {
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
function configMapOf({ metadata }: Application, owner: Owner) {
  return {
    metadata: { name: `spark-drv-${metadata.uid}-conf-map`, ownerReferences: [ownerReference("Pod", owner)] },
    data: { "spark.properties": "a=b" },
  };
}

function ownerReference(kind: "Pod" | "SparkApplication", { name, uid }: Owner) {
  return { apiVersion: kind === "Pod" ? "v1" : "sparkoperator.k8s.io/v1beta2", kind, name, uid, controller: true };
}
