/** The node: containerd with its own root and sockets, the kubelet above it, and cluster DNS. All need root on Linux. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { program } from "./build.ts";
import { certificate, kubectl } from "./certificates.ts";
import { output, succeeds } from "./command.ts";
import { CONTROL_GROUP } from "./containment.ts";
import type { Part } from "./part.ts";
import { IMAGES, NETWORK, NODE, PORTS, inRun, kubeconfig } from "./places.ts";

const SOCKET = inRun("containerd.sock");

/** Runs containerd's own client on the images and containers of pods. */
export function ctr(args: string[]): string[] {
  return ["--address", SOCKET, "--namespace", "k8s.io", ...args];
}

export function containerd(): Part {
  const config = inRun("containerd.toml");
  write(config, containerdConfig());
  write(inRun("cni/10-testbed.conflist"), `${JSON.stringify(networkConfig(), null, 2)}\n`);
  return {
    name: "containerd",
    command: "/usr/bin/containerd",
    args: ["--config", config],
    reads: [config],
    missing: () => (succeeds("ctr", ["--address", SOCKET, "version"]) ? undefined : "its socket does not answer"),
    readyWithinMs: 30_000,
  };
}

export function kubelet(): Part {
  const config = inRun("kubelet.json");
  write(config, `${JSON.stringify(kubeletConfig(), null, 2)}\n`);
  return {
    name: "kubelet",
    command: program("kubelet"),
    args: [
      `--config=${config}`,
      `--kubeconfig=${kubeconfig("kubelet")}`,
      `--root-dir=${inRun("kubelet")}`,
      `--cert-dir=${inRun("certificates")}`,
      `--hostname-override=${NODE}`,
      `--node-ip=${NETWORK.host}`,
    ],
    reads: [config, kubeconfig("kubelet"), certificate("kubelet.crt")],
    missing: async () => {
      // The cluster may still hold the Ready of an earlier kubelet, so it is asked itself as well.
      const health = await fetch(`http://127.0.0.1:${PORTS.kubeletHealth}/healthz`).catch(() => undefined);
      return health?.ok === true && nodeIsReady() ? undefined : `node ${NODE} is not Ready`;
    },
    readyWithinMs: 90_000,
  };
}

export function dns(): Part {
  const corefile = inRun("Corefile");
  write(
    corefile,
    `cluster.local:53 in-addr.arpa:53 {
  bind ${NETWORK.dns}
  errors
  ready 127.0.0.1:${PORTS.dnsReady}
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${kubeconfig("dns")}
    ttl 1
  }
}
`,
  );
  return {
    name: "dns",
    command: program("dns"),
    args: ["-conf", corefile],
    reads: [corefile, kubeconfig("dns")],
    missing: async () => {
      const answer = await fetch(`http://127.0.0.1:${PORTS.dnsReady}/ready`).catch(() => undefined);
      return answer?.ok === true ? undefined : "it has not read the cluster's services yet";
    },
    readyWithinMs: 30_000,
  };
}

function nodeIsReady(): boolean {
  const path = '{.items[*].status.conditions[?(@.type=="Ready")].status}';
  return kubectl(["get", "nodes", `--field-selector=metadata.name=${NODE}`, "-o", `jsonpath=${path}`]) === "True";
}

/** Every path is ours, so that `down` knows where to look and no other containerd of the machine is touched. */
function containerdConfig(): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const plugins = output("dpkg", ["-L", "containernetworking-plugins"]);
  const bridge = plugins.split("\n").find((file) => file.endsWith("/bridge")) ?? "/usr/lib/cni/bridge";
  return `version = 2
root = "${inRun("containerd/root")}"
state = "${inRun("containerd/state")}"
[grpc]
  address = "${SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${inRun("containerd/opt")}"
[${cri}]
  sandbox_image = "${IMAGES.pause}"
  # A machine without CAP_SYS_RESOURCE refuses lower scores than its own.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  [${cri}.containerd]
    snapshotter = "overlayfs"
  [${cri}.cni]
    bin_dir = "${dirname(bridge)}"
    conf_dir = "${inRun("cni")}"
  [${cri}.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [${cri}.containerd.runtimes.runc.options]
      SystemdCgroup = false
      Root = "${inRun("containerd/runc")}"
`;
}

function networkConfig(): unknown {
  const ipam = {
    type: "host-local",
    dataDir: inRun("addresses"),
    ranges: [[{ subnet: NETWORK.subnet, gateway: NETWORK.host }]],
    routes: [{ dst: "0.0.0.0/0" }],
  };
  const bridge = { type: "bridge", bridge: NETWORK.bridge, isGateway: true, hairpinMode: true, ipam };
  return { cniVersion: "1.0.0", name: "sparkwright-testbed", plugins: [bridge] };
}

function kubeletConfig(): unknown {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    port: PORTS.kubelet,
    healthzPort: PORTS.kubeletHealth,
    readOnlyPort: 0,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificate("ca.crt") },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: certificate("kubelet.crt"),
    tlsPrivateKeyFile: certificate("kubelet.key"),
    containerRuntimeEndpoint: `unix://${SOCKET}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${CONTROL_GROUP}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    makeIPTablesUtilChains: false,
    clusterDNS: [NETWORK.dns],
    clusterDomain: "cluster.local",
    podLogsDir: inRun("kubelet/logs"),
    evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
    // Images come from nowhere but `up`: one that is collected is gone.
    imageGCHighThresholdPercent: 100,
    nodeStatusUpdateFrequency: "5s",
    volumePluginDir: inRun("kubelet/plugins"),
  };
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
