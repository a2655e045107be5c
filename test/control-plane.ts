/**
 * A Kubernetes API server of one's own, with its store and nothing else: no controllers, no nodes, free ports, an audit log. Any number of
 * them may run on a machine. The programs are those of the testbed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { MissingError } from "../scripts/missing.mjs";
import { selfSigned } from "./certificate.ts";
import { freePort } from "./free-port.ts";
import { operatorDefinitions, program } from "./testbed/build.ts";
import { output, succeeds, until } from "./testbed/command.ts";
import { SOURCES } from "./testbed/places.ts";

/** Namespace with the accounts that the testbed has, too. */
export const NAMESPACE = "offers";

export interface ControlPlane {
  url: string;
  /** Certificate to expect, as PEM. */
  ca: string;
  /** Tokens of whoever may do anything, and of whoever submits. */
  tokens: { admin: string; submitter: string };
  /** Kubeconfig of the administrator. */
  kubeconfig: string;
  /** One JSON document per line: all that the submitter asked, and every write to applications and pods. */
  auditLog: string;
  stop: () => Promise<void>;
}

/** As the API server names the account `sparkwright` of the namespace. */
export const SUBMITTER = `system:serviceaccount:${NAMESPACE}:sparkwright`;
const READY_MS = 120_000;
/** Would else end us without our children. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Keeps everything in `folder`, which has to be empty. Throws MissingError when the programs are not built, or do not start. */
export async function startControlPlane(folder: string): Promise<ControlPlane> {
  const needed = [program("etcd"), program("kube-apiserver"), program("kubectl"), operatorDefinitions()];
  if (!needed.every((path) => existsSync(path))) {
    throw new MissingError(
      "Cannot start an API server: its programs are not built",
      "npm run testbed -- up builds and starts them (npm run testbed -- down ends them again)",
    );
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const [port, client, peer] = await Promise.all([freePort(), freePort(), freePort()]);
  const children: ChildProcess[] = [];
  const endAll = () => children.forEach((child) => child.kill("SIGKILL"));
  process.once("exit", endAll);
  const leave = (signal: NodeJS.Signals) => {
    endAll();
    // Nobody listens to it any more.
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, leave);
  const plane: ControlPlane = {
    url: `https://127.0.0.1:${port}`,
    ...writeSecrets(folder),
    kubeconfig: join(folder, "kubeconfig"),
    auditLog: join(folder, "audit.log"),
    async stop() {
      const ended = children.filter((child) => child.exitCode === null).map((child) => once(child, "exit"));
      endAll();
      await Promise.all(ended);
      process.off("exit", endAll);
      for (const signal of SIGNALS) process.off(signal, leave);
    },
  };
  writeKubeconfig(plane.kubeconfig, plane.url, plane.ca, plane.tokens.admin);
  const etcd = `http://127.0.0.1:${client}`;
  const start = (name: "etcd" | "kube-apiserver", args: string[]) => {
    const log = openSync(join(folder, `${name}.log`), "a");
    children.push(spawn(program(name), args, { stdio: ["ignore", log, log] }));
    closeSync(log);
  };
  start("etcd", etcdArgs(folder, etcd, `http://127.0.0.1:${peer}`));
  start("kube-apiserver", apiServerArgs(folder, etcd, port));
  try {
    await ready(plane, folder, children);
  } catch (error) {
    await plane.stop();
    throw error;
  }
  return plane;
}

/** A kubeconfig for a bearer of a token. */
export function writeKubeconfig(path: string, server: string, ca: string, token: string): void {
  const cluster = { server, "certificate-authority-data": Buffer.from(ca).toString("base64") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "own", cluster }],
    users: [{ name: "own", user: { token } }],
    contexts: [{ name: "own", context: { cluster: "own", user: "own" } }],
    "current-context": "own",
  };
  writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
}

/** Keys, tokens and the policy of the audit log. */
function writeSecrets(folder: string): Pick<ControlPlane, "ca" | "tokens"> {
  const { key, cert } = selfSigned();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const tokens = { admin: randomBytes(16).toString("hex"), submitter: randomBytes(16).toString("hex") };
  const files = {
    "server.key": key,
    "server.crt": cert,
    "accounts.key": privateKey.export({ type: "pkcs1", format: "pem" }) as string,
    "tokens.csv": `${tokens.admin},admin,admin,"system:masters"\n${tokens.submitter},${SUBMITTER},submitter,"system:serviceaccounts"\n`,
    "audit.json": JSON.stringify(auditPolicy),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 });
  return { ca: cert, tokens };
}

const WRITES = ["create", "update", "patch", "delete", "deletecollection"];
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived", "ResponseStarted"],
  omitManagedFields: true,
  rules: [
    {
      level: "Request",
      verbs: WRITES,
      resources: [
        { group: "sparkoperator.k8s.io", resources: ["sparkapplications"] },
        { group: "", resources: ["pods", "pods/status"] },
      ],
    },
    { level: "Metadata", users: [SUBMITTER] },
    { level: "None" },
  ],
};

function etcdArgs(folder: string, client: string, peer: string): string[] {
  return [
    `--data-dir=${join(folder, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    "--log-level=warn",
    // What is lost with the machine is a test's.
    "--unsafe-no-fsync",
  ];
}

function apiServerArgs(folder: string, etcd: string, port: number): string[] {
  const file = (name: string) => join(folder, name);
  return [
    `--etcd-servers=${etcd}`,
    `--secure-port=${port}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    "--service-cluster-ip-range=10.96.0.0/16",
    `--tls-cert-file=${file("server.crt")}`,
    `--tls-private-key-file=${file("server.key")}`,
    `--token-auth-file=${file("tokens.csv")}`,
    `--service-account-key-file=${file("accounts.key")}`,
    `--service-account-signing-key-file=${file("accounts.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc",
    "--authorization-mode=RBAC",
    "--kubelet-preferred-address-types=InternalIP",
    `--audit-policy-file=${file("audit.json")}`,
    `--audit-log-path=${file("audit.log")}`,
    "--profiling=false",
  ];
}

/** Waits for an answer, then brings in definitions, namespace and the submitter's rights. */
async function ready(plane: ControlPlane, folder: string, children: ChildProcess[]): Promise<void> {
  const kubectl = ["--kubeconfig", plane.kubeconfig];
  const lacking = await until(() => {
    if (children.some((child) => child.exitCode !== null)) return "it ended";
    return succeeds(program("kubectl"), [...kubectl, "get", "--raw", "/readyz"]) ? undefined : "it does not answer";
  }, READY_MS);
  if (lacking !== undefined) {
    const words = readFileSync(join(folder, "kube-apiserver.log"), "utf8").trim().split("\n").slice(-6);
    throw new MissingError(`Cannot start an API server: ${lacking}`, words.join("\n  "));
  }
  const apply = (...args: string[]) => output(program("kubectl"), [...kubectl, "apply", ...args]);
  apply("--server-side", "--filename", operatorDefinitions());
  output(program("kubectl"), [
    ...kubectl,
    "wait",
    "--for=condition=Established",
    "--timeout=60s",
    "--filename",
    operatorDefinitions(),
  ]);
  for (const name of ["namespace", "submitter"]) apply("--filename", join(SOURCES, "cluster", `${name}.yaml`));
}
