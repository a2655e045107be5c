/** @module What a copy keeps of applications and pods: what evidence is read from, a small part of the whole. Pure. */
import type { Container, Meta, Pod } from "../kubernetes/objects.ts";
import { LABEL } from "../names.ts";
import type { SparkApplication } from "./kubeflow-evidence.ts";

const LABELS: string[] = [LABEL.run, LABEL.step, LABEL.attempt, "spark-role"];
const CONDITIONS = ["PodScheduled", "DisruptionTarget", "Ready"];

export function keptOfApplication({ metadata, status }: SparkApplication): SparkApplication {
  const { applicationState, executionAttempts, terminationTime, driverInfo } = status ?? {};
  return {
    metadata: keptOfMeta(metadata),
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
}: Meta): Meta {
  return {
    name,
    ...(namespace && { namespace }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
    ...(creationTimestamp && { creationTimestamp }),
    ...(deletionTimestamp && { deletionTimestamp }),
    labels: Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => LABELS.includes(key))),
  };
}
