/** Each failure class as it is brought about on a real cluster: what the spec or the target says, and what is done to it while it runs. */
import type { FailureClass } from "../../../orchestrator/engine/failure.ts";
import { isRunning } from "../part.ts";
import { NAMESPACE } from "../places.ts";
import * as harm from "./harm.ts";

export interface Case {
  name: string;
  /** What the run is to end with. Interrupted: the command ends with an error, and the run waits for `resume`. Refused: there is no run. */
  expects: FailureClass | "Succeeded" | "Interrupted" | "Refused";
  /** Settings of the job; `behaviour` is one of job.py. */
  settings?: { behaviour: string; seconds?: number };
  /** What of its description comes or not, by chance, and what to read in its place. */
  chance?: [RegExp, string][];
  /** Replaces fields of the target. */
  target?: Record<string, unknown>;
  /** Replaces fields of the size's driver or executor. */
  size?: { driver?: Record<string, unknown>; executor?: Record<string, unknown>; conf?: Record<string, string> };
  deadlines?: Partial<Record<"queued" | "submitted" | "pending" | "running", string>>;
  /** Done before the run; what it returns is done after it, whatever happened. */
  before?: () => Promise<() => Promise<unknown>> | (() => Promise<unknown>);
  /** Done while it runs. */
  during?: (run: harm.Going) => Promise<void>;
  /** Kubeconfig to use in place of the submitter's. */
  kubeconfig?: () => string;
  /** Why it cannot be had here, if so. */
  impossible?: () => string | undefined;
}

const STAYS = { behaviour: "stays", seconds: 600 };
/** Long enough for a busy machine to start a driver: these deadlines are not what is tried. */
const PATIENT = { submitted: "10m", pending: "10m", running: "15m" };

/** A pod that is deleted is gone a moment after its end: its exit code and log may be seen, or just that it was deleted. */
const VANISHING: [RegExp, string][] = [
  [/seen: pod (?:\w+\/)?(\S+?)(?: on testbed|, which was deleted)$/m, "seen: pod $1"],
  [/^ +driver: exit code 143, Error\n/m, ""],
  [/^ +\(lines of the log\)\n/m, ""],
];

/** No driver runs: each costs the start of one spark-submit at most. */
export const CHEAP: Case[] = [
  {
    name: "image",
    expects: "ImagePull",
    target: { image: `localhost/there-is-none@sha256:${"0".repeat(64)}` },
    deadlines: { ...PATIENT, pending: "20s" },
  },
  {
    name: "cpu",
    expects: "Unschedulable",
    // More than a node has, less than the quota that may be in force meanwhile.
    size: { driver: { cores: 24, coreRequest: "24" } },
    deadlines: { ...PATIENT, pending: "20s" },
  },
  {
    name: "quota",
    expects: "QuotaExceeded",
    size: { driver: { cores: 48, coreRequest: "48" } },
    // Others in the namespace ask for far less.
    before: () => harm.limitQuota("classes", { "requests.cpu": "40" }),
    deadlines: PATIENT,
  },
  { name: "secret", expects: "ConfigError", target: { credentials: "there-is-none" }, deadlines: PATIENT },
  {
    name: "claim",
    expects: "ConfigError",
    target: { volumes: [{ claim: "there-is-none", mountPath: "/mnt/data" }] },
    deadlines: PATIENT,
  },
  {
    name: "service-account",
    expects: "ConfigError",
    target: { serviceAccount: "there-is-none" },
    deadlines: PATIENT,
  },
  { name: "namespace", expects: "Refused", target: { namespace: "kube-system" } },
  { name: "token", expects: "Refused", kubeconfig: harm.expiredToken },
  {
    name: "config-map",
    expects: "ConfigError",
    impossible: () => "no field of a target or job names a config map",
  },
];

/** A driver runs. */
export const DRIVERS: Case[] = [
  { name: "raises", expects: "ApplicationError", settings: { behaviour: "raises" }, deadlines: PATIENT },
  {
    name: "memory",
    expects: "OutOfMemory",
    settings: { behaviour: "eats memory" },
    size: { driver: { memoryOverhead: "512m" } },
    deadlines: PATIENT,
  },
  { name: "no-output", expects: "OutputMissing", settings: { behaviour: "writes nothing" }, deadlines: PATIENT },
  {
    name: "executors",
    expects: "ExecutorsFailed",
    settings: { behaviour: "loses executors" },
    size: { conf: { "spark.task.maxFailures": "2" } },
    deadlines: PATIENT,
  },
  {
    name: "driver-deleted",
    expects: "StatusLost",
    settings: STAYS,
    deadlines: PATIENT,
    during: harm.deleteDriver,
    chance: VANISHING,
  },
  {
    name: "application-deleted",
    expects: "StatusLost",
    settings: STAYS,
    deadlines: PATIENT,
    during: harm.deleteApplication,
    chance: VANISHING,
  },
  { name: "evicted", expects: "Evicted", settings: STAYS, deadlines: PATIENT, during: harm.evictDriver },
  { name: "deadline", expects: "DeadlineExceeded", settings: STAYS, deadlines: { ...PATIENT, running: "20s" } },
  { name: "cancelled", expects: "Cancelled", settings: STAYS, deadlines: PATIENT, during: harm.cancel },
];

/** What is done to the cluster here others in it feel, too: one at a time, and last. */
export const OUTAGES: Case[] = [
  {
    name: "api-server-killed",
    expects: "Succeeded",
    settings: { behaviour: "stays", seconds: 30 },
    deadlines: PATIENT,
    during: harm.killApiServer,
  },
  {
    name: "operator-killed",
    expects: "Succeeded",
    settings: { behaviour: "stays", seconds: 5 },
    deadlines: PATIENT,
    during: harm.killOperatorWhileItSubmits,
  },
  {
    name: "operator-dead",
    expects: "SubmissionFailed",
    before: harm.stopOperator,
    deadlines: { ...PATIENT, submitted: "15s" },
  },
  {
    name: "kubelet-stopped",
    expects: "Succeeded",
    settings: { behaviour: "stays", seconds: 70 },
    deadlines: PATIENT,
    during: (run) => harm.stopKubelet(run, 60_000),
  },
  {
    name: "node-lost",
    expects: "NodeLost",
    settings: STAYS,
    deadlines: { ...PATIENT, running: "45s" },
    during: (run) => harm.stopKubelet(run, undefined),
  },
  {
    name: "no-definition",
    expects: "Interrupted",
    before: harm.removeDefinition,
    impossible: () => harm.applicationsOfOthers(),
  },
];

/** Classes that a run on this testbed cannot have, and why. */
export const NOT_HERE: Partial<Record<FailureClass, string>> = {
  RejectedBySpec: `what would be refused is found before anything is sent to ${NAMESPACE}`,
};

/** What a case needs of the testbed, or undefined when it is all there. */
export function lacking(): string | undefined {
  const missing = ["kube-apiserver", "kubelet", "s3", "spark-operator"].filter((part) => !isRunning(part));
  return missing.length === 0 ? undefined : `${missing.join(", ")} not running`;
}
