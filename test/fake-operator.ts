/**
 * The kubeflow operator without Spark: takes up SparkApplications on a real API server, makes the objects that spark-submit makes, and
 * moves the state as the real one does, traps included (its controller, v2.5.2). It also does what the garbage collector would do for it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { call } from "../orchestrator/kubernetes/call.ts";
import type { Connection } from "../orchestrator/kubernetes/connection.ts";
import type { Pod } from "../orchestrator/kubernetes/objects.ts";
import { reflector } from "../orchestrator/kubernetes/reflector.ts";
import { type Application, configMapOf, driverOf, executorOf, serviceOf } from "./fake-operator-objects.ts";

export interface Conduct {
  /** Never takes it up. */
  ignores?: boolean;
  /** Submits this late, in ms, as if its JVM took so long; also when the application is gone by then. */
  lateMs?: number;
  /** Each state is written this late, in ms. */
  saysLateMs?: number;
  /** Submits, and loses every state it wanted to write: none is ever seen. */
  mute?: boolean;
  /** The submission fails with this message. */
  refuses?: string;
  /** Was killed before it wrote that it had submitted: submits anew, meets the pod, and says FAILED while the driver runs. */
  resubmits?: boolean;
  /** Says so as soon as the driver runs, whatever is true. */
  claims?: "FAILED" | "COMPLETED";
  /** Forgets the state after SUBMITTED: its events were lost. */
  stuck?: boolean;
  /** Deletes the application, and with it all that it made, as soon as it is over: its time to live is nothing. */
  forgets?: boolean;
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

export interface Operator {
  /** Drivers created, by application: more than one is a duplicate. */
  drivers: Map<string, number>;
  stop: () => Promise<void>;
}

interface Work extends OperatorOptions {
  drivers: Map<string, number>;
  signal: AbortSignal;
  /** Last state written, by application. */
  states: Map<string, string>;
  applications: ReadonlyMap<string, Application>;
}

const MERGE = "application/merge-patch+json";
const OVER = ["COMPLETED", "FAILED"];
const ALREADY =
  'failed to run spark-submit: ... Failure executing: POST. Message: pods "NAME-driver" already exists. code=409';

export function startOperator(options: OperatorOptions): Operator {
  const control = new AbortController();
  const { signal } = control;
  const { connection, namespace } = options;
  const begun = new Set<string>();
  const queues = new Map<string, Promise<void>>();
  /** One thing at a time for an application, as the real one has it. */
  const enqueue = (name: string, work: () => Promise<void>) => {
    const before = queues.get(name) ?? Promise.resolve();
    const after = before.then(work).catch((error: unknown) => {
      if (!signal.aborted) console.error(error);
    });
    queues.set(name, after);
  };
  const applications = reflector<Application>(connection, {
    action: "list SparkApplications",
    path: applicationsPath(namespace),
    onChange(key) {
      const application = applications.objects.get(key);
      const uid = application?.metadata.uid ?? "";
      if (application === undefined || begun.has(uid) || application.metadata.deletionTimestamp !== undefined) return;
      begun.add(uid);
      enqueue(application.metadata.name, () => submit(work, application));
    },
  });
  const pods = reflector<Pod>(connection, {
    action: "list pods",
    path: `/api/v1/namespaces/${namespace}/pods`,
    labelSelector: "spark-role=driver",
    onChange(key) {
      const pod = pods.objects.get(key);
      const name = pod?.metadata.labels?.["sparkoperator.k8s.io/app-name"] ?? nameOfDriver(key);
      enqueue(name, () => (pod === undefined ? missing(work, name) : follow(work, name, pod)));
    },
  });
  const work: Work = {
    ...options,
    signal,
    drivers: new Map(),
    states: new Map(),
    applications: applications.objects,
  };
  const following = [applications.run(signal), pods.run(signal)];
  return {
    drivers: work.drivers,
    async stop() {
      control.abort();
      await Promise.all(following);
      await Promise.allSettled(queues.values());
    },
  };
}

