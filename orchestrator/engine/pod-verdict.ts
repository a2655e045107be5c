/**
 * @module What pods and the operator say about a failure: rows, first match wins. Some hold for a driver that ended, some for one that
 * cannot start: of those, the hopeless are ended at once and the others when their deadline has passed.
 */
import { bytesOf, humanBytes } from "../quantity.ts";
import type { ClusterEvidence, Observation, PodEvidence } from "../spark-app.ts";
import type { FailureClass } from "./failure.ts";
import type { Failure } from "./run-state.ts";
import { oneLine } from "./words.ts";

const MOST_EVIDENCE = 8;

interface Finding {
  class: FailureClass;
  cause: string;
  remedy: string;
  /** Waiting cannot mend it. */
  hopeless?: boolean;
}

type Row = (cluster: ClusterEvidence, seen: Observation) => Finding | undefined;

/** Of a driver that ended, when its own last words do not say more. */
const ENDED: Row[] = [driverOutOfMemory, evicted, nodeLost, executorsOutOfMemory, executorsFailed, submissionFailed];
/** Of a driver, or executors, that do not get on. */
const STUCK: Row[] = [nodeLost, imagePull, configError, tooLarge, unschedulable, mountFailed, notTakenUp];

/** The failure that pods show of an application that ended; undefined when they show none. */
export function endedInCluster(seen: Observation): Failure | undefined {
  const found = find(ENDED, seen);
  return found && failureOf(found, seen);
}

export interface Obstacle {
  failure: Failure;
  /** Waiting cannot mend it. */
  hopeless: boolean;
}

/** Why an application that has not ended does not get on; undefined when nothing is in its way. */
export function obstacle(seen: Observation): Obstacle | undefined {
  const found = find(STUCK, seen);
  return found && { failure: failureOf(found, seen), hopeless: found.hopeless === true };
}

