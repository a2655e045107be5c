/** Objects of an application as a cluster shows them, for tests of what is concluded from them. */
import { observationOf, type Seen, type SparkApplication } from "../orchestrator/backends/kubeflow-evidence.ts";
import type { ContainerState, Node, Pod } from "../orchestrator/kubernetes/objects.ts";

export const application = (state: string, errorMessage?: string, executionAttempts = 1): SparkApplication => ({
  metadata: { name: "app", namespace: "offers" },
  status: { applicationState: { state, ...(errorMessage && { errorMessage }) }, executionAttempts },
});

export function pod(
  role: "driver" | "executor",
  state: ContainerState | undefined,
  more: Partial<Pod["status"]> = {},
): Pod {
  const name = `spark-kubernetes-${role}`;
  return {
    metadata: { name: `app-${role}`, namespace: "offers" },
    spec: {
      nodeName: "node-1",
      containers: [{ name, resources: { requests: { cpu: "2", memory: "200Gi" }, limits: { memory: "1408Mi" } } }],
    },
    status: { phase: "Running", ...(state && { containerStatuses: [{ name, state }] }), ...more },
  };
}

/** The same pod while it is being deleted. */
export const deleted = (from: Pod): Pod => ({
  ...from,
  metadata: { ...from.metadata, deletionTimestamp: "2026-11-23T00:02:00Z" },
});

export const running: ContainerState = { running: { startedAt: "2026-11-23T00:00:00Z" } };
export const ended = (exitCode: number, more: object = {}): ContainerState => ({
  terminated: { exitCode, startedAt: "2026-11-23T00:00:00Z", finishedAt: "2026-11-23T00:01:00Z", ...more },
});
export const waits = (reason: string, message: string): ContainerState => ({ waiting: { reason, message } });
export const see = (more: Partial<Seen>) => observationOf({ executors: [], warnings: [], ...more });

export const node = (memory: string, ready = "True"): Node => ({
  metadata: { name: `node-${memory}` },
  status: { allocatable: { cpu: "8", memory }, conditions: [{ type: "Ready", status: ready }] },
});
export const lostByTaint = {
  conditions: [
    {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
    },
  ],
};
export const unschedulable = {
  phase: "Pending",
  conditions: [
    {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message: "0/1 nodes are available: 1 Insufficient memory.",
    },
  ],
};
