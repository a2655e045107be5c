/** What is done to a run, to its objects or to the cluster, with the administrator's rights. Each waits until it has had its effect. */
import { createPrivateKey, sign } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { MissingError } from "../../../scripts/missing.mjs";
import { ensureDefinitions } from "../accounts.ts";
import { certificate, kubectl, writeKubeconfig } from "../certificates.ts";
import { until } from "../command.ts";
import { controlPlane } from "../control-plane.ts";
import { kubelet } from "../node.ts";
import { operator } from "../operator.ts";
import { ensure, pidOf, stop } from "../part.ts";
import { NAMESPACE, kubeconfig } from "../places.ts";

/** Label of every object of this command's applications; its value tells invocations apart. */
export const MARK = "sparkwright-testbed";
const DEFINITION = "sparkapplications.sparkoperator.k8s.io";
const BEGINS_WITHIN_MS = 600_000;

/** A run that has been started. */
export interface Going {
  name: string;
  /** Resolves when its command has ended. */
  ended: Promise<unknown>;
  hasEnded: () => boolean;
  cancel: () => Promise<unknown>;
}

export async function deleteDriver(run: Going): Promise<void> {
  kubectl(["delete", "pod", "-n", NAMESPACE, await begun(run), "--wait=false"]);
}

export async function deleteApplication(run: Going): Promise<void> {
  await begun(run);
  kubectl(["delete", "sparkapplications", "-n", NAMESPACE, "-l", `sparkwright.dev/run=${run.name}`, "--wait=false"]);
}

/** As `kubectl drain` and the autoscaler of a cluster do it. */
export async function evictDriver(run: Going): Promise<void> {
  const name = await begun(run);
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: NAMESPACE } };
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`;
  kubectl(["create", "--raw", path, "-f", "-"], JSON.stringify(eviction));
}

export async function cancel(run: Going): Promise<void> {
  await begun(run);
  await run.cancel();
}

export async function killApiServer(run: Going): Promise<void> {
  await begun(run);
  kill("kube-apiserver");
  // Long enough for everybody to notice.
  await delay(5000);
  const part = controlPlane().find(({ name }) => name === "kube-apiserver");
  if (part !== undefined) await ensure(part);
}

/** Its spark-submit is a process of its own and may go on; the operator that comes back submits again. */
export async function killOperatorWhileItSubmits(run: Going): Promise<void> {
  const pid = pidOf("spark-operator");
  await waitFor(run, "its spark-submit", () => (children(pid).length === 0 ? undefined : "there"));
  kill("spark-operator");
  await ensure(operator());
}

export async function stopOperator(): Promise<() => Promise<unknown>> {
  await stop("spark-operator");
  return () => ensure(operator());
}

/** For so many ms, or until the run has ended. */
export async function stopKubelet(run: Going, ms: number | undefined): Promise<void> {
  await begun(run);
  kill("kubelet");
  await (ms === undefined ? run.ended : delay(ms));
  await ensure(kubelet());
}

/** A quota of the namespace, in force when this returns. */
export async function limitQuota(name: string, hard: Record<string, string>): Promise<() => Promise<unknown>> {
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name, namespace: NAMESPACE }, spec: { hard } };
  kubectl(["apply", "-f", "-"], JSON.stringify(quota));
  kubectl(["wait", "-n", NAMESPACE, `resourcequota/${name}`, "--for=jsonpath={.status.hard}", "--timeout=60s"]);
  return async () => kubectl(["delete", "resourcequota", "-n", NAMESPACE, name, "--ignore-not-found"]);
}

/** A kubeconfig with a token as the API server issues it to the submitter, which ran out an hour ago. */
export function expiredToken(): string {
  const account = "sparkwright";
  const uid = kubectl(["get", "serviceaccount", "-n", NAMESPACE, account, "-o", "jsonpath={.metadata.uid}"]);
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: ["https://kubernetes.default.svc"],
    iss: "https://kubernetes.default.svc",
    sub: `system:serviceaccount:${NAMESPACE}:${account}`,
    iat: now - 7200,
    nbf: now - 7200,
    exp: now - 3600,
    "kubernetes.io": { namespace: NAMESPACE, serviceaccount: { name: account, uid } },
  };
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}`;
  const key = createPrivateKey(readFileSync(certificate("service-accounts.key")));
  const token = `${text}.${sign("RSA-SHA256", Buffer.from(text), key).toString("base64url")}`;
  writeKubeconfig("classes-expired", { token }, NAMESPACE);
  return kubeconfig("classes-expired");
}

/** The operator's definition goes, and every application with it. */
export async function removeDefinition(): Promise<() => Promise<unknown>> {
  kubectl(["delete", "crd", DEFINITION, "--timeout=60s"]);
  return async () => {
    ensureDefinitions();
    await stop("spark-operator");
    await ensure(operator());
  };
}

/** Applications that are not this command's, as a reason to leave the definition alone. */
export function applicationsOfOthers(): string | undefined {
  const selector = `!${MARK}`;
  const names = kubectl(["get", "sparkapplications", "-A", "-l", selector, "-o", "name"]).trim();
  const count = names === "" ? 0 : names.split("\n").length;
  return count === 0 ? undefined : `it would delete ${count} applications of others in this cluster`;
}

/** Deletes the applications of one invocation. */
export function sweep(stamp: string): void {
  kubectl(["delete", "sparkapplications", "-A", "-l", `${MARK}=${stamp}`, "--ignore-not-found"]);
}

/** Name of the driver's pod, once the job itself has said something. */
async function begun(run: Going): Promise<string> {
  const select = ["-n", NAMESPACE, "-l", `sparkwright.dev/run=${run.name},spark-role=driver`];
  return waitFor(run, "its driver", () => {
    const name = kubectl([
      "get",
      "pods",
      ...select,
      "-o",
      "jsonpath={.items[?(@.status.phase=='Running')].metadata.name}",
    ]);
    if (name === "") return undefined;
    const log = kubectl(["logs", "-n", NAMESPACE, name, "-c", "spark-kubernetes-driver", "--tail=50"]);
    return /^(behaviour|second)/m.test(log) ? name : undefined;
  });
}

async function waitFor(run: Going, what: string, look: () => string | undefined): Promise<string> {
  let found: string | undefined;
  const lacking = await until(
    () => {
      found = look();
      return found === undefined && !run.hasEnded() ? "absent" : undefined;
    },
    BEGINS_WITHIN_MS,
    500,
  );
  if (found !== undefined) return found;
  throw new MissingError(
    `Cannot go on with ${run.name}: ${what} did not come${lacking === undefined ? " before it ended" : ""}`,
    `sparkwright describe ${run.name} tells more`,
  );
}

function kill(part: string): void {
  const pid = pidOf(part);
  if (pid !== undefined) process.kill(pid, "SIGKILL");
}

/** Processes that a process has started. */
function children(parent: number | undefined): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => parentOf(pid) === parent).map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return undefined; // it has ended
  }
}
