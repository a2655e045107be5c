/** What is there of the testbed, as a table, and the variables that lead others to it. */
import { existsSync, readFileSync } from "node:fs";
import { program } from "./build.ts";
import { kubectl } from "./certificates.ts";
import { output, succeeds } from "./command.ts";
import { sparkImage } from "./image.ts";
import { logFile, pidOf, recorded } from "./part.ts";
import { NAMESPACE, kubeconfig } from "./places.ts";
import { S3, accounts } from "./s3.ts";

interface Row {
  part: string;
  state: string;
  pid: string;
  memory: string;
  log: string;
}

const TIER_1 = ["etcd", "kube-apiserver", "kube-controller-manager"];
const PARTS = [...TIER_1, "kube-scheduler", "containerd", "kubelet", "dns", "s3", "spark-operator"];

/** One line for each part, then node and pods as the cluster sees them. */
export function status(): string {
  const rows = PARTS.map(rowOf);
  const lines = table([{ part: "PART", state: "STATE", pid: "PID", memory: "MB", log: "LOG" }, ...rows]);
  if (pidOf("kube-apiserver") === undefined) return `${lines}\n`;
  const cluster = [
    ["get", "nodes"],
    ["get", "sparkapplications,pods", "-n", NAMESPACE],
  ].map((words) => (answers(words) ? kubectl(words).trimEnd() : ""));
  return `${[lines, ...cluster].filter(Boolean).join("\n\n")}\n`;
}

/** Whether every part of a tier runs. */
export function isUp(tier: 1 | 2): boolean {
  return (tier === 1 ? TIER_1 : PARTS).every((name) => pidOf(name) !== undefined);
}

/** `export` lines for a shell: the cluster, both accounts of it, and S3 when it runs. `asAdmin` makes our own commands use the administrator's. */
export function environment(asAdmin: boolean): string {
  const variables: Record<string, string> = {
    KUBECONFIG: kubeconfig("admin"),
    SPARKWRIGHT_KUBECONFIG: kubeconfig(asAdmin ? "admin" : "sparkwright"),
    SPARKWRIGHT_KUBECTL: program("kubectl"),
  };
  if (pidOf("s3") !== undefined) {
    const { sparkwright, jobs } = accounts();
    Object.assign(variables, {
      AWS_ENDPOINT_URL: S3.endpoint,
      AWS_REGION: S3.region,
      AWS_ACCESS_KEY_ID: sparkwright.access,
      AWS_SECRET_ACCESS_KEY: sparkwright.secret,
      SPARKWRIGHT_S3_ROOT: S3.root,
      SPARKWRIGHT_IMAGE: sparkImage() ?? "",
      SPARKWRIGHT_JOBS_ACCESS_KEY_ID: jobs.access,
      SPARKWRIGHT_JOBS_SECRET_ACCESS_KEY: jobs.secret,
    });
  }
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'\n`)
    .join("");
}

function rowOf(part: string): Row {
  const pid = pidOf(part);
  const state = pid !== undefined ? "running" : recorded().includes(part) ? "ended" : "not started";
  const log = existsSync(logFile(part)) ? logFile(part) : "";
  return {
    part,
    state,
    pid: pid === undefined ? "" : String(pid),
    memory: pid === undefined ? "" : megabytes(pid),
    log,
  };
}

function megabytes(pid: number): string {
  try {
    const [, kilobytes = "0"] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return (Number(kilobytes) / 1024).toFixed(0);
  } catch {
    return output("ps", ["-o", "rss=", "-p", String(pid)]).trim();
  }
}

function answers(words: string[]): boolean {
  const server = ["--kubeconfig", kubeconfig("admin"), "--request-timeout=5s"];
  return succeeds(program("kubectl"), [...server, ...words]);
}

function table(rows: Row[]): string {
  const columns = ["part", "state", "pid", "memory", "log"] as const;
  const widths = columns.map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      columns
        .map((column, at) => row[column].padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
