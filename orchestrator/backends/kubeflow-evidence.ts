/** @module What the objects of an application say, as an observation. Pure; the operator's object is a hint, pods are evidence. */
import type { Pod, Container, ContainerState } from "../kubernetes/objects.ts";
import type { ClusterEvidence, Observation, PodEvidence } from "../spark-app.ts";
import { terminationOf } from "./termination.ts";

/** What we read of the operator's object. */
export interface SparkApplication {
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    deletionTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: Partial<
    Record<"driver" | "executor", { memory?: string; memoryOverhead?: string; labels?: Record<string, string> }>
  >;
  status?: {
    applicationState?: { state?: string; errorMessage?: string };
    executionAttempts?: number;
    terminationTime?: string | null;
    driverInfo?: { podName?: string };
  };
}

export interface Seen {
  application?: SparkApplication | undefined;
  driver?: Pod | undefined;
  executors: Pod[];
  /** Of type Warning, oldest first: `REASON: message`. */
  warnings: string[];
  /** Names of nodes that no longer answer. */
  lostNodes?: ReadonlySet<string>;
}

export const DRIVER_CONTAINER = "spark-kubernetes-driver";
export const EXECUTOR_CONTAINER = "spark-kubernetes-executor";
const MOST_WARNINGS = 5;

/** States in which the operator will do nothing more about it. */
const OVER = ["COMPLETED", "FAILED"];
/** States in which it has, or had, a driver. */
const BEGUN = ["RUNNING", "SUCCEEDING", "FAILING", "UNKNOWN", "COMPLETED", "FAILED"];

/** What is there now; undefined when nothing is. Nothing is concluded from the operator's object that a pod contradicts. */
export function observationOf(seen: Seen): Observation | undefined {
  const { application, driver } = seen;
  if (application === undefined && driver === undefined) return undefined;
  const cluster = clusterEvidence(seen);
  if (driver !== undefined) return { ...ofDriver(driver), where: placeOf(driver), cluster };
  return withoutDriver(application?.status, cluster);
}

function ofDriver(driver: Pod): Omit<Observation, "where" | "cluster"> {
  const state = stateOf(driver, DRIVER_CONTAINER);
  const times = (ended: { startedAt?: string; finishedAt?: string } | undefined) => ({
    ...moment("startedAt", ended?.startedAt),
    ...moment("endedAt", ended?.finishedAt),
  });
  if (state?.terminated !== undefined) {
    const { exitCode, signal, message } = state.terminated;
    const termination = terminationOf(message);
    return {
      phase: "Ended",
      ...times(state.terminated),
      exitCode,
      ...(signal ? { signal: String(signal) } : {}),
      ...(termination && { termination }),
    };
  }
  // Evicted, or its node went: no container tells how it ended.
  if (driver.status?.phase === "Failed")
    return { phase: "Ended", ...times({ startedAt: driver.status.startTime ?? "" }) };
  if (driver.status?.phase === "Succeeded") return { phase: "Ended", exitCode: 0 };
  if (state?.running !== undefined) return { phase: "Running", ...times(state.running) };
  return { phase: "Pending" };
}

/** The operator's word alone: whether its end was good nobody has seen, so COMPLETED leaves it to the outputs. */
function withoutDriver(status: SparkApplication["status"], cluster: ClusterEvidence): Observation {
  const state = status?.applicationState?.state ?? "";
  const ended = moment("endedAt", status?.terminationTime ?? undefined);
  if (state === "COMPLETED")
    return { phase: "Ended", exitCode: 0, ...ended, where: "the operator's word; the driver's pod is gone", cluster };
  if (state === "FAILED")
    return {
      phase: "Ended",
      ...ended,
      where: `${status?.driverInfo?.podName ?? "a driver"}, whose pod is gone`,
      cluster,
    };
  if (state === "SUBMISSION_FAILED") return { phase: "Ended", ...ended, where: "the operator's word", cluster };
  return {
    phase: BEGUN.includes(state) ? "Running" : "Submitted",
    where: state === "" ? "the operator has not taken it up" : `the operator says ${state}; there is no driver pod`,
    cluster,
  };
}

