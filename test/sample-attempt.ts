/** An attempt that has ended, and a failure. */
import type { AttemptStatus, Failure } from "../orchestrator/engine/run-state.ts";

/** When the run began. */
export const AT = Date.UTC(2026, 0, 1);

export const attempt: AttemptStatus = {
  number: 1,
  application: "shop-1-clean-1-0a0a0a0a",
  phase: "Ended",
  recordedAt: AT,
  startedAt: AT + 1000,
  endedAt: AT + 5000,
  since: AT,
  memoryFactor: 1,
};

export const failure: Failure = { class: "OutOfMemory", cause: "the heap was full", evidence: [] };
