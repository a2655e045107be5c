/** @module The rights in its namespace that whoever submits and follows needs, and no others. */

export interface Right {
  group: string;
  /** Plural, with a subresource as in `pods/log`. */
  resource: string;
  verbs: readonly string[];
  /** What would not work without it. */
  because: string;
}

export const RIGHTS: readonly Right[] = [
  {
    group: "sparkoperator.k8s.io",
    resource: "sparkapplications",
    verbs: ["get", "list", "watch", "create", "delete"],
    because: "applications are made and removed",
  },
  {
    group: "sparkwright.dev",
    resource: "runs",
    verbs: ["get", "list", "watch", "create", "patch", "delete"],
    because: "runs are kept, and cancelled by an annotation",
  },
  {
    group: "sparkwright.dev",
    resource: "runs/status",
    verbs: ["update", "patch"],
    because: "what becomes of a run is recorded",
  },
  {
    group: "coordination.k8s.io",
    resource: "leases",
    verbs: ["get", "list", "watch", "create", "update", "delete"],
    because: "one process drives a run",
  },
  { group: "", resource: "pods", verbs: ["get", "list", "watch", "delete"], because: "pods tell what happened" },
  { group: "", resource: "pods/log", verbs: ["get"], because: "logs are read" },
  { group: "", resource: "services", verbs: ["list", "delete"], because: "what Spark leaves behind is removed" },
  { group: "", resource: "configmaps", verbs: ["list", "delete"], because: "what Spark leaves behind is removed" },
  { group: "", resource: "events", verbs: ["list"], because: "they tell why a pod does not start" },
  { group: "", resource: "resourcequotas", verbs: ["list"], because: "they tell why a pod is not made" },
];
