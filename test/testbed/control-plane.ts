/** etcd, API server, controller manager and scheduler: what each is started with and how one sees that it is ready. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { certificate } from "./certificates.ts";
import { program } from "./build.ts";
import type { Part } from "./part.ts";
import { NETWORK, PORTS, inRun, kubeconfig } from "./places.ts";

const ETCD = `http://127.0.0.1:${PORTS.etcd}`;

/** The parts of tier 1, in the order of their start. None needs root. */
export function controlPlane(): Part[] {
  return [etcd(), apiServer(), controllerManager()];
}

function etcd(): Part {
  return {
    name: "etcd",
    command: program("etcd"),
    args: [
      `--data-dir=${inRun("etcd")}`,
      `--listen-client-urls=${ETCD}`,
      `--advertise-client-urls=${ETCD}`,
      `--listen-peer-urls=http://127.0.0.1:${PORTS.etcdPeer}`,
      "--log-level=warn",
      // A machine that loses power loses a test cluster; in exchange writes do not wait for the disk.
      "--unsafe-no-fsync",
    ],
    reads: [],
    missing: async () => {
      const answer = await fetch(`${ETCD}/health`).catch(() => undefined);
      return answer?.ok === true ? undefined : "its health check does not answer";
    },
    readyWithinMs: 30_000,
  };
}

function apiServer(): Part {
  const key = certificate("service-accounts.key");
  return {
    name: "kube-apiserver",
    command: program("kube-apiserver"),
    args: [
      `--etcd-servers=${ETCD}`,
      `--secure-port=${PORTS.api}`,
      // Pods come in over the bridge, which does not exist yet on tier 1.
      "--bind-address=0.0.0.0",
      `--advertise-address=${NETWORK.host}`,
      `--service-cluster-ip-range=${NETWORK.services}`,
      `--tls-cert-file=${certificate("apiserver.crt")}`,
      `--tls-private-key-file=${certificate("apiserver.key")}`,
      `--client-ca-file=${certificate("ca.crt")}`,
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--authorization-mode=Node,RBAC",
      `--kubelet-client-certificate=${certificate("admin.crt")}`,
      `--kubelet-client-key=${certificate("admin.key")}`,
      `--kubelet-certificate-authority=${certificate("ca.crt")}`,
      "--kubelet-preferred-address-types=InternalIP",
      "--allow-privileged=true",
      "--profiling=false",
    ],
    reads: ["apiserver.crt", "ca.crt", "service-accounts.key"].map(certificate),
    missing: apiServerMissing,
    readyWithinMs: 120_000,
  };
}

function controllerManager(): Part {
  return {
    name: "kube-controller-manager",
    command: program("kube-controller-manager"),
    args: [
      `--kubeconfig=${kubeconfig("controller-manager")}`,
      `--service-account-private-key-file=${certificate("service-accounts.key")}`,
      `--root-ca-file=${certificate("ca.crt")}`,
      "--use-service-account-credentials=true",
      "--leader-elect=false",
      "--secure-port=0",
      // A node that falls silent is given up after 20 s instead of 50: tests wait for it.
      "--node-monitor-grace-period=20s",
    ],
    reads: [kubeconfig("controller-manager")],
    // It has no port: its first deed that others need is seen in the cluster.
    missing: async () => {
      const code = await ask("/api/v1/namespaces/default/serviceaccounts/default");
      return code === 200 ? undefined : "the namespace default has no service account yet";
    },
    readyWithinMs: 60_000,
  };
}

/** Places pods on the node; tier 2. */
export function scheduler(): Part {
  return {
    name: "kube-scheduler",
    command: program("kube-scheduler"),
    args: [`--kubeconfig=${kubeconfig("scheduler")}`, "--leader-elect=false", "--secure-port=0"],
    reads: [kubeconfig("scheduler")],
    missing: () => undefined,
    readyWithinMs: 30_000,
  };
}

/** What the API server lacks before it answers, or undefined. */
export async function apiServerMissing(): Promise<string | undefined> {
  const code = await ask("/readyz");
  return code === 200 ? undefined : `/readyz answers ${code ?? "nothing"}`;
}

function ask(path: string): Promise<number | undefined> {
  const files = {
    ca: readFileSync(certificate("ca.crt")),
    cert: readFileSync(certificate("admin.crt")),
    key: readFileSync(certificate("admin.key")),
  };
  return new Promise((resolve) => {
    const sent = request(
      { host: "127.0.0.1", port: PORTS.api, path, ...files, agent: false, timeout: 5000 },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    sent
      .once("timeout", () => sent.destroy())
      .once("error", () => resolve(undefined))
      .end();
  });
}
