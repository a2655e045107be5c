/** What the submitter's account of the testbed may do, on a real API server: all that is needed, and nothing else. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { call, callFor } from "../orchestrator/kubernetes/call.ts";
import { connect, type Connection } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { checkCluster } from "../orchestrator/runner/cluster-checkup.ts";
import { installRuns, makeNamespace, removeNamespace } from "./run-definition.ts";

interface Manifest {
  kind: "ServiceAccount" | "Role" | "RoleBinding";
  metadata: { name: string; namespace: string };
  subjects?: { namespace: string }[];
}
interface Rule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
}

const never = new AbortController().signal;
const file = process.env["SPARKWRIGHT_TEST_KUBECONFIG"] ?? "";
const admin = connect(readKubeconfig({ file }));
const namespace = `sparkwright-rights-${randomBytes(3).toString("hex")}`;
const home = mkdtempSync(join(tmpdir(), "sparkwright-rights-"));
let submitter: Connection;

beforeAll(async () => {
  await installRuns(admin);
  await makeNamespace(admin, namespace);
  const yaml = readFileSync(join(import.meta.dirname, "testbed/cluster/submitter.yaml"), "utf8");
  for (const document of parseAllDocuments(yaml)) await create(document.toJS() as Manifest);
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/sparkwright/token`;
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3600 } };
  const { status } = await callFor<{ status: { token: string } }>(
    admin,
    { method: "POST", path, body, action: "ask for a token" },
    never,
  );
  submitter = connect(readKubeconfig({ file: withToken(status.token) }));
});
afterAll(async () => {
  await removeNamespace(admin, namespace);
  await Promise.all([admin.close(), submitter.close()]);
  rmSync(home, { recursive: true, force: true });
});

function create(manifest: Manifest): Promise<unknown> {
  const body = {
    ...manifest,
    metadata: { ...manifest.metadata, namespace },
    ...(manifest.subjects && { subjects: manifest.subjects.map((subject) => ({ ...subject, namespace })) }),
  };
  const group = manifest.kind === "ServiceAccount" ? "/api/v1" : "/apis/rbac.authorization.k8s.io/v1";
  const path = `${group}/namespaces/${namespace}/${manifest.kind.toLowerCase()}s`;
  return call(admin, { method: "POST", path, body, action: `create ${manifest.kind}` }, never);
}

/** The administrator's kubeconfig with another user. */
function withToken(token: string): string {
  const [document] = parseAllDocuments(readFileSync(file, "utf8"));
  const config = document?.toJS() as { clusters: { name: string }[] };
  const path = join(home, "config");
  const contexts = [{ name: "me", context: { cluster: config.clusters[0]?.name, user: "me" } }];
  writeFileSync(
    path,
    JSON.stringify({ ...config, users: [{ name: "me", user: { token } }], contexts, "current-context": "me" }),
  );
  return path;
}

test("the submitter's rights are these", async () => {
  const body = { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } };
  const path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
  // A new role takes a moment to count.
  const rules = await vi.waitFor(async () => {
    const { status } = await callFor<{ status: { resourceRules: Rule[] } }>(
      submitter,
      { method: "POST", path, body, action: "ask" },
      never,
    );
    expect(status.resourceRules.some(({ resources }) => resources?.includes("sparkapplications"))).toBe(true);
    return status.resourceRules;
  });
  const lines = rules
    // What every account may do: ask about itself.
    .filter(({ resources = [] }) => !resources.some((resource) => resource.startsWith("selfsubject")))
    .flatMap(({ apiGroups = [], resources = [], verbs }) =>
      resources.map((resource) => `${resource}${apiGroups[0] ? `.${apiGroups[0]}` : ""}: ${verbs.join(" ")}`),
    );
  const text = `${lines.toSorted().join("\n")}\n`;
  expect(text).not.toMatch(/secrets|exec|\*|impersonate|escalate|bind/);
  await expect(text).toMatchFileSnapshot("golden/submitter-rights.txt");
});

test("with them nothing that doctor looks at is missing", async () => {
  const findings = await checkCluster(submitter, namespace);
  expect(findings.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  const elsewhere = await checkCluster(submitter, "kube-system");
  expect(elsewhere.filter(({ outcome }) => outcome === "failed").map(({ check }) => check)).toContain(
    "right: runs/status",
  );
});
