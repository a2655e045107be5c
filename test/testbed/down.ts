/** Takes the testbed down, also one whose parts were killed, and looks whether anything stays. */
import { existsSync, rmSync } from "node:fs";
import { bearers, identify, signalTo } from "../../orchestrator/process.ts";
import { MissingError } from "../../scripts/missing.mjs";
import { output, say, succeeds, timed, until } from "./command.ts";
import {
  containerProcesses,
  endContainers,
  groupFolders,
  mounts,
  removeFolder,
  removeStrayFiles,
  strayFiles,
} from "./containment.ts";
import { networkPieces, removeNetwork } from "./network.ts";
import { ctr } from "./node.ts";
import { recorded, stop } from "./part.ts";
import { MARK, inRun } from "./places.ts";

/** Those that start others come first, those that others need last. */
const ORDER = [
  "spark-operator",
  "kube-scheduler",
  "kube-controller-manager",
  "kubelet",
  "containers",
  "containerd",
  "dns",
  "s3",
  "kube-apiserver",
  "etcd",
];

/** What the next `up` starts without. Images stay, since importing them takes a minute, and logs stay for whoever looks into a fault. */
const FORGOTTEN = [
  "addresses certificates cni containerd/opt containerd/runc containerd/state etcd image kubeconfig kubelet parts s3 tree",
  "Corefile containerd.toml containerd.sock containerd.sock.ttrpc kubelet.json",
].flatMap((names) => names.split(" "));

const END_WITHIN_MS = 20_000;

/**
 * Ends what was recorded, then whatever bears our mark, and undoes mounts, control groups, network and files.
 * @throws {MissingError} a part does not end, or a mount stays
 */
export async function down(): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  for (const name of [...ORDER, ...recorded().filter((it) => !ORDER.includes(it))]) {
    if (name === "containers") await timed("containers ended", removeContainers);
    else if (await stop(name)) say(`stopped ${name}`);
  }
  await endBearers();
  if (isRoot && process.platform === "linux") {
    removeNetwork();
    removeStrayFiles();
  }
  for (const name of FORGOTTEN) removeFolder(inRun(name));
}

/** What a testbed would leave behind, one line each; empty after a good `down`. */
export function leftovers(): string[] {
  const marked = bearers(MARK.variable, MARK.value).filter((pid) => pid !== process.pid);
  return [
    ...marked.map((pid) => `process ${pid} was started by the testbed`),
    ...containerProcesses().map((pid) => `process ${pid} is in a pod's control group`),
    ...groupFolders().map((folder) => `control group ${folder}`),
    ...mounts().map((point) => `mount ${point}`),
    ...(succeeds("ip", ["-V"]) ? networkPieces() : []),
    ...strayFiles().map((file) => `file ${file}`),
    ...recorded().map((name) => `record of ${name}`),
  ];
}

/** Containers are known to containerd and to the kernel; both have to let go of them. */
async function removeContainers(): Promise<void> {
  await endContainers();
  if (!existsSync(inRun("containerd.sock")) || !succeeds("ctr", ["--address", inRun("containerd.sock"), "version"]))
    return;
  for (const [what, remove] of [
    ["tasks", ["tasks", "delete", "--force"]],
    ["containers", ["containers", "delete"]],
  ] as const) {
    const names = output("ctr", ctr([what, "list", "--quiet"]))
      .split("\n")
      .filter(Boolean);
    if (names.length > 0) succeeds("ctr", ctr([...remove, ...names]));
  }
}

/** Shims outlive containerd by design, and a killed `up` may have left something unrecorded. */
async function endBearers(): Promise<void> {
  const ended = await until(() => {
    const pids = bearers(MARK.variable, MARK.value).filter((pid) => pid !== process.pid);
    for (const pid of pids) signalTo(pid, "SIGKILL");
    return pids.some((pid) => identify(pid) !== undefined) ? "processes remain" : undefined;
  }, END_WITHIN_MS);
  if (ended !== undefined)
    throw new MissingError("Cannot end all processes of the testbed", "See `npm run testbed -- status`");
  rmSync(inRun("containerd.sock"), { force: true });
}
