/** @module How long the sweeps of a run take: from the start of the first of a sweep's steps to the end of its last. */
import { isDone } from "../engine/phases.ts";
import { duration } from "./measure.ts";
import { stepRows, type RunSheet } from "./run.ts";

/** For each job with a sweep, as names and values: how many of its steps are done and the time that has passed on them by the clock on the wall. */
export function sweepFields(run: RunSheet, now: number): [string, string][] {
  const rows = stepRows(run);
  const jobs = new Set(rows.flatMap(({ step }) => step.sweepOf ?? []));
  return [...jobs].map((job) => {
    const own = rows.filter(({ step }) => step.sweepOf === job).map(({ status }) => status);
    const starts = own.flatMap(({ startedAt }) => startedAt ?? []);
    const last = own.at(-1)?.endedAt ?? run.status?.endedAt ?? now;
    const took = starts.length === 0 ? "" : `, ${duration(Math.max(0, last - Math.min(...starts)))}`;
    return [`Sweep of ${job}`, `${own.filter(({ phase }) => isDone(phase)).length} of ${own.length} steps${took}`];
  });
}
