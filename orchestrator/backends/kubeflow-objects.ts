/** @module The objects of one application in its namespace, found by our labels: application, driver, executors, events, services, config maps. */
import { RejectedError } from "../errors.ts";
import { call } from "../kubernetes/call.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { list, type ListOptions, METADATA_ONLY, numberOf } from "../kubernetes/list.ts";
import type { KubeEvent, KubeObject, Node, Pod } from "../kubernetes/objects.ts";
import { LABEL } from "../names.ts";
import type { SparkApp } from "../spark-app.ts";
import { hasEnded, type SparkApplication } from "./kubeflow-evidence.ts";

const ROLE = "spark-role";
/** Lists of pods that are older than their application. */
const LOOKS = 3;

export function applicationsPath(namespace: string): string {
  return `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${namespace}/sparkapplications`;
}

export function podsPath(namespace: string): string {
  return `/api/v1/namespaces/${namespace}/pods`;
}

/** Labels that only the objects of this attempt bear. */
export function selectorOf({ run, step, attempt }: SparkApp): string {
  return `${LABEL.run}=${run},${LABEL.step}=${step},${LABEL.attempt}=${attempt}`;
}

/** The operator's object, or undefined when there is none. */
export function readApplication(
  connection: Connection,
  { namespace, name }: SparkApp,
  signal: AbortSignal,
): Promise<SparkApplication | undefined> {
  const path = `${applicationsPath(namespace)}/${name}`;
  return call<SparkApplication>(
    connection,
    { method: "GET", path, action: `read SparkApplication ${namespace}/${name}` },
    signal,
  );
}

export interface Pods {
  /** The first of `drivers`. */
  driver?: Pod;
  /** Those that live first, then the youngest. */
  drivers: Pod[];
  executors: Pod[];
}

/** Driver and executors. Throws as `list` does. */
export async function readPods(connection: Connection, app: SparkApp, signal: AbortSignal): Promise<Pods> {
  const { items } = await list<Pod>(connection, podsOf(app), signal);
  return podsInRoles(items);
}

/** Application and pods, the pods as they were after the application last changed: a state is not judged by pods from before it. */
export async function readAll(
  connection: Connection,
  app: SparkApp,
  signal: AbortSignal,
): Promise<Pods & { application?: SparkApplication }> {
  const application = await readApplication(connection, app, signal);
  const changed = numberOf(application?.metadata.resourceVersion) ?? 0n;
  for (let look = 1; ; look += 1) {
    const { items, resourceVersion } = await list<Pod>(connection, podsOf(app), signal);
    // Only a hint: a cluster may number its kinds apart.
    const isOld = (numberOf(resourceVersion) ?? changed) < changed;
    if (!isOld || look >= LOOKS) return { ...(application && { application }), ...podsInRoles(items) };
  }
}

function podsOf(app: SparkApp): ListOptions {
  return { action: `list pods in ${app.namespace}`, path: podsPath(app.namespace), labelSelector: selectorOf(app) };
}

/** Driver and executors. Of several drivers, as after a double submission, the one that lives counts, else the youngest. */
export function podsInRoles(items: readonly Pod[]): Pods {
  const inRole = (role: string) => items.filter(({ metadata }) => metadata.labels?.[ROLE] === role);
  const drivers = inRole("driver").toSorted(
    (a, b) => Number(hasEnded(a)) - Number(hasEnded(b)) || (createdAt(a) < createdAt(b) ? 1 : -1),
  );
  const [driver] = drivers;
  return { ...(driver && { driver }), drivers, executors: inRole("executor").toSorted(byName) };
}

/** Name of the pod of an executor by Spark's number. Throws RejectedError, naming those there are, when there is none of it. */
export async function executorOf(
  connection: Connection,
  app: SparkApp,
  number: number,
  signal: AbortSignal,
): Promise<string> {
  const { executors } = await readPods(connection, app, signal);
  const numberOf = ({ metadata }: Pod) => metadata.labels?.["spark-exec-id"] ?? "";
  const pod = executors.find((one) => numberOf(one) === String(number));
  if (pod !== undefined) return pod.metadata.name;
  throw new RejectedError(
    `Cannot read the log of executor ${number} of ${app.step}: it has ${executors.map(numberOf).join(", ") || "no executors now"}`,
  );
}

/** Warnings about a pod, oldest first. None where events may not be read: they only explain. */
export async function readWarnings(
  connection: Connection,
  namespace: string,
  pod: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { items } = await orNothing(
    list<KubeEvent>(
      connection,
      {
        action: `list events in ${namespace}`,
        path: `/api/v1/namespaces/${namespace}/events`,
        fieldSelector: `involvedObject.name=${pod},type=Warning`,
      },
      signal,
    ),
  );
  return items
    .toSorted((a, b) => (createdAt(a) < createdAt(b) ? -1 : 1))
    .map(({ reason, message }) => `${reason ?? "Warning"}: ${message ?? ""}`);
}

/** All nodes; none where they may not be read, which a role of one namespace cannot allow. */
export async function readNodes(connection: Connection, signal: AbortSignal): Promise<Node[]> {
  const { items } = await orNothing(list<Node>(connection, { action: "list nodes", path: "/api/v1/nodes" }, signal));
  return items;
}

/** A service, config map or pod that is left of an application, and where to delete it. */
export interface Leftover {
  kind: string;
  path: string;
  object: KubeObject;
}

/** The executors' pods, without their contents. */
export async function executorsOf(connection: Connection, app: SparkApp, signal: AbortSignal): Promise<Leftover[]> {
  const path = podsPath(app.namespace);
  const labelSelector = `${selectorOf(app)},${ROLE}=executor`;
  const action = `list executors in ${app.namespace}`;
  const { items } = await list<KubeObject>(connection, { action, path, accept: METADATA_ONLY, labelSelector }, signal);
  return items.map((object) => ({ kind: "pods", path: `${path}/${object.metadata.name}`, object }));
}

/** Pods and services that bear our labels, and config maps that do or that belong to one of these owners. Contents are not read. */
export async function leftovers(
  connection: Connection,
  app: SparkApp,
  owners: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Leftover[]> {
  const wanted = selectorOf(app)
    .split(",")
    .map((pair) => pair.split("=") as [string, string]);
  const isOurs = ({ metadata }: KubeObject): boolean =>
    wanted.every(([key, value]) => metadata.labels?.[key] === value) ||
    (metadata.ownerReferences ?? []).some(({ uid }) => owners.has(uid));
  const found = await Promise.all(
    (["pods", "services", "configmaps"] as const).map(async (plural) => {
      const path = `/api/v1/namespaces/${app.namespace}/${plural}`;
      const action = `list ${plural} in ${app.namespace}`;
      // Spark gives no labels to config maps.
      const labelled = plural === "configmaps" ? {} : { labelSelector: selectorOf(app) };
      const { items } = await list<KubeObject>(
        connection,
        { action, path, accept: METADATA_ONLY, ...labelled },
        signal,
      );
      return items.filter(isOurs).map((object) => ({ kind: plural, path: `${path}/${object.metadata.name}`, object }));
    }),
  );
  return found.flat();
}

async function orNothing<T>(asked: Promise<{ items: T[] }>): Promise<{ items: T[] }> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RejectedError) return { items: [] };
    throw error;
  }
}

function createdAt({ metadata }: KubeObject): string {
  return metadata.creationTimestamp ?? "";
}

function byName(a: KubeObject, b: KubeObject): number {
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