function find(rows: Row[], seen: Observation): Finding | undefined {
  const { cluster } = seen;
  if (cluster === undefined) return undefined;
  for (const row of rows) {
    const found = row(cluster, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

function failureOf({ class: name, cause, remedy }: Finding, seen: Observation): Failure {
  return { class: name, cause: oneLine(cause), evidence: evidenceOf(seen), remedy };
}

function driverOutOfMemory({ driver }: ClusterEvidence): Finding | undefined {
  if (driver?.exitReason !== "OOMKilled") return undefined;
  return outOfMemory("the driver", driver);
}

function executorsOutOfMemory({ executors }: ClusterEvidence, seen: Observation): Finding | undefined {
  const first = executors?.first;
  if (first?.exitReason !== "OOMKilled" || !blamesExecutors(seen)) return undefined;
  return outOfMemory(`executor ${first.name}`, first);
}

function outOfMemory(who: string, { limits }: PodEvidence): Finding {
  const limit = limits?.["memory"];
  return {
    class: "OutOfMemory",
    cause: `${who} was killed for memory${limit === undefined ? "" : ` at its limit of ${humanBytes(bytesOf(limit))}`}`,
    remedy: "Raise memoryOverhead of the size in the target (memory beside the heap), or choose a larger size",
  };
}

const EVICTIONS = ["Evicted", "PreemptionByScheduler", "EvictionByEvictionAPI", "TerminationByKubelet", "Preempting"];
const LOSSES = ["NodeLost", "DeletionByTaintManager", "DeletionByPodGC", "NodeAffinity", "Shutdown", "NodeShutdown"];

function evicted({ driver }: ClusterEvidence, seen: Observation): Finding | undefined {
  if (driver?.reason === undefined || !EVICTIONS.includes(driver.reason) || seen.termination !== undefined)
    return undefined;
  return {
    class: "Evicted",
    cause: `the driver was evicted${driver.node ? ` from ${driver.node}` : ""}: ${driver.message ?? driver.reason}`,
    remedy: "Give the driver the memory and disk it uses, or a node that is less crowded",
  };
}

function nodeLost({ driver }: ClusterEvidence, seen: Observation): Finding | undefined {
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

/** Whether the driver itself says that it ended because of its executors. */
function blamesExecutors({ termination, logTail }: Observation): boolean {
  const words = `${termination?.message ?? ""}\n${termination?.traceback ?? ""}\n${logTail ?? ""}`;
  return /ExecutorLostFailure|Max number of executor failures|executor \d+ (?:lost|exited)|Barrier.*(?:lost|failed)/i.test(
    words,
  );
}

function executorsFailed({ executors }: ClusterEvidence, seen: Observation): Finding | undefined {
  const first = executors?.first;
  if (executors === undefined || first === undefined || executors.failed === 0 || !blamesExecutors(seen))
    return undefined;
  const how = first.exitCode === undefined ? (first.reason ?? "it is gone") : `exit code ${first.exitCode}`;
  return {
    class: "ExecutorsFailed",
    cause: `${executors.failed} ${executors.failed === 1 ? "executor" : "executors"} failed, first ${first.name}: ${how}${first.message ? `, ${first.message}` : ""}`,
    remedy: `Look at its log: kubectl logs ${first.name}`,
  };
}

/** Sentences of the API server inside what spark-submit printed, and what each means. */
const SUBMISSION: { pattern: RegExp; class: FailureClass; remedy: string }[] = [
  {
    pattern: /exceeded quota: .*/,
    class: "QuotaExceeded",
    remedy: "Wait until other applications end, choose a smaller size, or have the namespace's quota raised",
  },
  {
    pattern: /(?:error looking up service account|serviceaccounts?) .*not found/i,
    class: "ConfigError",
    remedy: "Create the service account in the namespace, or change serviceAccount of the target",
  },
  {
    pattern: /(?:pods|configmaps|services)[^\n]* is forbidden: .*/,
    class: "ConfigError",
    remedy: "The operator may not create this in the namespace; see that it watches it and has its role there",
  },
  {
    pattern: /Pod "[^"]*" is invalid: .*/,
    class: "RejectedBySpec",
    remedy: "Change the size or the target in the way the message says",
  },
];

function submissionFailed({ application, driver }: ClusterEvidence, seen: Observation): Finding | undefined {
  if (
    application?.message === undefined ||
    application.submitted ||
    driver !== undefined ||
    seen.exitCode !== undefined
  )
    return undefined;
  for (const { pattern, ...meaning } of SUBMISSION) {
    const match = pattern.exec(application.message);
    if (match !== null) return { ...meaning, cause: `the driver was not created: ${match[0]}` };
  }
  return {
    class: "SubmissionFailed",
    cause: `the operator could not submit it: ${mostTelling(application.message)}`,
    remedy: "Look at the log of the operator's controller",
  };
}

/** The line of a JVM's complaint that says what was wrong: its last cause, else its last exception, else its first line. */
function mostTelling(message: string): string {
  const lines = message.split("\n").map((line) => line.trim());
  return (
    lines.findLast((line) => line.startsWith("Caused by: ")) ??
    lines.findLast((line) => /^(?:Exception in thread .*?)?[\w.$]+(?:Exception|Error): /.test(line)) ??
    lines[0] ??
    ""
  );
}

/** The driver when it waits, else the first executor that does. */
function waiting({ driver, executors }: ClusterEvidence): { who: string; pod: PodEvidence } | undefined {
  if (driver?.waiting !== undefined || driver?.unschedulable !== undefined) return { who: "the driver", pod: driver };
  const first = executors?.first;
  if (first?.waiting === undefined && first?.unschedulable === undefined) return undefined;
  return { who: `executor ${first.name}`, pod: first };
}

const PULLS = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"];
/** A registry that was asked and knows no such image, or does not let us have it. */
const NO_SUCH_IMAGE =
  /not found|manifest unknown|does not exist|unauthorized|denied|no such image|not present with pull policy/i;

function imagePull(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  const { reason, message } = one?.pod.waiting ?? {};
  if (one === undefined || reason === undefined || !PULLS.includes(reason)) return undefined;
  return {
    class: "ImagePull",
    cause: `${one.who} cannot get its image: ${message ?? reason}`,
    remedy: "See that image of the target exists and imagePullSecrets may read it",
    hopeless: /Invalid|Never/.test(reason) || NO_SUCH_IMAGE.test(message ?? ""),
  };
}

const CONFIG_REASONS = ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"];

function configError(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  const { reason, message } = one?.pod.waiting ?? {};
  if (one === undefined || reason === undefined || !CONFIG_REASONS.includes(reason)) return undefined;
  return {
    class: "ConfigError",
    cause: `the container of ${one.who} cannot be created: ${message ?? reason}`,
    remedy: "Create what it names in the namespace, or change the target",
    hopeless: reason === "CreateContainerConfigError",
  };
}

/** No node could take it even if it were empty. Hopeless unless nodes are added, which a cluster may do by itself. */
function tooLarge(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  const lacking = one?.pod.tooLarge ?? [];
  if (one === undefined || lacking.length === 0) return undefined;
  const words = lacking.map(
    ({ resource, asks, largest, missing }) =>
      `${resource}: asks for ${asks}, the largest node has ${largest}, ${missing} missing`,
  );
  return {
    class: "Unschedulable",
    cause: `no node is large enough for ${one.who} (${words.join("; ")})`,
    remedy: "Choose a smaller size, or lower memory and cores of the size in the target",
  };
}

function unschedulable(cluster: ClusterEvidence): Finding | undefined {
  const one = waiting(cluster);
  if (one?.pod.unschedulable === undefined) return undefined;
  const asks = Object.entries(one.pod.requests ?? {}).map(([resource, amount]) => `${amount} ${resource}`);
  return {
    class: "Unschedulable",
    cause: `no node takes ${one.who}${asks.length === 0 ? "" : `, which asks for ${asks.join(" and ")}`}: ${one.pod.unschedulable}`,
    remedy: "Wait until others end, choose a smaller size, or add nodes",
  };
}

function mountFailed({ warnings }: ClusterEvidence, seen: Observation): Finding | undefined {
  const words = warnings?.findLast((line) => /^(FailedMount|FailedAttachVolume): /.test(line));
  if (words === undefined || seen.phase !== "Pending") return undefined;
  return {
    class: "ConfigError",
    cause: `a volume of the driver cannot be mounted: ${words}`,
    remedy: "Create what it names in the namespace, or change volumes of the target",
  };
}

function notTakenUp({ application, driver }: ClusterEvidence): Finding | undefined {
  if (application === undefined || application.state !== "" || driver !== undefined) return undefined;
  return {
    class: "SubmissionFailed",
    cause: "the operator has not taken up the application",
    remedy: "See that the Spark operator runs, and that it watches this namespace",
  };
}

function evidenceOf({ cluster, where, termination, logTail }: Observation): string[] {
  const application = cluster?.application;
  return [
    ...(where === undefined ? [] : [`seen: ${where}`]),
    ...(application === undefined ? [] : [`the operator says ${application.state || "nothing yet"}`]),
    ...(application?.message === undefined ? [] : [oneLine(application.message)]),
    ...(cluster?.driver?.exitCode === undefined
      ? []
      : [`driver: exit code ${cluster.driver.exitCode}, ${cluster.driver.exitReason ?? "no reason"}`]),
    ...(termination?.message === undefined ? [] : [oneLine(termination.message)]),
    ...(cluster?.warnings ?? []).map(oneLine),
    ...(logTail ?? "")
      .split("\n")
      .map(oneLine)
      .filter((line) => line !== "")
      .slice(-3),
  ].slice(0, MOST_EVIDENCE);
}
