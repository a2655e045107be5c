/** What is in the cluster before the first job: namespaces, accounts and their rights, definitions, the Python environment as a volume. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { operatorDefinitions, program } from "./build.ts";
import { certificate, kubectl, writeKubeconfig } from "./certificates.ts";
import { succeeds } from "./command.ts";
import { NAMESPACE, SOURCES, kubeconfig, sitePackages } from "./places.ts";
import { accounts } from "./s3.ts";

const ACCOUNTS = [
  { account: "sparkwright", namespace: NAMESPACE },
  { account: "spark-operator-controller", namespace: "spark-operator" },
] as const;

const TOKEN_HOURS = 720;
const RENEW_AFTER_MS = (TOKEN_HOURS / 2) * 3_600_000;
export const CLAIM = "python-environment";
const CREDENTIALS = "s3-jobs";

/** Namespaces, accounts, their rights, and a kubeconfig with a token for each account that is used from outside. */
export function ensureAccounts(): void {
  for (const file of ["namespace", "submitter", "operator", "dns"]) {
    kubectl(["apply", "--filename", join(SOURCES, "cluster", `${file}.yaml`)]);
  }
  for (const { account, namespace } of ACCOUNTS) if (!isAccepted(account)) giveToken(account, namespace);
}

const RUN_DEFINITION = join(SOURCES, "..", "..", "crds");

/** The operator's own definitions and ours, established: the operator ends at its start when the server does not serve its own yet. */
export function ensureDefinitions(): void {
  for (const folder of [operatorDefinitions(), RUN_DEFINITION]) {
    // The operator's are too large for the annotation that plain `apply` keeps.
    kubectl(["apply", "--server-side", "--force-conflicts", "--filename", folder]);
    kubectl(["wait", "--for=condition=Established", "--timeout=60s", "--filename", folder]);
  }
}

/** The jobs' S3 account as a secret, whose keys are the variables that S3A and Arrow look for. */
export function ensureJobCredentials(): void {
  const { jobs } = accounts();
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: CREDENTIALS, namespace: NAMESPACE },
    stringData: { AWS_ACCESS_KEY_ID: jobs.access, AWS_SECRET_ACCESS_KEY: jobs.secret },
  };
  kubectl(["apply", "--filename", "-"], JSON.stringify(secret));
}

/** The locked Python environment, read-only, as a claim that pods of the namespace mount. */
export function ensureEnvironmentClaim(): void {
  const path = sitePackages();
  // A volume's source cannot be changed, so the name follows from it; a claim on another one has to go first.
  const volume = `${CLAIM}-${path
    .replace(/[^a-z0-9]+/gi, "-")
    .toLowerCase()
    .slice(-40)}`;
  const size = { storage: "10Gi" };
  const bound = kubectl([
    "get",
    "pvc",
    CLAIM,
    "-n",
    NAMESPACE,
    "--ignore-not-found",
    "-o",
    "jsonpath={.spec.volumeName}",
  ]);
  if (bound !== volume) {
    kubectl(["delete", "pvc", CLAIM, "-n", NAMESPACE, "--ignore-not-found", "--timeout=60s"]);
    // One that was released by an earlier claim would not be bound again.
    kubectl(["delete", "pv", volume, "--ignore-not-found", "--timeout=60s"]);
  }
  const objects = [
    {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: volume },
      spec: {
        accessModes: ["ReadOnlyMany"],
        capacity: size,
        storageClassName: "",
        persistentVolumeReclaimPolicy: "Retain",
        hostPath: { path, type: "Directory" },
        claimRef: { namespace: NAMESPACE, name: CLAIM },
      },
    },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: CLAIM, namespace: NAMESPACE },
      spec: { accessModes: ["ReadOnlyMany"], storageClassName: "", volumeName: volume, resources: { requests: size } },
    },
  ];
  for (const object of objects) kubectl(["apply", "--filename", "-"], JSON.stringify(object));
  kubectl(["wait", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s", "-n", NAMESPACE, `pvc/${CLAIM}`]);
}

/** A token of this cluster that is not old; a new one at every `up` would restart whoever uses it. */
function isAccepted(account: string): boolean {
  const file = kubeconfig(account);
  if (!existsSync(file)) return false;
  const { mtimeMs } = statSync(file);
  if (Date.now() - mtimeMs > RENEW_AFTER_MS || mtimeMs < statSync(certificate("ca.crt")).mtimeMs) return false;
  return succeeds(program("kubectl"), ["--kubeconfig", file, "auth", "whoami"]);
}

function giveToken(account: string, namespace: string): void {
  const token = kubectl(["create", "token", account, "-n", namespace, `--duration=${TOKEN_HOURS}h`]).trim();
  writeKubeconfig(account, { token }, NAMESPACE);
}
