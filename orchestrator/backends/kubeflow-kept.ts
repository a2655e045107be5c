/** @module What a copy keeps of applications and pods: what evidence is read from, a small part of the whole. Pure. */
import type { Container, Meta, Pod } from "../kubernetes/objects.ts";
import { LABEL } from "../names.ts";
import type { SparkApplication } from "./kubeflow-evidence.ts";

const LABELS: string[] = [LABEL.run, LABEL.step, LABEL.attempt, "spark-role"];
const CONDITIONS = ["PodScheduled", "DisruptionTarget", "Ready"];

export function keptOfApplication({ metadata, spec, status }: SparkApplication): SparkApplication {
  const { applicationState, executionAttempts, terminationTime, driverInfo } = status ?? {};
  return {
    metadata: keptOfMeta(metadata),
    ...(spec && { spec: { ...keptOfRole("driver", spec), ...keptOfRole("executor", spec) } }),
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
    spec: {
      ...(spec?.nodeName === undefined ? {} : { nodeName: spec.nodeName }),
      containers: (spec?.containers ?? []).map(keptOfContainer),
    },
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
