/** What the submitter's account of the testbed may do, on a real API server: all that is needed, and nothing else. */
import { spawnSync } from "node:child_process";
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
import { program } from "./testbed/build.ts";
import { installRuns, makeNamespace, removeNamespace } from "./run-definition.ts";

interface Manifest {
  kind: "ServiceAccount" | "Role" | "RoleBinding";
  metadata: { name: string; namespace: string };
  subjects?: { namespace: string }[];
}

const never = new AbortController().signal;
const file = process.env["SPARKWRIGHT_TEST_KUBECONFIG"] ?? "";
const admin = connect(readKubeconfig({ file }));
const namespace = `sparkwright-rights-${randomBytes(3).toString("hex")}`;
const home = mkdtempSync(join(tmpdir(), "sparkwright-rights-"));
let config = "";
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
  config = withToken(status.token);
  submitter = connect(readKubeconfig({ file: config }));
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
  // A new role takes a moment to count.
  const rows = await vi.waitFor(
    () => {
      const listed = rightsOf(config);
      expect(listed.some((row) => row.startsWith("sparkapplications"))).toBe(true);
      return listed;
    },
    { timeout: 20_000 },
  );
  const text = `${rows.join("\n")}\n`;
  expect(text).not.toMatch(/secrets|exec|\*|impersonate|escalate|bind/);
  await expect(text).toMatchFileSnapshot("golden/submitter-rights.txt");
});

/** What `kubectl auth can-i --list` prints, sorted, less what every account may do: ask about itself, and read where the API is. */
function rightsOf(kubeconfig: string): string[] {
  const words = ["--kubeconfig", kubeconfig, "auth", "can-i", "--list", "-n", namespace];
  const { stdout, stderr, status } = spawnSync(program("kubectl"), words, { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const [, ...rows] = stdout.trimEnd().split("\n");
  return rows
    .filter((row) => !/^(?:selfsubject|\s)/.test(row))
    .map((row) => row.trimEnd().replaceAll(/\s{2,}/g, "  "))
    .toSorted();
}

test("with them nothing that doctor looks at is missing", async () => {
  const findings = await checkCluster(submitter, namespace);
  expect(findings.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  const elsewhere = await checkCluster(submitter, "kube-system");
  expect(elsewhere.filter(({ outcome }) => outcome === "failed").map(({ check }) => check)).toContain(
    "right: runs/status",
  );
});
