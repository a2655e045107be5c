/** @module A run and its steps as rows and as an object; every verb that shows a run shows these. */
import { timestamp } from "../clock.ts";
import type { Waiting } from "../engine/queue.ts";
import type { RunPhase, RunStatus, StepPhase, StepStatus } from "../engine/run-state.ts";
import type { Json } from "../json.ts";
import { API_VERSION } from "../kinds/fields.ts";
import type { Plan, Step } from "../plan/plan.ts";
import { age, duration, percent } from "./measure.ts";
import type { StepResult } from "./results.ts";
import { table, type Column } from "./table.ts";
import type { View } from "./format.ts";
import type { Paint, Tone } from "./text.ts";

/** What is shown of a run: its record and, once it has begun, its status. */
export interface RunSheet {
  name: string;
  createdAt: number;
  plan: Plan;
  /** Run whose committed steps stand for those not asked for. */
  from?: string;
  status?: RunStatus;
  /** Whether a live process drives it; absent when nobody looked. */
  driven?: boolean;
  /** Who waits for a place, of this and other runs; absent when nobody looked. */
  queue?: readonly Waiting[];
}

/** Phase of a run in one word; `Interrupted` when it should be running but nobody drives it. */
export function phaseOf(run: RunSheet): RunPhase | "Created" | "Interrupted" {
  const phase = run.status?.phase;
  if (phase !== undefined && phase !== "Running") return phase;
  if (run.driven === false) return "Interrupted";
  return phase ?? "Created";
}

const TONES: Record<RunPhase | StepPhase | "Created" | "Interrupted", Tone> = {
  Created: "quiet",
  Interrupted: "bad",
  Running: "busy",
  Succeeded: "good",
  Failed: "bad",
  Cancelled: "quiet",
  Waiting: "quiet",
  Backoff: "busy",
  Publishing: "busy",
  Cached: "good",
  Skipped: "quiet",
};

/** Colour of a phase, the same everywhere. */
export function toneOf(phase: keyof typeof TONES): Tone {
  return TONES[phase];
}

/** Milliseconds a run or a step has taken so far, or took; undefined before it starts. */
export function tookMs(times: { startedAt?: number; endedAt?: number }, now: number): number | undefined {
  return times.startedAt === undefined ? undefined : Math.max(0, (times.endedAt ?? now) - times.startedAt);
}

/** `done/all` steps. */
export function progressOf(run: RunSheet): string {
  const done = Object.values(run.status?.steps ?? {}).filter(
    (step) => step.phase === "Succeeded" || step.phase === "Cached",
  );
  return `${done.length}/${run.plan.steps.length}`;
}

/** Runs for `get runs`: newest first is the caller's order. `namespaces` names that of each, as for runs of several. */
export function runsView(runs: RunSheet[], now: number, paint: Paint, empty: string, namespaces = false): View {
  const columns: Column<RunSheet>[] = [
    ...(namespaces ? [{ title: "namespace", value: (run: RunSheet) => run.plan.target.spec.namespace }] : []),
    { title: "name", value: (run) => run.name },
    { title: "target", value: (run) => run.plan.target.name },
    { title: "phase", value: phaseOf, tone: (run) => toneOf(phaseOf(run)) },
    { title: "steps", value: progressOf },
    { title: "time", value: (run) => shownTime(tookMs(run.status ?? {}, now)), align: "right" },
    { title: "age", value: (run) => age(now - run.createdAt), align: "right" },
    { title: "definition", value: (run) => run.plan.definition, wide: true },
    { title: "params", value: (run) => paramsText(run.plan), wide: true },
    {
      title: "sample",
      value: (run) => (run.plan.sample === null ? "" : percent(run.plan.sample.fraction)),
      wide: true,
    },
    { title: "started", value: (run) => timestamp(run.status?.startedAt ?? run.createdAt), wide: true },
  ];
  const items = runs.map((run) => runObject(run));
  return {
    object: { apiVersion: API_VERSION, kind: "RunList", items },
    rows: items,
    names: runs.map((run) => `run/${run.name}`),
    table: (wide) => table(titled(columns), runs, { wide, paint, empty }),
  };
}

export interface StepRow {
  step: Step;
  status: StepStatus;
}

/** The steps of a run in plan order; a step that has not begun is Waiting. */
export function stepRows(run: RunSheet): StepRow[] {
  return run.plan.steps.map((step) => ({
    step,
    status: run.status?.steps[step.name] ?? { phase: "Waiting", attempts: [] },
  }));
}

