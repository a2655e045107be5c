/** @module What a row about pods finds, and the failure that is made of it, with its evidence. */
import type { ClusterEvidence, Observation } from "../spark-app.ts";
import type { FailureClass } from "./failure.ts";
import type { Failure } from "./run-state.ts";
import { oneLine } from "./words.ts";

const MOST_EVIDENCE = 12;

export interface Finding {
  class: FailureClass;
  cause: string;
  remedy: string;
  /** Waiting cannot mend it. */
  hopeless?: boolean;
}

export type Row = (cluster: ClusterEvidence, seen: Observation) => Finding | undefined;

/** What the first row that matches finds; undefined when none does. */
export function find(rows: Row[], seen: Observation): Finding | undefined {
  const { cluster } = seen;
  if (cluster === undefined) return undefined;
  for (const row of rows) {
    const found = row(cluster, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The failure with what it was concluded from. */
export function failureOf({ class: name, cause, remedy }: Finding, seen: Observation): Failure {
  return { class: name, cause: oneLine(cause), evidence: evidenceOf(seen), remedy };
}

const LOSSES = ["NodeLost", "DeletionByTaintManager", "DeletionByPodGC", "NodeAffinity", "Shutdown", "NodeShutdown"];

/** A row: the node of a driver that is not known to have ended. */
export function nodeLost({ driver }: ClusterEvidence, seen: Observation): Finding | undefined {
  if (driver === undefined || seen.exitCode !== undefined) return undefined;
  const node = `node ${driver.node ?? "of the driver"}`;
  if (driver.reason !== undefined && LOSSES.includes(driver.reason)) {
    return {
      class: "NodeLost",
      cause: `${node} is gone: ${driver.message ?? driver.reason}`,
      remedy: "Nothing: the next attempt runs on another node",
      hopeless: true,
    };
  }
  // It may come back, and the driver with it, until the cluster itself gives the node up (after five minutes).
  if (driver.nodeLost !== true) return undefined;
  return {
    class: "NodeLost",
    cause: `${node} no longer answers`,
    remedy: "See whether the node runs (kubectl get nodes)",
  };
}

function evidenceOf({ cluster, where, termination, logTail }: Observation): string[] {
  const application = cluster?.application;
  return [
    ...(where === undefined ? [] : [`seen: ${where}`]),
    ...(application === undefined ? [] : [`the operator says ${application.state || "nothing yet"}`]),
    ...(application?.message === undefined ? [] : tellingLines(application.message)),
    ...(cluster?.driver?.exitCode === undefined
      ? []
      : [`driver: exit code ${cluster.driver.exitCode}, ${cluster.driver.exitReason ?? "no reason"}`]),
    ...(termination?.message === undefined ? [] : [oneLine(termination.message)]),
    ...[...new Set(cluster?.warnings)].filter(isTelling).map(oneLine),
    ...lastOf(cluster?.executors?.first?.logTail, 3).map((line) => `${cluster?.executors?.first?.name ?? ""}: ${line}`),
    ...lastOf(logTail, 3),
  ].slice(0, MOST_EVIDENCE);
}

/** Spark makes these config maps just after the pod that mounts them: a pod tells of them whenever it is quicker, and later of what matters. */
function isTelling(warning: string, at: number, all: string[]): boolean {
  return at === all.length - 1 || !isTooEarly(warning);
}

export function isTooEarly(warning: string): boolean {
  return /^FailedMount: .*configmap "[^"]+-conf-map" not found/.test(warning);
}

/** Of what a JVM printed the exceptions, first and last; of any other message its beginning. */
function tellingLines(message: string): string[] {
  const exceptions = message.split("\n").filter((line) => /^\s*(?:Caused by: |Exception in thread )/.test(line));
  const [first, ...others] = exceptions.map(oneLine);
  if (first === undefined) return [oneLine(message)];
  const last = others.at(-1);
  return last === undefined ? [first] : [first, last];
}

function lastOf(text: string | undefined, count: number): string[] {
  return (text ?? "")
    .split("\n")
    .map(oneLine)
    .filter((line) => line !== "")
    .slice(-count);
}
