/** @module What every part of the runner works with. */
import type { Backend } from "../backends/backend.ts";
import type { Clock } from "../clock.ts";
import type { RunStatus } from "../engine/run-state.ts";
import { RejectedError } from "../errors.ts";
import type { Step } from "../plan/plan.ts";
import { sparkAppOf } from "../plan/app.ts";
import type { SparkApp } from "../spark-app.ts";
import { packedCode, type PackedCode } from "../storage/code.ts";
import type { FolderStore } from "../storage/folder.ts";
import type { RunLock, RunRecord } from "../storage/store.ts";

export interface Crew {
  record: RunRecord;
  store: FolderStore;
  backend: Backend;
  clock: Clock;
  lock: RunLock;
  /** Names what jobs run in besides their code: an image, or the Python environment of a laptop. Part of the cache key. */
  environment: string;
}

export function namespaceOf({ record }: Pick<Crew, "record">): string {
  return record.plan.target.spec.namespace;
}

export function stepNamed({ record }: Pick<Crew, "record">, name: string): Step {
  const step = record.plan.steps.find((one) => one.name === name);
  if (step === undefined) throw new RejectedError(`Cannot find step ${name} in run ${record.name}`);
  return step;
}

/** Code by digest, which never changes: every look at a run asks for it. */
const codes = new WeakMap<FolderStore, Map<string, PackedCode>>();

/** The code a step was given when the run began, whatever its folder holds now. */
export async function codeOf({ store }: Pick<Crew, "store">, status: RunStatus, step: Step): Promise<PackedCode> {
  const digest = status.code[step.name];
  if (digest === undefined)
    throw new RejectedError(`Cannot run step ${step.name}: the run does not say which code it has`, {
      remedy: "Start a new run",
    });
  const known = codes.get(store) ?? new Map<string, PackedCode>();
  codes.set(store, known);
  const code = known.get(digest) ?? (await packedCode(store.layout, digest));
  known.set(digest, code);
  return code;
}

/** The application of an attempt; the same on every call. */
export async function appOf(
  crew: Pick<Crew, "record" | "store">,
  status: RunStatus,
  step: Step,
  attempt: number,
): Promise<SparkApp> {
  const { record, store } = crew;
  const code = await codeOf(crew, status, step);
  const memoryFactor = status.steps[step.name]?.attempts.find((one) => one.number === attempt)?.memoryFactor ?? 1;
  return sparkAppOf(record.plan, step, {
    run: record.name,
    attempt,
    memoryFactor,
    prefix: store.attemptFolder(record.name, step.name, attempt),
    main: code.main,
    archive: code.archive,
    codeDigest: code.digest,
    ...(record.uid === undefined ? {} : { runUid: record.uid }),
  });
}
