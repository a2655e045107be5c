/** @module What a copy keeps of applications and pods: what evidence is read from, a small part of the whole. */
import type { Container, Meta, Pod } from "../kubernetes/objects.ts";
import { LABEL } from "../names.ts";
import type { SparkApplication } from "./kubeflow-evidence.ts";

const LABELS: string[] = [LABEL.run, LABEL.step, LABEL.attempt, "spark-role"];
/** Most applications of a namespace ask for the same sizes: each is kept once. Forgotten when there are this many. */
const SHARED = 1000;
const shared = new Map<string, object>();
const CONDITIONS = ["PodScheduled", "DisruptionTarget", "Ready"];

export function keptOfApplication({ metadata, spec, status }: SparkApplication): SparkApplication {
  const { applicationState, executionAttempts, terminationTime, driverInfo } = status ?? {};
  return {
    metadata: keptOfMeta(metadata),
    ...(spec && { spec: once({ ...keptOfRole("driver", spec), ...keptOfRole("executor", spec) }) }),
    ...(status && {
      status: {
        ...(applicationState && { applicationState }),
        ...(executionAttempts === undefined ? {} : { executionAttempts }),
        ...(terminationTime ? { terminationTime } : {}),
        ...(driverInfo?.podName === undefined ? {} : { driverInfo: { podName: driverInfo.podName } }),
      },
    }),
  };
}

/** What its memory is made of; a kill for too much of it is explained with that. */
function keptOfRole(
  role: "driver" | "executor",
  spec: NonNullable<SparkApplication["spec"]>,
): SparkApplication["spec"] {
  const { memory, memoryOverhead } = spec[role] ?? {};
  return { [role]: { ...(memory && { memory }), ...(memoryOverhead && { memoryOverhead }) } };
}

export function keptOfPod({ metadata, spec, status }: Pod): Pod {
  const { phase, reason, message, startTime, conditions, containerStatuses } = status ?? {};
  return {
    metadata: keptOfMeta(metadata),
    spec: once({
      ...(spec?.nodeName === undefined ? {} : { nodeName: spec.nodeName }),
      containers: (spec?.containers ?? []).map(keptOfContainer),
    }),
    status: {
      ...(phase && { phase }),
      ...(reason && { reason }),
      ...(message && { message }),
      ...(startTime && { startTime }),
      ...(conditions && {
        conditions: conditions
          .filter(({ type }) => CONDITIONS.includes(type))
          .map((one) => ({
            type: one.type,
            status: one.status,
            ...(one.reason && { reason: one.reason }),
            ...(one.message && { message: one.message }),
          })),
      }),
      ...(containerStatuses && {
        containerStatuses: containerStatuses.map(({ name, state }) => ({ name, ...(state && { state }) })),
      }),
    },
  };
}

/** The object itself, or one before that was equal to it; nobody may change it. */
function once<T extends object>(object: T): T {
  const key = JSON.stringify(object);
  const before = shared.get(key);
  if (before !== undefined) return before as T;
  if (shared.size >= SHARED) shared.clear();
  shared.set(key, Object.freeze(object));
  return object;
}

function keptOfContainer({ name, resources }: Container): Container {
  return {
    name,
    ...(resources && {
      resources: {
        ...(resources.requests && { requests: resources.requests }),
        ...(resources.limits && { limits: resources.limits }),
      },
    }),
  };
}

function keptOfMeta({
  name,
  namespace,
  uid,
  resourceVersion,
  creationTimestamp,
  deletionTimestamp,
  labels,
  ownerReferences,
}: Meta): Meta {
  return {
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(creationTimestamp && { creationTimestamp }),
    ...(deletionTimestamp && { deletionTimestamp }),
    ...(ownerReferences && {
      ownerReferences: ownerReferences.map(({ kind, name: owner, uid: of }) => ({ kind, name: owner, uid: of })),
    }),
    labels: Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => LABELS.includes(key))),
  };
}
