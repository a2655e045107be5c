/** What containers leave on the machine when their keeper was killed: their processes, found by control group, and mounts. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { signalTo } from "../../orchestrator/process.ts";
import { MissingError } from "../../scripts/missing.mjs";
import { output, succeeds, until } from "./command.ts";
import { RUN, inRun } from "./places.ts";

/** The kubelet puts every pod below this group, so whatever is in it is ours. */
export const CONTROL_GROUP = "sparkwright-testbed";

const GROUPS = "/sys/fs/cgroup";
/** As many as two processes have for each CPU: left alone, all pods together weigh as much as one process beside them. */
const SHARES_PER_CPU = 2048;
const END_WITHIN_MS = 20_000;
const CNI_RESULTS = "/var/lib/cni/results";
const LOG_LINKS = "/var/log/containers";

/** Makes the group under every hierarchy; the kubelet does not start without its root. */
export function ensureControlGroup(): void {
  for (const root of hierarchies()) {
    const folder = join(root, CONTROL_GROUP);
    if (!existsSync(folder)) mkdirSync(folder);
    const shares = join(folder, "cpu.shares");
    if (existsSync(shares)) writeFileSync(shares, String(SHARES_PER_CPU * availableParallelism()));
  }
}

/** Ends every process in our control group, then removes the groups. */
export async function endContainers(): Promise<void> {
  await until(() => {
    const pids = containerProcesses();
    for (const pid of pids) signalTo(pid, "SIGKILL");
    return pids.length === 0 ? undefined : "processes remain";
  }, END_WITHIN_MS);
  await until(() => {
    for (const folder of groupFolders().toReversed()) removeGroup(folder);
    return groupFolders().length === 0 ? undefined : "groups remain";
  }, END_WITHIN_MS);
}

/** Pids in our control group, over all hierarchies. */
export function containerProcesses(): number[] {
  const pids = groupFolders().flatMap((folder) => lines(join(folder, "cgroup.procs")).map(Number));
  return [...new Set(pids)].filter((pid) => pid > 0);
}

/** Folders of our control groups, parents before children. */
export function groupFolders(): string[] {
  return hierarchies().flatMap((root) => below(join(root, CONTROL_GROUP)));
}

/** Mount points below the testbed's folder, in the order in which they were made. */
export function mounts(): string[] {
  return lines("/proc/self/mountinfo")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll(String.raw`\040`, " "))
    .filter((point) => point.startsWith(`${RUN}/`));
}

/**
 * Deletes a folder of the testbed, after unmounting what is mounted in it, the latest first: what a mount shows, such as the
 * Python environment or /proc, must not be deleted with it.
 */
export function removeFolder(folder: string): void {
  const within = (): string[] => mounts().filter((point) => point === folder || point.startsWith(`${folder}/`));
  for (const point of within().toReversed()) {
    if (!succeeds("umount", [point])) output("umount", ["--lazy", point]);
  }
  if (within().length > 0) {
    throw new MissingError(
      `Cannot delete ${folder}: mounted in it is ${within().join(", ")}`,
      "Unmount that and start again",
    );
  }
  if (existsSync(folder)) output("rm", ["-rf", "--one-file-system", folder]);
}

/** Files outside the testbed's folder: results of the network plug-ins, and links to logs of pods. */
export function strayFiles(): string[] {
  // The loopback result of a pod bears no network's name, but the same container's.
  const containers = names(CNI_RESULTS).map((name) => /^sparkwright-testbed-(\w+)-/.exec(name)?.[1]);
  const results = names(CNI_RESULTS).filter((name) => containers.some((id) => id !== undefined && name.includes(id)));
  const links = names(LOG_LINKS).filter((name) => target(join(LOG_LINKS, name)).startsWith(inRun()));
  return [...results.map((name) => join(CNI_RESULTS, name)), ...links.map((name) => join(LOG_LINKS, name))];
}

export function removeStrayFiles(): void {
  for (const file of strayFiles()) rmSync(file, { force: true });
}

/** Version 2 has one hierarchy, version 1 one for each controller. */
/** Mount points of the hierarchies of control groups. */
export function hierarchies(): string[] {
  if (existsSync(join(GROUPS, "cgroup.controllers"))) return [GROUPS];
  return lines("/proc/self/mountinfo")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => point.startsWith(`${GROUPS}/`));
}

function below(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...children.flatMap((entry) => below(join(folder, entry.name)))];
}

function removeGroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // A process in it is still ending, or it has gone meanwhile: asked again.
  }
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return []; // the group has gone meanwhile
  }
}

function names(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}
