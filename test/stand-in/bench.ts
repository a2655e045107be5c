/** A store in a folder of its own, with the stand-in behind the local backend. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../orchestrator/clock.ts";
import type { RunStatus } from "../../orchestrator/engine/run-state.ts";
import type { Json } from "../../orchestrator/json.ts";
import type { Plan } from "../../orchestrator/plan/plan.ts";
import { drive, type DriveOptions } from "../../orchestrator/runner/drive.ts";
import { startRun, type StartOptions } from "../../orchestrator/runner/start.ts";
import { openFolder, type FolderStore } from "../../orchestrator/storage/folder.ts";
import { chain, NAMESPACE, options, packageFolder, planWith, starts, stepOf } from "./plan.ts";

/** Removed by the tests that use it. */
export const HOME = mkdtempSync(join(tmpdir(), "sparkwright-runner-"));

export class Bench {
  readonly folder = mkdtempSync(join(HOME, "case-"));
  readonly store: FolderStore = openFolder(join(this.folder, "store"));
  readonly log = join(this.folder, "starts");
  readonly raw = join(this.folder, "raw.csv");

  start(plan: Plan, change: Partial<StartOptions> = {}): Promise<string> {
    return startRun(this.store, plan, { clock: systemClock, packageFolder, ...change }).then((run) => run.name);
  }

  drive(run: string, change: Partial<DriveOptions> = {}): Promise<RunStatus> {
    return drive(run, { ...options(this.store, this.log), ...change });
  }

  async run(plan: Plan, change: Partial<StartOptions> = {}): Promise<RunStatus> {
    return this.drive(await this.start(plan, change));
  }

  chain(settings: Record<string, { [key: string]: Json }> = {}): Plan {
    return chain(this.folder, settings);
  }

  async published(dataset: string): Promise<string | undefined> {
    return (await this.store.readPointer(NAMESPACE, dataset))?.version;
  }

  starts(): string[] {
    return starts(this.log);
  }
}

export function phases(status: RunStatus): Record<string, string> {
  return Object.fromEntries(Object.entries(status.steps).map(([name, step]) => [name, step.phase]));
}

/** A run of one step. */
export const one = (settings: { [key: string]: Json }, change: Parameters<typeof stepOf>[1] = {}) =>
  planWith([stepOf("only", { ...change, settings })]);
