/** @module `doctor` on a cluster: API server, definitions, operator, own rights, quota. */
import { applicationsNow } from "../backends/kubeflow-crowd.ts";
import { operatorHealth } from "../backends/kubeflow-health.ts";
import { type Right, RIGHTS } from "../backends/kubeflow-rights.ts";
import { RUNS } from "../kinds/definition.ts";
import { call, callFor } from "../kubernetes/call.ts";
import type { Connection } from "../kubernetes/connection.ts";
import { list } from "../kubernetes/list.ts";
import type { KubeObject } from "../kubernetes/objects.ts";
import { MissingApiError } from "../kubernetes/refusal.ts";
import { bytesOf } from "../quantity.ts";
import { duration } from "../report/measure.ts";
import type { Finding } from "../report/checkup.ts";
import { counted } from "../report/text.ts";
import { INSTALL } from "../storage/run-api.ts";
import { finding } from "./checkup.ts";

const OPERATOR = { group: "sparkoperator.k8s.io", version: "v1beta2", plural: "sparkapplications" };
const never = new AbortController().signal;
/** Somebody waits for the answer. */
const PATIENCE = { attempts: 2, idleMs: 10_000 };

/** Findings in the order in which they are to be mended. Without an API server there is nothing else to look at. */
export async function checkCluster(connection: Connection, namespace: string): Promise<Finding[]> {
  const server = await finding("API server", async () => {
    const action = "read the version of the API server";
    const { gitVersion = "?" } = await callFor<{ gitVersion?: string }>(
      connection,
      { method: "GET", path: "/version", action },
      never,
      PATIENCE,
    );
    return `${gitVersion} at ${connection.server}`;
  });
  if (server.outcome === "failed") return [server];
  const looks = [
    checkDefinition(connection, RUNS, "run definition", INSTALL),
    checkDefinition(connection, OPERATOR, "operator definition", INSTALL_OPERATOR),
    checkOperator(connection, namespace),
    ...RIGHTS.map((right) => checkRight(connection, namespace, right)),
    checkQuota(connection, namespace),
  ];
  return [server, ...(await Promise.all(looks))];
}

const INSTALL_OPERATOR = "helm install spark-operator spark-operator/spark-operator";

interface Served {
  group: string;
  version: string;
  plural: string;
}

function checkDefinition(
  connection: Connection,
  { group, version, plural }: Served,
  check: string,
  install: string,
): Promise<Finding> {
  return finding(check, async () => {
    const remedy = `Install it: ${install}`;
    const path = `/apis/${group}/${version}`;
    const action = `look for ${plural}.${group}`;
    const found = await call<{ resources?: { name: string }[] }>(
      connection,
      { method: "GET", path, action },
      never,
      PATIENCE,
    ).catch((error: unknown) => {
      if (error instanceof MissingApiError) return undefined;
      throw error;
    });
    const isServed = found?.resources?.some(({ name }) => name === plural) === true;
    if (isServed) return `${plural}.${group} ${version}`;
    return { check, outcome: "failed", says: `the cluster does not know ${plural}.${group} ${version}`, remedy };
  });
}

function checkOperator(connection: Connection, namespace: string): Promise<Finding> {
  const check = "operator";
  return finding(check, async () => {
    const { applications, now } = await applicationsNow(connection, namespace, never);
    const health = operatorHealth(applications, now);
    switch (health.is) {
      case "alive":
        return `it last reacted ${duration(health.agoMs)} ago, to ${health.application}`;
      case "silent":
        return {
          check,
          outcome: "failed",
          says: `it has not looked at ${health.application} for ${duration(health.sinceMs)}`,
          remedy: `See that it runs and watches namespace ${namespace} (its flag --namespaces)`,
        };
      case "unknown":
        return { check, outcome: "unknown", says: `there is no application in ${namespace} to which it has reacted` };
    }
  });
}

function checkRight(
  connection: Connection,
  namespace: string,
  { group, resource, verbs, because }: Right,
): Promise<Finding> {
  const check = `right: ${resource}`;
  return finding(check, async () => {
    const allowed = await Promise.all(verbs.map((verb) => may(connection, namespace, group, resource, verb)));
    const missing = verbs.filter((_verb, at) => allowed[at] !== true);
    if (missing.length === 0) return verbs.join(", ");
    return {
      check,
      outcome: "failed",
      says: `missing in ${namespace}: ${missing.join(", ")}`,
      remedy: `Ask the platform team for ${missing.join(", ")} of ${resource}${group === "" ? "" : `.${group}`} in ${namespace}: ${because}`,
    };
  });
}

async function may(
  connection: Connection,
  namespace: string,
  group: string,
  path: string,
  verb: string,
): Promise<boolean> {
  const [resource, subresource] = path.split("/");
  const body = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { namespace, verb, group, resource, ...(subresource && { subresource }) } },
  };
  const request = {
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body,
    action: "ask for the own rights",
  } as const;
  const { status } = await callFor<{ status?: { allowed?: boolean } }>(connection, request, never, PATIENCE);
  return status?.allowed === true;
}

interface Quota extends KubeObject {
  status?: { hard?: Record<string, string>; used?: Record<string, string> };
}

function checkQuota(connection: Connection, namespace: string): Promise<Finding> {
  const check = "quota";
  return finding(check, async () => {
    const path = `/api/v1/namespaces/${namespace}/resourcequotas`;
    const { items } = await list<Quota>(connection, { path, action: `list quotas of ${namespace}` }, never);
    if (items.length === 0) return `none in ${namespace}`;
    const rows = items.flatMap(({ status }) =>
      Object.entries(status?.hard ?? {}).map(([resource, hard]) => ({
        resource,
        hard,
        used: status?.used?.[resource] ?? "0",
      })),
    );
    const full = rows.filter(({ used, hard }) => bytesOf(used) >= bytesOf(hard));
    const says = rows.map(({ resource, used, hard }) => `${resource} ${used}/${hard}`).join(", ");
    if (full.length === 0) return `${counted(items.length, "quota")}: ${says}`;
    const remedy = `Wait for other applications to end, or ask the platform team to raise ${full.map(({ resource }) => resource).join(", ")}`;
    return { check, outcome: "failed", says, remedy };
  });
}
