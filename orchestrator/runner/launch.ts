/** @module Starts and removes the application of an attempt. */
import type { Report } from "../engine/advance.ts";
import type { Failure, RunStatus } from "../engine/run-state.ts";
import { ConflictError, QuotaExceededError, RejectedError, UnavailableError } from "../errors.ts";
import type { Step } from "../plan/plan.ts";
import { toText } from "../storage/disk.ts";
import { makeFolder } from "../storage/files.ts";
import { paramsOf, POD_TERMINATION_PATH, type Params } from "../storage/params.ts";
import type { Manifest } from "../storage/store.ts";
import { appOf, namespaceOf, type Crew } from "./crew.ts";
import { keepLog } from "./keep-log.ts";

/**
 * Writes the params document, unless it is there from before, and starts the application, unless it has come and gone since. Undefined when that has to be tried
 * again: a server that does not answer says nothing about the attempt, whose deadline goes on.
 */
export async function launch(
  crew: Crew,
  status: RunStatus,
  step: Step,
  attempt: number,
  signal: AbortSignal,
): Promise<Report | undefined> {
  try {
    if (await hasCompleted(crew, step, attempt)) return { report: "submitted", step: step.name, attempt };
    const params = await writeParams(crew, status, step, attempt);
    await makeFolder(params.work);
    for (const output of Object.values(params.outputs)) await makeFolder(output.path);
    await crew.lock.assertHeld();
    await crew.backend.submit(await appOf(crew, status, step, attempt), signal);
    return { report: "submitted", step: step.name, attempt };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ConflictError) throw error;
    if (error instanceof UnavailableError && !(error instanceof QuotaExceededError)) return undefined;
    return { report: "unsubmitted", step: step.name, attempt, failure: failureOf(error) };
  }
}

/** Whether a submission that nobody heard of has come to its result: another driver must not write over it. */
async function hasCompleted({ store, record }: Crew, step: Step, attempt: number): Promise<boolean> {
  if ((await store.readParams(record.name, step.name, attempt)) === undefined) return false;
  return typeof (await store.readResult(record.name, step.name, attempt)) !== "string";
}

/** Stops and removes the application; undefined when that has to be tried again. */
export async function remove(
  crew: Crew,
  status: RunStatus,
  step: Step,
  attempt: number,
  signal: AbortSignal,
): Promise<Report | undefined> {
  try {
    const neverStarted = status.steps[step.name]?.attempts.find((one) => one.number === attempt)?.phase === "Recorded";
    const app = await appOf(crew, status, step, attempt);
    await keepLog(crew, app, signal);
    await crew.backend.remove(app, signal, { neverStarted });
    return { report: "removed", step: step.name, attempt };
  } catch (error) {
    if (error instanceof UnavailableError) return undefined;
    throw error;
  }
}

/** Longest time that clearing away may take. */
const SETTLE_MS = 15_000;

/** Keeps the log of an application that has ended and clears away what it leaves. Best effort: what stays goes with the application. */
export async function settle(crew: Crew, status: RunStatus, step: Step, attempt: number, signal: AbortSignal) {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(SETTLE_MS)]);
  const settling = async () => {
    const app = await appOf(crew, status, step, attempt);
    await keepLog(crew, app, soon);
    await crew.backend.settle?.(app, soon);
  };
  await settling().catch(() => undefined);
}

async function writeParams(crew: Crew, status: RunStatus, step: Step, attempt: number): Promise<Params> {
  const { store, record } = crew;
  const there = await store.readParams(record.name, step.name, attempt);
  if (there !== undefined) return there;
  const namespace = namespaceOf(crew);
  const prefix = store.attemptFolder(record.name, step.name, attempt);
  const params = paramsOf(step, {
    run: record.name,
    attempt,
    sample: record.plan.sample,
    inputs: await manifestsOf(crew, status.steps[step.name]?.inputs ?? {}),
    previous: await previousOf(crew, step),
    prefix,
    ...(record.plan.target.spec.backend === "kubeflow" ? { terminationPath: POD_TERMINATION_PATH } : {}),
    work: store.layout.work(record.name, step.name),
    outputFolder: (role) => store.layout.output(namespace, record.name, step.name, attempt, role),
  });
  await crew.lock.assertHeld();
  await store.disk.create(`${prefix}/params.json`, toText(params));
  return params;
}

async function manifestsOf(
  crew: Crew,
  inputs: Record<string, { dataset: string; version: string }>,
): Promise<Record<string, Manifest>> {
  const found: Record<string, Manifest> = {};
  for (const [role, { dataset, version }] of Object.entries(inputs)) {
    const manifest = await crew.store.readManifest(namespaceOf(crew), dataset, version);
    if (manifest === undefined)
      throw new RejectedError(`Cannot read input ${role}: version ${version} of dataset ${dataset} is gone`, {
        remedy: "Start a new run",
      });
    found[role] = manifest;
  }
  return found;
}

/** What is published now of the step's outputs. */
async function previousOf(crew: Crew, step: Step): Promise<Record<string, Manifest>> {
  const found: Record<string, Manifest> = {};
  for (const [role, { dataset }] of Object.entries(step.outputs)) {
    const pointer = await crew.store.readPointer(namespaceOf(crew), dataset);
    const manifest = pointer && (await crew.store.readManifest(namespaceOf(crew), dataset, pointer.version));
    if (manifest !== undefined) found[role] = manifest;
  }
  return found;
}

function failureOf(error: unknown): Failure {
  const cause = error instanceof Error ? error.message : String(error);
  if (error instanceof QuotaExceededError)
    return {
      class: "QuotaExceeded",
      cause,
      evidence: [],
      remedy: "Wait until other applications end, or have the namespace's quota raised",
    };
  if (!(error instanceof RejectedError)) return { class: "SubmissionFailed", cause, evidence: [] };
  return { class: "ConfigError", cause, evidence: [], ...(error.remedy === undefined ? {} : { remedy: error.remedy }) };
}
