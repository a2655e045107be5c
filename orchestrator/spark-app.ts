/** One attempt of a step as a Spark application, before any backend gives it a form. */
import type { Target } from "./kinds/target.ts";

export type Size = Target["sizes"][string];

export interface SparkApp {
  /** From `applicationName(run, step, attempt)`. */
  name: string;
  namespace: string;
  run: string;
  /** Identity of the Run object, where there is one: with that the application is deleted, too. */
  runUid?: string;
  step: string;
  attempt: number;
  kind: string;
  job: string;
  /** Digest of everything that decides what runs; kept as an annotation so that an adopted object can be compared. */
  digest: string;
  /** Main Python file and the archive of modules beside it: absolute paths or URIs below the code digest. */
  main: string;
  archive: string;
  /** Place of the attempt's documents: params.json, result.json, driver.log … A folder or URI without trailing slash. */
  prefix: string;
  size: Size;
  /** Merged Spark settings: product, target, size; later wins. */
  conf: Record<string, string>;
  /** Training processes that must run at once (a barrier stage); 0 when the job has none. */
  ranks: number;
  target: Target;
}

/** What a backend sees of an application now. Evidence, never a verdict: that is `engine/verdict.ts`. */
export interface Observation {
  phase: "Submitted" | "Pending" | "Running" | "Ended";
  /** Epoch milliseconds at which the driver started and ended, when known. */
  startedAt?: number;
  endedAt?: number;
  /** Exit code and signal of the driver, when it ended. `undefined` for both: the end was not seen (StatusLost). */
  exitCode?: number;
  signal?: string;
  /** The end was not seen, and the job's result document, which it writes last of all, is there. */
  hasResult?: boolean;
  /** The job's own last words: the termination document, when there is one. */
  termination?: { class?: string; type?: string; message?: string; remedy?: string; traceback?: string };
  /** Last lines of the driver's log, when the driver ended badly. */
  logTail?: string;
  /** The job's progress document. */
  progress?: { stage?: string; stages_done: number; stages_active: number; tasks_done: number; tasks_total: number };
  /** Where the evidence was seen: a pid, a pod. */
  where?: string;
  /** What a cluster says about it. */
  cluster?: ClusterEvidence;
}

/** What Kubernetes and an operator know of an application. Absent fields: nothing to tell. */
export interface ClusterEvidence {
  /** The operator's word, which is a hint: state and error message of its object. */
  application?: { state: string; message?: string; submitted: boolean };
  driver?: PodEvidence;
  /** Executors by what became of them, and the first one that failed or cannot start. */
  executors?: { running: number; waiting: number; failed: number; first?: PodEvidence };
  /** Warnings about driver and executors, newest last: `FailedMount: secret "x" not found`. */
  warnings?: string[];
}

export interface PodEvidence {
  name: string;
  node?: string;
  /** Why the pod as a whole ended or is being ended: Evicted, NodeLost, PreemptionByScheduler … */
  reason?: string;
  message?: string;
  /** Why its container has not started: ImagePullBackOff, CreateContainerConfigError … */
  waiting?: { reason: string; message?: string };
  /** Why no node takes it, in the scheduler's words. */
  unschedulable?: string;
  /** Requests and limits as quantities: `cpu`, `memory`. */
  requests?: Record<string, string>;
  limits?: Record<string, string>;
  /** How the container ended. */
  exitCode?: number;
  exitReason?: string;
  /** Set when no node could ever take it: resource, what it asks for and the most a node has, as quantities. */
  tooLarge?: { resource: string; asks: string; largest: string; missing: string }[];
  /** Whether its node no longer answers. */
  nodeLost?: boolean;
  /** Whether somebody deleted it: it has ended because of that, or is about to. */
  deleted?: boolean;
  /** Memory as the application asks for it: heap and what is beside it. */
  memory?: { heap: string; overhead: string };
  /** Last lines of its log, of the first executor that failed. */
  logTail?: string;
}