/** Table of the steps of one run: phase, attempt, time and share of the run's time. */
export function stepsTable(run: RunSheet, now: number, paint: Paint, wide = false): string {
  const whole = tookMs(run.status ?? {}, now) ?? 0;
  const columns: Column<StepRow>[] = [
    { title: "step", value: (row) => row.step.name },
    { title: "kind", value: (row) => row.step.kind },
    { title: "phase", value: (row) => row.status.phase, tone: (row) => toneOf(row.status.phase) },
    { title: "attempt", value: (row) => attemptText(row) },
    { title: "time", value: (row) => shownTime(tookMs(row.status, now)), align: "right" },
    { title: "share", value: (row) => shareText(tookMs(row.status, now), whole), align: "right" },
    { title: "reason", value: (row) => reasonOf(row.status) || placeOf(run, row) },
    { title: "outputs", value: (row) => versionsText(row.status.outputs ?? {}), wide: true },
    { title: "application", value: (row) => row.status.attempts.at(-1)?.application ?? "", wide: true },
  ];
  return table(titled(columns), stepRows(run), { wide, paint });
}

/** One run as `get RUN` shows it. */
export function runView(run: RunSheet, now: number, paint: Paint): View {
  return {
    object: runObject(run),
    names: [`run/${run.name}`],
    rows: stepRows(run).map(({ step, status }) => tidy([step.name, status])),
    table: (wide) => stepsTable(run, now, paint, wide),
  };
}

/** A run in the manner of a Kubernetes object: metadata, spec, status; times in UTC. */
export function runObject(run: RunSheet, results: StepResult[] = []): Json {
  const { plan } = run;
  return tidy({
    apiVersion: API_VERSION,
    kind: "Run",
    metadata: { name: run.name, namespace: plan.target.spec.namespace, creationTimestamp: timestamp(run.createdAt) },
    spec: {
      definition: plan.definition,
      target: plan.target.name,
      params: plan.params,
      sample: plan.sample ?? undefined,
      from: run.from,
    },
    status: { phase: phaseOf(run), ...statusObject(run, results) },
  });
}

function statusObject(run: RunSheet, results: StepResult[]): object {
  if (run.status === undefined) return { steps: [] };
  const { startedAt, endedAt, revision, pinned, cancelRequested } = run.status;
  const steps = stepRows(run).map(({ step, status }) => ({
    name: step.name,
    kind: step.kind,
    ...timed(status),
    attempts: status.attempts.map(timed),
    result: results.find((result) => result.step === step.name),
  }));
  return { ...timed({ startedAt, endedAt }), revision, cancelRequested, pinned, steps };
}

const TIMES = ["recordedAt", "submittedAt", "pendingAt", "startedAt", "endedAt", "notBefore"];

/** A status row with its epoch milliseconds written as UTC text. */
function timed(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      TIMES.includes(key) && typeof value === "number" ? timestamp(value) : (value as unknown),
    ]),
  );
}

/** Drops undefined fields, as JSON does. */
function tidy(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function titled<Row>(columns: Column<Row>[]): Column<Row>[] {
  return columns.map((column) => ({ ...column, title: column.title.toUpperCase() }));
}

function attemptText({ step, status }: StepRow): string {
  return status.attempts.length === 0 ? "" : `${status.attempts.length}/${attemptsAllowed(step, status)}`;
}

/** Attempts in all that a step may have: those before the last `retry` do not count against its allowance. */
export function attemptsAllowed(step: Step, status: StepStatus): number {
  return step.retry.attempts + (status.earlierAttempts ?? 0);
}

const MISSED = ["Failed", "Backoff", "Cancelled"];

/** Why a step is as it is, on one line. */
export function reasonOf(status: StepStatus): string {
  const failure = status.attempts.at(-1)?.failure;
  if (failure !== undefined && MISSED.includes(status.phase)) return `${failure.class}: ${failure.cause}`;
  return status.reason ?? "";
}

/** Where a step stands among all that wait for a place. */
function placeOf({ name, queue = [] }: RunSheet, { step }: StepRow): string {
  const at = queue.findIndex((one) => one.run === name && one.step === step.name);
  return at < 0 ? "" : `waits for a place: ${at + 1} of ${queue.length}`;
}

function shownTime(ms: number | undefined): string {
  return ms === undefined ? "" : duration(ms);
}

function shareText(ms: number | undefined, whole: number): string {
  return ms === undefined || whole === 0 ? "" : percent(ms / whole);
}

export function paramsText(plan: Plan): string {
  return Object.entries(plan.params)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function versionsText(versions: Record<string, string>): string {
  return Object.entries(versions)
    .map(([dataset, version]) => `${dataset}@${version}`)
    .join(" ");
}