async function submit(work: Work, application: Application): Promise<void> {
  const { name } = application.metadata;
  const { signal } = work;
  const { ignores, lateMs, refuses, executors = [], unscheduled, resubmits } = work.conductOf(name);
  if (ignores === true) return;
  if (lateMs !== undefined) await delay(lateMs, undefined, { signal });
  if (refuses !== undefined) {
    await say(work, name, "SUBMISSION_FAILED", { errorMessage: refuses });
    return say(work, name, "FAILED", { errorMessage: refuses });
  }
  const place = { node: work.node, unscheduled };
  work.drivers.set(name, (work.drivers.get(name) ?? 0) + 1);
  const driver = await create<Pod>(work, "pods", driverOf(application, place));
  const owner = { name: driver.metadata.name, uid: driver.metadata.uid ?? "" };
  await create(work, "services", serviceOf(application, owner));
  await create(work, "configmaps", configMapOf(application, owner));
  for (const [at, kind] of executors.entries())
    await create(work, "pods", executorOf(application, place, kind === "owned" ? owner : undefined, at + 1));
  if (resubmits === true) {
    const errorMessage = ALREADY.replace("NAME", name);
    await say(work, name, "SUBMISSION_FAILED", { errorMessage });
    return say(work, name, "FAILED", { errorMessage });
  }
  await say(work, name, "SUBMITTED", { podName: owner.name });
}

/** The state follows the phase of the driver's pod. */
async function follow(work: Work, name: string, pod: Pod): Promise<void> {
  const { stuck, claims } = work.conductOf(name);
  if (stuck === true || isOver(work, name)) return;
  const phase = pod.status?.phase;
  if (phase === "Running") await say(work, name, claims ?? "RUNNING", { podName: pod.metadata.name });
  if (phase !== "Succeeded" && phase !== "Failed") return;
  const isGood = claims === "COMPLETED" || (claims === undefined && phase === "Succeeded");
  await conclude(work, name, isGood ? undefined : "driver container failed");
}

/** The driver's pod went before its end was looked at. */
async function missing(work: Work, name: string): Promise<void> {
  const { stuck } = work.conductOf(name);
  const there = [...work.applications.values()].find(({ metadata }) => metadata.name === name);
  if (stuck === true || there === undefined || there.metadata.deletionTimestamp !== undefined) return;
  if (!isOver(work, name)) await conclude(work, name, "driver pod not found");
}

async function conclude(work: Work, name: string, errorMessage: string | undefined): Promise<void> {
  await say(work, name, errorMessage === undefined ? "SUCCEEDING" : "FAILING", {});
  await say(work, name, errorMessage === undefined ? "COMPLETED" : "FAILED", { ...(errorMessage && { errorMessage }) });
}

function isOver({ states }: Work, name: string): boolean {
  return OVER.includes(states.get(name) ?? "");
}

async function say(
  work: Work,
  name: string,
  state: string,
  { errorMessage, podName }: { errorMessage?: string; podName?: string },
): Promise<void> {
  const { connection, namespace, signal } = work;
  const { saysLateMs, mute, forgets } = work.conductOf(name);
  work.states.set(name, state);
  if (mute === true) return;
  if (saysLateMs !== undefined) await delay(saysLateMs, undefined, { signal });
  const submitted = state !== "SUBMISSION_FAILED" && (errorMessage === undefined || errorMessage.startsWith("driver"));
  const status = {
    applicationState: { state, ...(errorMessage && { errorMessage }) },
    driverInfo: podName ? { podName } : {},
    submissionAttempts: 1,
    ...(submitted && { executionAttempts: 1 }),
    ...(OVER.includes(state) && { terminationTime: new Date().toISOString() }),
  };
  const path = `${applicationsPath(namespace)}/${name}/status`;
  const request = { method: "PATCH", path, body: { status }, contentType: MERGE, action: `report ${name}` } as const;
  await call(connection, request, signal);
  if (forgets === true && OVER.includes(state)) await forget(work, name);
}

/** What its time to live and the garbage collector do together. */
async function forget({ connection, namespace, signal }: Work, name: string): Promise<void> {
  const core = `/api/v1/namespaces/${namespace}`;
  const paths = [
    `${applicationsPath(namespace)}/${name}`,
    `${core}/pods/${name}-driver`,
    `${core}/services/${name}-driver-svc`,
  ];
  for (const path of paths) {
    const body = { kind: "DeleteOptions", apiVersion: "v1", gracePeriodSeconds: 0 };
    await call(connection, { method: "DELETE", path, body, action: `delete ${path}` }, signal);
  }
}

async function create<T>({ connection, namespace, signal }: Work, plural: string, body: object): Promise<T> {
  const path = `/api/v1/namespaces/${namespace}/${plural}`;
  return (await call<T>(connection, { method: "POST", path, body, action: `create ${plural}` }, signal)) as T;
}

function applicationsPath(namespace: string): string {
  return `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${namespace}/sparkapplications`;
}

function nameOfDriver(key: string): string {
  return (key.split("/")[1] ?? key).replace(/-driver$/, "");
}
