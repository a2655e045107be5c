/** @module Our words for a run and its status, as the Run object of a cluster says them, and back. Pure. */
import type { AttemptStatus, Failure, RunStatus, StepStatus } from "../engine/run-state.ts";
import { RejectedError } from "../errors.ts";
import { digest } from "../json.ts";
import { API_VERSION } from "../kinds/fields.ts";
import { LONGEST_SPEC, type RunObjectStatus, type RunSpec } from "../kinds/run.ts";
import type { KubeObject } from "../kubernetes/objects.ts";
import { LABEL } from "../names.ts";
import type { Plan } from "../plan/plan.ts";
import type { RunRecord } from "./store.ts";

export interface RunObject extends KubeObject {
  spec: RunSpec;
  status?: RunObjectStatus;
}

/** Documents that go to the store, by digest. */
export type Documents = Map<string, unknown>;

type Row = NonNullable<RunObjectStatus["steps"]>[number];
type RowAttempt = Row["attempts"][number];
type RowFailure = NonNullable<RowAttempt["failure"]>;

const TIMES = new Set([
  "recordedAt",
  "submittedAt",
  "pendingAt",
  "startedAt",
  "endedAt",
  "since",
  "readyAt",
  "notBefore",
]);

/** The object to create, and the plan when it is too long for it. Pinned versions and code are part of what was asked for. */
export function objectOf(
  record: RunRecord,
  status: RunStatus,
  store: string,
): { object: RunObject; documents: Documents } {
  const { plan, name } = record;
  const planDigest = digest(plan);
  const spec: RunSpec = {
    definition: plan.definition,
    target: plan.target.name,
    params: plan.params,
    date: record.date,
    sequence: record.sequence,
    ...(record.from === undefined ? {} : { from: record.from }),
    drivenBy: record.drivenBy,
    store,
    pinned: status.pinned,
    code: status.code,
    plan: JSON.stringify(plan),
    planDigest,
  };
  const isLong = Buffer.byteLength(JSON.stringify(spec)) > LONGEST_SPEC;
  if (isLong) delete spec.plan;
  const labels = {
    [LABEL.managedBy]: "sparkwright",
    [LABEL.definition]: plan.definition,
    [LABEL.target]: plan.target.name,
  };
  const { namespace } = plan.target.spec;
  return {
    object: { apiVersion: API_VERSION, kind: "Run", metadata: { name, namespace, labels }, spec },
    documents: new Map(isLong ? [[planDigest, plan]] : []),
  };
}

/** The record of a run. `document` is its plan, when that lies in the store. Throws RejectedError for a plan that is not the run's own. */
export function recordOf({ metadata, spec }: RunObject, document?: Plan): RunRecord {
  const plan = document ?? (JSON.parse(spec.plan ?? "null") as Plan | null);
  const refuse = (why: string) =>
    new RejectedError(`Cannot use run ${metadata.namespace}/${metadata.name}: ${why}`, { remedy: "Start a new run" });
  if (plan === null) throw refuse("its plan is not in the store");
  if (digest(plan) !== spec.planDigest) throw refuse("its plan is not the one it was created with");
  // Applications are made in the run's own namespace, never in one that a document names.
  if (plan.target.spec.namespace !== metadata.namespace)
    throw refuse(`its plan is for namespace ${plan.target.spec.namespace}`);
  return {
    name: metadata.name,
    sequence: spec.sequence,
    plan,
    createdAt: Date.parse(metadata.creationTimestamp ?? ""),
    date: spec.date,
    drivenBy: spec.drivenBy,
    ...(spec.from === undefined ? {} : { from: spec.from }),
    ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
  };
}

/** The status of a run; one that nobody has driven yet waits in all its steps. Evidence is looked up by digest. */
export function statusOf(
  { metadata, spec, status }: RunObject,
  plan: Plan,
  evidence: (digest: string) => string[],
): RunStatus {
  const { pinned, code } = spec;
  const createdAt = Date.parse(metadata.creationTimestamp ?? "");
  const steps = plan.steps.map(({ name }): [string, StepStatus] => [name, { phase: "Waiting", attempts: [] }]);
  if (status?.phase === undefined)
    return { phase: "Running", startedAt: createdAt, revision: 1, pinned, code, steps: Object.fromEntries(steps) };
  const { phase, startedAt, endedAt, revision = 1, cancelRequested } = status;
  const rows = (status.steps ?? []).map((row): [string, StepStatus] => [row.name, stepOf(row, evidence)]);
  return {
    phase,
    startedAt: startedAt === undefined ? createdAt : Date.parse(startedAt),
    ...(endedAt === undefined ? {} : { endedAt: Date.parse(endedAt) }),
    revision,
    ...(cancelRequested === undefined ? {} : { cancelRequested }),
    pinned,
    code,
    steps: Object.fromEntries([...steps, ...rows]),
  };
}

