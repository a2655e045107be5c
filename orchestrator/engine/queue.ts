/** @module Who waits for a place on a target, in the order of their coming. */
import type { RunStatus } from "./run-state.ts";

export interface Waiting {
  run: string;
  step: string;
  /** Epoch ms. */
  since: number;
}

/** Steps that could run but for want of a place; who has waited longest is first, equals by name. */
export function queueOf(runs: readonly { name: string; status?: RunStatus }[]): Waiting[] {
  const waiting = runs.flatMap(({ name: run, status }) =>
    status?.phase === "Running" && status.cancelRequested !== true
      ? Object.entries(status.steps).flatMap(([step, { phase, readyAt }]) =>
          phase === "Waiting" && readyAt !== undefined ? [{ run, step, since: readyAt }] : [],
        )
      : [],
  );
  return waiting.toSorted((a, b) => a.since - b.since || compare(a.run, b.run) || compare(a.step, b.step));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
