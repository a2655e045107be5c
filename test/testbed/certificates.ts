/** One authority and the few certificates that parts of a cluster show each other, made once per run folder. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { output, succeeds } from "./command.ts";
import { program } from "./build.ts";
import { NETWORK, NODE, PORTS, inRun, kubeconfig } from "./places.ts";

interface Subject {
  name: string;
  subject: string;
  /** Names and addresses a server answers to. */
  names?: string[];
}

const DAYS = "365";
const RENEW_BEFORE_S = String(7 * 24 * 3600);

const KUBERNETES_NAMES = ["", ".default", ".default.svc", ".default.svc.cluster.local"].map(
  (it) => `DNS:kubernetes${it}`,
);

const SUBJECTS: Subject[] = [
  {
    name: "apiserver",
    subject: "/CN=kube-apiserver",
    names: ["DNS:localhost", ...KUBERNETES_NAMES, "IP:127.0.0.1", `IP:${NETWORK.kubernetes}`, `IP:${NETWORK.host}`],
  },
  { name: "admin", subject: "/O=system:masters/CN=admin" },
  { name: "kubelet", subject: `/O=system:nodes/CN=system:node:${NODE}`, names: [`DNS:${NODE}`, `IP:${NETWORK.host}`] },
  { name: "controller-manager", subject: "/CN=system:kube-controller-manager" },
  { name: "scheduler", subject: "/CN=system:kube-scheduler" },
  { name: "dns", subject: "/CN=system:coredns" },
];

/** File of the authority, of a certificate or of a key: `certificate("admin.key")`. */
export function certificate(file: string): string {
  return inRun("certificates", file);
}

/**
 * Makes authority, keys, certificates and the kubeconfigs that hold them, unless they are there and good for another week.
 * Keys are RSA: the client library inside spark-submit reads no others.
 */
export function ensureCertificates(): void {
  if (!usable()) {
    rmSync(inRun("certificates"), { recursive: true, force: true });
    mkdirSync(inRun("certificates"), { recursive: true, mode: 0o700 });
    output("openssl", ["genrsa", "-out", certificate("service-accounts.key"), "2048"]);
    issue({ name: "ca", subject: "/CN=sparkwright-testbed" });
    for (const subject of SUBJECTS) issue(subject);
    writeFileSync(certificate("complete"), "");
  }
  for (const { name } of SUBJECTS) {
    if (name !== "apiserver")
      writeKubeconfig(name, { "client-certificate-data": data(`${name}.crt`), "client-key-data": data(`${name}.key`) });
  }
}

/** Writes a kubeconfig for an account that shows a token or a certificate. */
export function writeKubeconfig(account: string, user: Record<string, string>, namespace = "default"): void {
  mkdirSync(inRun("kubeconfig"), { recursive: true, mode: 0o700 });
  const cluster = { server: `https://127.0.0.1:${PORTS.api}`, "certificate-authority-data": data("ca.crt") };
  const document = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "testbed",
    clusters: [{ name: "testbed", cluster }],
    users: [{ name: account, user }],
    contexts: [{ name: "testbed", context: { cluster: "testbed", user: account, namespace } }],
  };
  const text = `${JSON.stringify(document, null, 2)}\n`;
  const file = kubeconfig(account);
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  // Others may read it at this moment.
  writeFileSync(`${file}.part`, text, { mode: 0o600 });
  renameSync(`${file}.part`, file);
}

/** Runs kubectl as the cluster's administrator. */
export function kubectl(args: string[], input?: string): string {
  const options = input === undefined ? {} : { input };
  return output(program("kubectl"), ["--kubeconfig", kubeconfig("admin"), ...args], options);
}

function usable(): boolean {
  if (!existsSync(certificate("complete"))) return false;
  return succeeds("openssl", ["x509", "-checkend", RENEW_BEFORE_S, "-noout", "-in", certificate("ca.crt")]);
}

function issue({ name, subject, names = [] }: Subject): void {
  const isAuthority = name === "ca";
  const lines = [
    "[req]\ndistinguished_name = subject\nx509_extensions = extensions\n[subject]\n[extensions]",
    `basicConstraints = critical, CA:${isAuthority ? "TRUE" : "FALSE"}`,
    isAuthority ? "subjectKeyIdentifier = hash" : "extendedKeyUsage = serverAuth, clientAuth",
    ...(names.length > 0 ? [`subjectAltName = ${names.join(", ")}`] : []),
  ];
  const config = certificate(`${name}.cnf`);
  writeFileSync(config, `${lines.join("\n")}\n`);
  const signer = isAuthority ? [] : ["-CA", certificate("ca.crt"), "-CAkey", certificate("ca.key")];
  const files = ["-keyout", certificate(`${name}.key`), "-out", certificate(`${name}.crt`)];
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS, "-subj", subject];
  output("openssl", [...request, "-config", config, ...signer, ...files]);
}

function data(file: string): string {
  return readFileSync(join(inRun("certificates"), file)).toString("base64");
}
