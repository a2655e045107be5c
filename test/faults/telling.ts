/** Lets one plan happen: run, mishaps, kills, resumption, until the run is over. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { drive } from "../../orchestrator/runner/drive.ts";
import { startRun } from "../../orchestrator/runner/start.ts";
import { type ControlPlane, writeKubeconfig } from "../control-plane.ts";
import { packageFolder } from "../stand-in/plan.ts";
import { backendTo, driveOptions, planOf, storeIn } from "./driving.ts";
import type { FaultPlan } from "./fault-plan.ts";
import { type Proxy, startProxy } from "./proxy.ts";

export interface Told {
  /** The store is below it. */
  folder: string;
  /** What was done to requests and to the process. */
  faults: string[];
  /** Why the loop gave up, each time that it did although it should have gone on. */
  surrenders: string[];
  isOver: boolean;
}

const LONGEST_MS = 120_000;
/** How often somebody resumes a run whose command gave up. */
const RESUMPTIONS = 5;

export async function tell(plan: FaultPlan, folder: string, plane: ControlPlane): Promise<Told> {
  const { tale, skewMs, kills, cancelMs } = plan;
  mkdirSync(folder, { recursive: true });
  const store = storeIn(folder);
  const clock = () => Date.now() + skewMs;
  await startRun(store, planOf(tale), { clock, packageFolder, name: tale.run });
  const proxy = await startProxy(plane, plan);
  const kubeconfig = join(folder, "kubeconfig");
  writeKubeconfig(kubeconfig, proxy.url, proxy.ca, plane.tokens.submitter);
  const told: Told = { folder, faults: proxy.faults, surrenders: [], isOver: false };
  const begun = new AbortController();
  const cancelling =
    cancelMs === undefined
      ? undefined
      : delay(cancelMs, undefined, { signal: begun.signal })
          .then(() => store.requestCancel(tale.run))
          .catch(() => undefined);
  const { backend, close } = backendTo(kubeconfig);
  const until = performance.now() + LONGEST_MS;
  try {
    for (const kill of kills) {
      if (!(await killed(kill, { folder, kubeconfig, run: tale.run, skewMs }, proxy, told))) break;
      proxy.faults.push(`kill -9 after ${kill.writes} writes to the ${kill.after}`);
      await delay(kill.pauseMs);
    }
    while (!told.isOver && performance.now() < until && told.surrenders.length <= RESUMPTIONS) {
      const leave = AbortSignal.timeout(Math.max(1, Math.ceil(until - performance.now())));
      try {
        await drive(tale.run, { ...driveOptions(store, backend, skewMs), leave });
        told.isOver = true;
      } catch (error) {
        told.surrenders.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
      }
    }
  } finally {
    begun.abort();
    await cancelling;
    await close();
    await proxy.stop();
  }
  return told;
}

interface Child {
  folder: string;
  kubeconfig: string;
  run: string;
  skewMs: number;
}

/** Drives in a process that is killed; false when it came to its end before. */
async function killed(
  { after, writes }: FaultPlan["kills"][number],
  { folder, kubeconfig, run, skewMs }: Child,
  proxy: Proxy,
  told: Told,
): Promise<boolean> {
  const last = after === "store" ? writes : 0;
  const args = [join(import.meta.dirname, "drive-child.ts"), folder, kubeconfig, run, String(last), String(skewMs)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => (words += chunk.toString()));
  let applied = 0;
  proxy.onApplied = () => {
    applied += 1;
    if (after === "cluster" && applied === writes) child.kill("SIGKILL");
  };
  const overdue = setTimeout(() => child.kill("SIGKILL"), LONGEST_MS);
  const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
  clearTimeout(overdue);
  proxy.onApplied = () => undefined;
  if (signal === "SIGKILL") return true;
  if (code !== 0) told.surrenders.push(words.trim().split("\n").slice(-6).join(" "));
  return false;
}