function clusterEvidence({ application, driver, executors, warnings, lostNodes }: Seen): ClusterEvidence {
  const status = application?.status;
  const evidence = (pod: Pod, role: "driver" | "executor"): PodEvidence => {
    const container = role === "driver" ? DRIVER_CONTAINER : EXECUTOR_CONTAINER;
    const { memory, memoryOverhead } = application?.spec?.[role] ?? {};
    // As we write them; a webhook may have written something else.
    const isOurs = [memory, memoryOverhead].every((size) => /^\d+[mg]$/.test(size ?? ""));
    const asked = isOurs ? { memory: { heap: memory ?? "", overhead: memoryOverhead ?? "" } } : {};
    return { ...podEvidence(pod, container, lostNodes), ...asked };
  };
  const counted = executors.toSorted(byEnd).map((pod) => evidence(pod, "executor"));
  const failed = counted.filter(
    ({ exitCode, reason }) => (exitCode !== undefined && exitCode !== 0) || reason !== undefined,
  );
  const waiting = counted.filter((one) => one.waiting !== undefined || one.unschedulable !== undefined);
  const first = failed.find((one) => one.exitReason === "OOMKilled") ?? failed[0] ?? waiting[0];
  return {
    ...(application && {
      application: {
        state: status?.applicationState?.state ?? "",
        ...(status?.applicationState?.errorMessage ? { message: status.applicationState.errorMessage } : {}),
        submitted: (status?.executionAttempts ?? 0) > 0,
      },
    }),
    ...(driver && { driver: evidence(driver, "driver") }),
    ...(executors.length > 0 && {
      executors: {
        running: executors.filter((pod) => stateOf(pod, EXECUTOR_CONTAINER)?.running !== undefined).length,
        waiting: waiting.length,
        failed: failed.length,
        ...(first && { first }),
      },
    }),
    ...(warnings.length > 0 && { warnings: warnings.slice(-MOST_WARNINGS) }),
  };
}

/** What a pod says about itself. */
export function podEvidence(pod: Pod, container: string, lostNodes?: ReadonlySet<string>): PodEvidence {
  const { spec, status } = pod;
  const state = stateOf(pod, container);
  const scheduling = status?.conditions?.find(({ type }) => type === "PodScheduled");
  const disrupted = status?.conditions?.find(({ type, status: is }) => type === "DisruptionTarget" && is === "True");
  const { requests, limits } = resourcesOf(spec?.containers, container);
  const reason = status?.reason ?? disrupted?.reason;
  const message = status?.message ?? disrupted?.message;
  const node = spec?.nodeName;
  return {
    name: pod.metadata.name,
    ...(node && { node }),
    ...(reason && { reason }),
    ...(message && { message }),
    ...(state?.waiting?.reason && {
      waiting: { reason: state.waiting.reason, ...(state.waiting.message && { message: state.waiting.message }) },
    }),
    ...(scheduling?.status === "False" && { unschedulable: scheduling.message ?? scheduling.reason ?? "" }),
    ...(requests && { requests }),
    ...(limits && { limits }),
    ...(state?.terminated && {
      exitCode: state.terminated.exitCode,
      ...(state.terminated.reason && { exitReason: state.terminated.reason }),
    }),
    ...(node && lostNodes?.has(node) && { nodeLost: true }),
    ...(pod.metadata.deletionTimestamp !== undefined && { deleted: true }),
  };
}

/** Whether the operator has submitted it, or tried to. */
export function hasBegun({ status }: SparkApplication): boolean {
  return (status?.applicationState?.state ?? "") !== "" || (status?.executionAttempts ?? 0) > 0;
}

/**
 * The driver among those that bear an application's labels: a submission that is still under way when its application is deleted makes a
 * driver that belongs to the deleted one, and its successor of the same name must not take that for its own.
 */
export function ownDriver(drivers: readonly Pod[], application: SparkApplication | undefined): Pod | undefined {
  const uid = application?.metadata.uid;
  const isOthers = ({ metadata }: Pod) =>
    metadata.ownerReferences?.some((owner) => owner.kind === "SparkApplication" && owner.uid !== uid) === true;
  return drivers.find((driver) => uid === undefined || !isOthers(driver));
}

/** Whether the operator will never touch it again. */
export function isOver(application: SparkApplication | undefined): boolean {
  return OVER.includes(application?.status?.applicationState?.state ?? "");
}

/** Whether the driver has ended, whatever sidecars do. */
export function hasEnded(driver: Pod): boolean {
  return ofDriver(driver).phase === "Ended";
}

function stateOf(pod: Pod, container: string): ContainerState | undefined {
  return pod.status?.containerStatuses?.find(({ name }) => name === container)?.state;
}

/** Executors that ended come first, in the order of their ends; the others by name. */
function byEnd(a: Pod, b: Pod): number {
  const [left, right] = [a, b].map((pod) => stateOf(pod, EXECUTOR_CONTAINER)?.terminated?.finishedAt ?? "~");
  if (left === right) return a.metadata.name.localeCompare(b.metadata.name, "en", { numeric: true });
  return (left ?? "") < (right ?? "") ? -1 : 1;
}

function resourcesOf(containers: Container[] | undefined, name: string): NonNullable<Container["resources"]> {
  return containers?.find((one) => one.name === name)?.resources ?? {};
}

function placeOf({ metadata, spec }: Pod): string {
  return `pod ${metadata.namespace ?? ""}/${metadata.name}${spec?.nodeName ? ` on ${spec.nodeName}` : ""}`;
}

/** Epoch milliseconds of a time as Kubernetes writes it; it writes none as null or as the year 1. */
function moment(field: "startedAt" | "endedAt", time: string | undefined): Partial<Observation> {
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) || ms < 0 ? {} : { [field]: ms };
}