/** The status as the object holds it, and the evidence that goes to the store. */
export function statusObjectOf(
  status: RunStatus,
  driver: NonNullable<RunObjectStatus["driver"]>,
): { status: RunObjectStatus; documents: Documents } {
  const documents: Documents = new Map();
  const { phase, startedAt, endedAt, revision, cancelRequested } = status;
  const steps = Object.entries(status.steps).map(([name, step]) => rowOf(name, step, documents));
  const done = steps.filter((row) => row.phase === "Succeeded" || row.phase === "Cached").length;
  const times = { startedAt: textOf(startedAt), ...(endedAt === undefined ? {} : { endedAt: textOf(endedAt) }) };
  return {
    documents,
    status: {
      phase,
      progress: `${done}/${steps.length}`,
      ...times,
      revision,
      ...(cancelRequested === undefined ? {} : { cancelRequested }),
      driver,
      conditions: [conditionOf(status)],
      steps,
    },
  };
}

function conditionOf({ phase, startedAt, endedAt, steps }: RunStatus) {
  const failed = Object.entries(steps).find(([, step]) => step.phase === "Failed");
  const words = { Succeeded: "True", Failed: "False", Cancelled: "False", Running: "Unknown" } as const;
  return {
    type: "Succeeded",
    status: words[phase],
    reason: phase,
    message: failed === undefined ? "" : `${failed[0]}: ${failed[1].reason ?? "failed"}`,
    lastTransitionTime: textOf(endedAt ?? startedAt),
  };
}

function rowOf(name: string, { attempts, failure, ...step }: StepStatus, documents: Documents): Row {
  return {
    name,
    ...(withTexts(step) as Omit<Row, "name" | "attempts" | "failure">),
    ...(failure === undefined ? {} : { failure: kept(failure, documents) }),
    attempts: attempts.map(({ failure: why, ...attempt }) => ({
      ...(withTexts(attempt) as Omit<RowAttempt, "failure">),
      ...(why === undefined ? {} : { failure: kept(why, documents) }),
    })),
  };
}

function stepOf({ name: _name, attempts, failure, ...row }: Row, evidence: (digest: string) => string[]): StepStatus {
  return {
    ...(withNumbers(row) as Omit<StepStatus, "attempts" | "failure">),
    ...(failure === undefined ? {} : { failure: found(failure, evidence) }),
    attempts: attempts.map(({ failure: why, ...attempt }) => ({
      ...(withNumbers(attempt) as Omit<AttemptStatus, "failure">),
      ...(why === undefined ? {} : { failure: found(why, evidence) }),
    })),
  };
}

/** A failure with its evidence in the store. */
function kept({ evidence, ...failure }: Failure, documents: Documents): RowFailure {
  if (evidence.length === 0) return failure;
  const name = digest(evidence);
  documents.set(name, evidence);
  return { ...failure, evidence: name };
}

function found({ evidence, ...failure }: RowFailure, lookUp: (digest: string) => string[]): Failure {
  return {
    ...(failure as Omit<Failure, "evidence">),
    evidence: evidence === undefined ? [] : lookUp(evidence),
  };
}

/** Digests of the evidence that a status names. */
export function evidenceOf({ status }: RunObject): string[] {
  const failures = (status?.steps ?? []).flatMap((row) => [
    row.failure,
    ...(row.attempts ?? []).map((attempt) => attempt.failure),
  ]);
  return [...new Set(failures.flatMap((failure) => failure?.evidence ?? []))];
}

function withTexts(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, TIMES.has(key) ? textOf(value as number) : (value as unknown)]),
  );
}

function withNumbers(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, TIMES.has(key) ? Date.parse(String(value)) : (value as unknown)]),
  );
}

function textOf(time: number): string {
  return new Date(time).toISOString();
}

type None<T extends never> = T;
/** What a status has and a row has not. Does not compile when the definition has fallen behind. */
export type Forgotten = [
  None<Exclude<keyof StepStatus, keyof Row>>,
  None<Exclude<keyof AttemptStatus, keyof RowAttempt>>,
  None<Exclude<keyof Failure, keyof RowFailure>>,
];
