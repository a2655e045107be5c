/** A store with runs that made offers, whose outputs are the Parquet files beside this: three entities in three row groups. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { StepStatus } from "../../orchestrator/engine/run-state.ts";
import type { Terminal } from "../../orchestrator/commands/terminal.ts";
import { noPaint } from "../../orchestrator/report/text.ts";
import { type FolderStore, openStoreAt } from "../../orchestrator/storage/folder.ts";
import { joined } from "../../orchestrator/storage/layout.ts";
import type { Manifest } from "../../orchestrator/storage/store.ts";
import { planWith, stepOf } from "../stand-in/plan.ts";

export const NS = "default";
export const VERSIONS = { considered: "v-c", histories: "v-h" };

/** What a verb writes with, for a store at `root`; what it printed is not kept. */
export function terminalAt(root: string): Terminal {
  return {
    out: () => undefined,
    say: () => undefined,
    paint: noPaint,
    paintProgress: noPaint,
    cwd: "/",
    environ: { SPARKWRIGHT_STORE: root },
    now: () => 0,
    gone: new AbortController().signal,
    onInterrupt: () => () => undefined,
  };
}

/** A store with the versions of both outputs and no run. */
export async function storeAt(root: string): Promise<FolderStore> {
  const store = openStoreAt(root);
  for (const [dataset, version] of Object.entries(VERSIONS))
    await store.putManifest(NS, await manifestOf(store, dataset, version));
  return store;
}

async function manifestOf(store: FolderStore, dataset: string, version: string): Promise<Manifest> {
  const bytes = readFileSync(join(import.meta.dirname, `${dataset}.parquet`));
  const path = joined(store.root, `${dataset}.parquet`);
  await store.disk.write(path, bytes);
  const files = [{ path, size: bytes.length, etag: "sha256:0" }];
  return { dataset, version, format: "parquet", columns: [], partitionBy: [], files, createdAt: 0 };
}

/** A run with a step that made offers, or with one that did not; `publish` moves the pointers to it. */
export async function addRun(
  store: FolderStore,
  change: {
    writes?: string[];
    kind?: "InferenceJob" | "SparkJob";
    phase?: StepStatus["phase"];
    publish?: string[];
  } = {},
): Promise<string> {
  const { writes = ["considered", "histories"], kind = "InferenceJob", phase = "Succeeded", publish = writes } = change;
  const step = stepOf("offers", { writes, kind });
  const outputs = Object.fromEntries(writes.map((name) => [name, VERSIONS[name as "considered"]]));
  const status: StepStatus = { phase, attempts: [], ...(phase === "Succeeded" ? { outputs } : {}) };
  const { name, sequence } = await store.createRun("offers", (given, number) => ({
    record: {
      name: given,
      sequence: number,
      plan: planWith([step]),
      createdAt: 0,
      date: "2024-06-10",
      drivenBy: "cli",
    },
    status: { phase: "Succeeded", startedAt: 0, revision: 1, pinned: {}, code: {}, steps: { offers: status } },
  }));
  for (const dataset of publish) {
    const version = VERSIONS[dataset as "considered"];
    await store.publish(NS, dataset, { version, run: name, attempt: 1, sequence, movedAt: 0 });
  }
  return name;
}
