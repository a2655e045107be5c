/** @module Lets the steps of a run that did not succeed run again, as new attempts of the same run. */
import { isDone, isOver } from "../engine/phases.ts";
import type { RunStatus, StepStatus } from "../engine/run-state.ts";
import { RejectedError } from "../errors.ts";
import type { FolderStore } from "../storage/folder.ts";
import type { RunRecord } from "../storage/store.ts";

export interface RetryOptions {
  /** Names of failed or cancelled steps; what was skipped because of them goes with them. Default: all that did not succeed. */
  steps?: readonly string[];
}

/** Resets the steps and leaves the run ready to be driven; inputs and code stay as they were pinned. Throws RejectedError when there is nothing to retry. */
export async function retryRun(store: FolderStore, run: string, options: RetryOptions = {}): Promise<RunStatus> {
  const refuse = (why: string, remedy: string) => new RejectedError(`Cannot retry run ${run}: ${why}`, { remedy });
  if ((await store.readRun(run)) === undefined)
    throw refuse("there is none of this name", "sparkwright get runs lists them");
  const lock = await store.lockRun(run);
  try {
    const [record, status] = [await store.readRun(run), await store.readStatus(run)];
    if (record === undefined || status === undefined) throw refuse("its record is gone", "Start a new run");
    if (status.phase === "Running") throw refuse("it is not over", `sparkwright resume ${run}`);
    const wanted = wantedSteps(record, status, options.steps);
    if ("problem" in wanted) throw refuse(wanted.problem, `sparkwright describe ${run}`);
    await store.withdrawCancel(lock);
    const { endedAt: _endedAt, cancelRequested: _cancelRequested, ...kept } = status;
    const steps = Object.entries(status.steps).map(([name, step]) => [
      name,
      wanted.names.has(name) ? reset(step) : step,
    ]);
    return await store.writeStatus(lock, {
      ...kept,
      phase: "Running",
      steps: Object.fromEntries(steps) as RunStatus["steps"],
    });
  } finally {
    await lock.release();
  }
}

function wantedSteps(
  record: RunRecord,
  status: RunStatus,
  only: readonly string[] | undefined,
): { names: Set<string> } | { problem: string } {
  const phaseOf = (name: string) => status.steps[name]?.phase ?? "Waiting";
  const open = record.plan.steps.filter(({ name }) => isOver(phaseOf(name)) && !isDone(phaseOf(name)));
  if (open.length === 0) return { problem: "all its steps succeeded" };
  if (only === undefined) return { names: new Set(open.map((step) => step.name)) };
  const wrong = only.find((name) => !open.some((step) => step.name === name));
  if (wrong !== undefined) return { problem: `step ${wrong} is ${status.steps[wrong]?.phase ?? "not in it"}` };
  const names = new Set(only);
  // In plan order: what a step needs comes before it.
  for (const step of open) {
    if (phaseOf(step.name) === "Skipped" && step.needs.every((need) => names.has(need) || isDone(phaseOf(need))))
      names.add(step.name);
  }
  return { names };
}

function reset({ attempts }: StepStatus): StepStatus {
  return { phase: "Waiting", attempts, earlierAttempts: attempts.length };
}
