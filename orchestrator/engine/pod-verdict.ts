/** @module What pods and the operator say about the failure of an application that ended: rows, first match wins. */
import { bytesOf, humanBytes, mebibytes } from "../quantity.ts";
import type { ClusterEvidence, Observation, PodEvidence } from "../spark-app.ts";
import type { FailureClass } from "./failure.ts";
import { failureOf, find, type Finding, nodeLost, type Row } from "./pod-finding.ts";
import type { Failure } from "./run-state.ts";

/** Of a driver that ended, when its own last words do not say more. */
const ENDED: Row[] = [
  driverOutOfMemory,
  evicted,
  nodeLost,
  deleted,
  executorsOutOfMemory,
  executorsFailed,
  submissionFailed,
];
/** The failure that pods show of an application that ended; undefined when they show none. */
export function endedInCluster(seen: Observation): Failure | undefined {
  const found = find(ENDED, seen);
  return found && failureOf(found, seen);
}

function driverOutOfMemory({ driver }: ClusterEvidence): Finding | undefined {
  if (driver?.exitReason !== "OOMKilled") return undefined;
  return outOfMemory("the driver", "driver", driver);
}

function executorsOutOfMemory({ executors }: ClusterEvidence, seen: Observation): Finding | undefined {
  const first = executors?.first;
  if (first?.exitReason !== "OOMKilled" || !blamesExecutors(seen)) return undefined;
  return outOfMemory(`executor ${first.name}`, "executor", first);
}

function outOfMemory(who: string, role: "driver" | "executor", { limits, memory }: PodEvidence): Finding {
  const limit = limits?.["memory"];
  const enough = memory && limit ? sufficient(memory.overhead, limit) : undefined;
  return {
    class: "OutOfMemory",
    cause: `${who} was killed for memory${limit === undefined ? "" : ` at its limit of ${humanBytes(bytesOf(limit))}`}${memory === undefined ? "" : ` (heap ${memory.heap}, beside it ${memory.overhead})`}`,
    remedy:
      enough === undefined
        ? "Raise memoryOverhead of the size in the target (memory beside the heap), or choose a larger size"
        : `Set memoryOverhead of the ${role} in this size of the target to ${enough} (memory beside the heap), or choose a larger size`,
  };
}

const STEP_MIB = 128;

/** Memory beside the heap that makes the container half as large again: how much was wanted when it was killed nobody knows. */
function sufficient(overhead: string, limit: string): string {
  const wanted = mebibytes(overhead) + bytesOf(limit) / 2 ** 21;
  return `${Math.ceil(wanted / STEP_MIB) * STEP_MIB}m`;
}

/** Codes of a process that was asked to end, or made to. */
const KILLED = [137, 143];

/** Somebody deleted the driver's pod, or the application, which takes the pod with it. One that had ended before has an end of its own. */
function deleted({ application, driver }: ClusterEvidence, seen: Observation): Finding | undefined {
  if (driver?.deleted !== true || seen.termination !== undefined) return undefined;
  if (seen.exitCode !== undefined && !KILLED.includes(seen.exitCode)) return undefined;
  const what = application === undefined ? "its SparkApplication" : "its pod";
  return {
    class: "StatusLost",
    cause: `the driver was stopped because ${what} was deleted`,
    remedy: "Find out who deleted it (the cluster's audit log tells); to cancel a run there is sparkwright cancel",
  };
}

const ROOM = "Give the driver the memory and disk it uses, or a node that is less crowded";
const PRIORITY =
  "Give the namespace's pods a priority class that others do not displace, or wait until those have ended";
/** Why a pod had to leave its node, and what helps against it. */
const EVICTIONS: Record<string, string> = {
  Evicted: ROOM,
  TerminationByKubelet: ROOM,
  PreemptionByScheduler: PRIORITY,
  Preempting: PRIORITY,
  EvictionByEvictionAPI:
    "Somebody drained its node, or an autoscaler moved it; a PodDisruptionBudget holds such moves off",
};

function evicted({ driver }: ClusterEvidence, seen: Observation): Finding | undefined {
  const remedy = EVICTIONS[driver?.reason ?? ""];
  if (driver === undefined || remedy === undefined || seen.termination !== undefined) return undefined;
  return {
    class: "Evicted",
    cause: `the driver was evicted${driver.node ? ` from ${driver.node}` : ""}: ${driver.message ?? driver.reason}`,
    remedy,
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
    remedy: `Look at its last lines${first.logTail === undefined ? "" : " above"}, or at the whole log: sparkwright logs with --role executor --index ${numberOf(first.name)}`,
  };
}

/** Spark ends the name of an executor's pod with its number. */
function numberOf(executor: string): string {
  return /-exec-(\d+)$/.exec(executor)?.[1] ?? "NUMBER";
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
  const message = sentences(application.message);
  for (const { pattern, ...meaning } of SUBMISSION) {
    const match = pattern.exec(message);
    if (match !== null) return { ...meaning, cause: `the driver was not created: ${match[0]}` };
  }
  return {
    class: "SubmissionFailed",
    cause: `the operator could not submit it: ${mostTelling(message)}`,
    remedy: "Look at the log of the operator's controller",
  };
}

/** What people can read of a message: Spark's client repeats each refusal of the API server as the object it came in. */
function sentences(message: string): string {
  return message.replaceAll(/\.?(?: Received status: Status\(.*)?$/gm, "");
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
