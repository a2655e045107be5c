/** @module Removes an application and makes sure that nothing of it is left: its object, pods, services and config maps. */
import { setTimeout as delay } from "node:timers/promises";
import { ConflictError, UnavailableError } from "../errors.ts";
import { call } from "../kubernetes/call.ts";
import type { Connection } from "../kubernetes/connection.ts";
import type { SparkApp } from "../spark-app.ts";
import type { RemoveOptions } from "./backend.ts";
import type { SparkApplication } from "./kubeflow-evidence.ts";
import { applicationsPath, executorsOf, leftovers, type Leftover, readApplication } from "./kubeflow-objects.ts";
import { assertOurs } from "./kubeflow-submission.ts";

export interface RemovalOptions {
  /** Time a pod gets to end in order, in s. Default 30. */
  graceSeconds?: number;
  /** How long nothing may show up before it counts as gone when a submission may be under way, in ms. Default 20 s: a JVM's start. */
  settleMs?: number;
  /** Longest time in all, in ms. Default 3 min. */
  patienceMs?: number;
}

const POLL_MS = 500;
/** Without a driver an executor has nothing to put in order but its log. */
const EXECUTOR_GRACE_SECONDS = 15;
/** After its grace period a pod that stays has a node that does not answer: it is taken out of the books. */
const OVERDUE_MS = 10_000;

/**
 * Deletes and waits. Throws ConflictError when an object of this name is somebody else's, UnavailableError, naming what is left, when
 * something stays. Removing what is absent succeeds.
 */
export async function removeApplication(
  connection: Connection,
  app: SparkApp,
  { graceSeconds = 30, settleMs = 20_000, patienceMs = 180_000, neverStarted = false }: RemovalOptions & RemoveOptions,
  signal: AbortSignal,
): Promise<void> {
  const until = performance.now() + patienceMs;
  const application = await readApplication(connection, app, signal);
  if (application !== undefined) assertOurs(application, app, "remove");
  // Config maps bear no labels of ours: whoever owns them is known only as long as it is there.
  const owners = new Set([application?.metadata.uid ?? ""].filter(Boolean));
  const remember = (found: Leftover[]) => {
    for (const { kind, object } of found) if (kind === "pods" && object.metadata.uid) owners.add(object.metadata.uid);
  };
  let found = await leftovers(connection, app, owners, signal);
  remember(found);
  // A driver may be on its way from a spark-submit that has begun, also when a process that was killed deleted the application.
  const mayCome = found.length === 0 && !(application === undefined ? neverStarted : hasRun(application));
  let quietSince = performance.now();
  for (;;) {
    found = await leftovers(connection, app, owners, signal);
    remember(found);
    const there = await readApplication(connection, app, signal);
    if (there !== undefined) await deleteApplication(connection, app, there, signal);
    if (found.length > 0 || there !== undefined) quietSince = performance.now();
    else if (!mayCome || performance.now() - quietSince >= settleMs) return;
    if (performance.now() > until) throw stays(app, found, there !== undefined);
    await sweep(connection, found, graceSeconds, signal);
    await delay(Math.min(POLL_MS, settleMs), undefined, { signal });
  }
}

/**
 * Deletes the executors of an application that has ended, which are kept until then for what they tell. The driver stays until the
 * operator deletes the application.
 */
export async function sweepExecutors(connection: Connection, app: SparkApp, signal: AbortSignal): Promise<void> {
  await sweep(connection, await executorsOf(connection, app, signal), EXECUTOR_GRACE_SECONDS, signal);
}

/** Whether it was submitted, and so has no submission to come. */
function hasRun({ status }: SparkApplication): boolean {
  return (status?.applicationState?.state ?? "") !== "";
}

async function deleteApplication(
  connection: Connection,
  app: SparkApp,
  application: SparkApplication,
  signal: AbortSignal,
): Promise<void> {
  const { metadata } = application;
  assertOurs(application, app, "remove");
  if (metadata.deletionTimestamp !== undefined) return;
  const options = {
    kind: "DeleteOptions",
    apiVersion: "v1",
    propagationPolicy: "Background",
    // What is deleted is what was looked at.
    ...(metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } }),
  };
  const path = `${applicationsPath(app.namespace)}/${app.name}`;
  const action = `delete SparkApplication ${app.namespace}/${app.name}`;
  await unlessChanged(call(connection, { method: "DELETE", path, body: options, action }, signal));
}

/** Waits for a deletion; that it met another object by now, or lost against another writer, shows at the next look. */
async function unlessChanged(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
}

/** Deletes what the garbage collector has not (or will not: executors outlive a driver that was killed). */
async function sweep(
  connection: Connection,
  found: Leftover[],
  graceSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    found.map(async ({ kind, path, object }) => {
      const { deletionTimestamp, uid } = object.metadata;
      const late = deletionTimestamp !== undefined && Date.now() - Date.parse(deletionTimestamp) > OVERDUE_MS;
      if (deletionTimestamp !== undefined && !(late && kind === "pods")) return;
      const body = {
        kind: "DeleteOptions",
        apiVersion: "v1",
        ...(kind === "pods" ? { gracePeriodSeconds: late ? 0 : graceSeconds } : {}),
        ...(uid === undefined ? {} : { preconditions: { uid } }),
      };
      const action = `delete ${kind} ${object.metadata.name}`;
      await unlessChanged(call(connection, { method: "DELETE", path, body, action }, signal));
    }),
  );
}

function stays(app: SparkApp, found: Leftover[], isThere: boolean): UnavailableError {
  const names = [
    ...(isThere ? [`SparkApplication ${app.name}`] : []),
    ...found.map(({ kind, object }) => `${kind} ${object.metadata.name}`),
  ];
  return new UnavailableError(`Cannot remove ${app.namespace}/${app.name}: still there: ${names.join(", ")}`);
}
