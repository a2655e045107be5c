/** @module What the applications of a namespace tell about its operator: how fast it takes them up, and whether it lives. Pure. */
import type { Crowd } from "../engine/pacing.ts";
import type { KubeObject } from "../kubernetes/objects.ts";

/** What is read of each application. */
export interface Known extends KubeObject {
  status?: {
    applicationState?: { state?: string };
    lastSubmissionAttemptTime?: string | null;
    terminationTime?: string | null;
  };
}

const ENDED = ["COMPLETED", "FAILED"];
/** An operator that has not looked at an application for so long is down, or does not watch the namespace. */
const SILENT_MS = 120_000;

/** `now` is by the server's clock, as are the times of the objects. */
export function crowdOf(applications: readonly Known[], now: number): Crowd {
  const live = applications.filter((one) => !ENDED.includes(stateOf(one)));
  return {
    live: live.length,
    untaken: live.filter((one) => stateOf(one) === "").length,
    ages: applications.map((one) => ageOf(one, now)),
  };
}

export type Health =
  | { is: "alive"; application: string; agoMs: number }
  | { is: "silent"; application: string; sinceMs: number }
  | { is: "unknown" };

/** Judged by its last reaction, since its pods are in a namespace that users of this one may not see. */
export function operatorHealth(applications: readonly Known[], now: number): Health {
  const waiting = applications
    .filter((one) => stateOf(one) === "" && one.metadata.deletionTimestamp === undefined)
    .map((one) => ({ application: one.metadata.name, sinceMs: ageOf(one, now) }))
    .toSorted((a, b) => b.sinceMs - a.sinceMs)[0];
  if (waiting !== undefined && waiting.sinceMs > SILENT_MS) return { is: "silent", ...waiting };
  const reaction = applications
    .map((one) => ({ application: one.metadata.name, agoMs: now - reactedAt(one) }))
    .filter(({ agoMs }) => Number.isFinite(agoMs))
    .toSorted((a, b) => a.agoMs - b.agoMs)[0];
  return reaction === undefined ? { is: "unknown" } : { is: "alive", ...reaction };
}

function stateOf({ status }: Known): string {
  return status?.applicationState?.state ?? "";
}

function ageOf({ metadata }: Known, now: number): number {
  return Math.max(0, now - Date.parse(metadata.creationTimestamp ?? ""));
}

/** When the operator last wrote about it; NaN when it never did. */
function reactedAt({ status }: Known): number {
  const times = [status?.lastSubmissionAttemptTime, status?.terminationTime].map((time) => Date.parse(time ?? ""));
  return Math.max(...times.filter(Number.isFinite), Number.NEGATIVE_INFINITY);
}
