/** @module Run objects of one namespace, as the API server has them. A cluster that has no definition of them says how to install it. */
import { UnavailableError } from "../errors.ts";
import { RUNS } from "../kinds/definition.ts";
import type { RunObjectStatus } from "../kinds/run.ts";
import { type Call, call, callFor } from "../kubernetes/call.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { list } from "../kubernetes/list.ts";
import type { KubeObject } from "../kubernetes/objects.ts";
import { MissingApiError } from "../kubernetes/refusal.ts";
import type { RunObject } from "./run-object.ts";

export const INSTALL = "sparkwright crds | kubectl apply -f -";

/** The run's plan is long, and after a write nobody needs it. */
const METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const MERGE = "application/merge-patch+json";
/** An API server that starts anew is waited for, for about half a minute. */
const PATIENT = { attempts: 9 };
const never = new AbortController().signal;

export interface RunApi {
  readonly namespace: string;
  read(name: string): Promise<RunObject | undefined>;
  /** By sequence, oldest first. */
  list(options?: { labelSelector?: string }): Promise<RunObject[]>;
  /** Throws ConflictError when there is one of this name. */
  create(run: RunObject): Promise<RunObject>;
  /** Replaces the status of exactly the object that bears this version; ConflictError when it was written since. */
  writeStatus(name: string, version: string, status: RunObjectStatus): Promise<KubeObject>;
  /** Changes fields of the status, of exactly this version. */
  changeStatus(name: string, version: string, status: Partial<RunObjectStatus>): Promise<RunObject>;
  /** Sets an annotation, or removes it. Undefined when there is no such run. */
  annotate(name: string, key: string, value: string | null): Promise<KubeObject | undefined>;
  remove(run: RunObject): Promise<void>;
}

/** Path of the Run objects of a namespace, or of all. */
export function runsPath(namespace: string | undefined): string {
  const below = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `/apis/${RUNS.group}/${RUNS.version}${below}/${RUNS.plural}`;
}

export function runApi(connection: Connection, namespace: string): RunApi {
  const path = (name: string, more = "") => `${runsPath(namespace)}/${name}${more}`;
  const about = (verb: string, name: string) => `${verb} Run ${namespace}/${name}`;
  const query = { fieldValidation: "Strict", fieldManager: "sparkwright" };
  const send = <T>(request: Call) => installed(connection, () => call<T>(connection, request, never, PATIENT));
  const sendFor = <T>(request: Call) => installed(connection, () => callFor<T>(connection, request, never, PATIENT));

  return {
    namespace,

    read: (name) => send<RunObject>({ method: "GET", path: path(name), action: about("read", name) }),

    list: (options = {}) => listRuns(connection, namespace, options),

    create: (run) =>
      sendFor<RunObject>({
        method: "POST",
        path: runsPath(namespace),
        query,
        body: run,
        action: about("create", run.metadata.name),
      }),

    writeStatus: (name, version, status) =>
      sendFor<KubeObject>({
        method: "PUT",
        path: path(name, "/status"),
        query,
        accept: METADATA,
        body: { ...headOf(namespace, name, version), status },
        action: about("write the status of", name),
      }),

    changeStatus: (name, version, status) =>
      sendFor<RunObject>({
        method: "PATCH",
        path: path(name, "/status"),
        query,
        contentType: MERGE,
        body: { metadata: { resourceVersion: version }, status },
        action: about("write the status of", name),
      }),

    annotate: (name, key, value) =>
      send<KubeObject>({
        method: "PATCH",
        path: path(name),
        query: { fieldManager: "sparkwright" },
        accept: METADATA,
        contentType: MERGE,
        body: { metadata: { annotations: { [key]: value } } },
        action: about("annotate", name),
      }),

    async remove({ metadata: { name, uid } }) {
      const body = {
        kind: "DeleteOptions",
        apiVersion: "v1",
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      };
      await send({ method: "DELETE", path: path(name), body, action: about("delete", name) });
    },
  };
}

/** Run objects of a namespace, or of all, by sequence. */
export async function listRuns(
  connection: Connection,
  namespace: string | undefined,
  options: { labelSelector?: string } = {},
): Promise<RunObject[]> {
  const action = `list Runs in ${namespace ?? "all namespaces"}`;
  const { items } = await installed(connection, () =>
    list<RunObject>(connection, { path: runsPath(namespace), action, ...options }, never),
  );
  return items.toSorted((a, b) => a.spec.sequence - b.spec.sequence);
}

function headOf(namespace: string, name: string, resourceVersion: string) {
  return {
    apiVersion: `${RUNS.group}/${RUNS.version}`,
    kind: RUNS.kind,
    metadata: { name, namespace, resourceVersion },
  };
}

/** Throws UnavailableError, with the command that installs it, when the cluster has no definition of Runs. */
async function installed<T>({ server }: Connection, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof MissingApiError)) throw cause;
    throw new UnavailableError(`Cannot keep runs on ${server}: the cluster does not know Run objects`, {
      remedy: `Install their definition: ${INSTALL}`,
      cause,
    });
  }
}
