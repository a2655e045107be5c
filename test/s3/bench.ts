/** Small plans whose store is in a bucket and whose jobs are `job.py` under the real local backend. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "../../orchestrator/backends/backend.ts";
import { localBackend } from "../../orchestrator/backends/local.ts";
import type { Json } from "../../orchestrator/json.ts";
import type { Plan, Step } from "../../orchestrator/plan/plan.ts";
import type { SparkApp } from "../../orchestrator/spark-app.ts";
import type { FolderStore } from "../../orchestrator/storage/folder.ts";
import { pythonBinary, ROOT } from "../../scripts/places.mjs";
import { planWith, stepOf } from "../stand-in/plan.ts";
import { environmentOf } from "./server.ts";

/** The real local backend; its own documents lie in the folder `place`, the job's in the bucket. The job reaches the server by itself. */
export function backendIn(place: string, store: FolderStore, endpoint: string): Backend {
  const here = (app: SparkApp): SparkApp => ({ ...app, prefix: join(place, "attempts", app.name) });
  const local = localBackend({
    graceMs: 1000,
    launch: (app) => {
      mkdirSync(app.prefix, { recursive: true });
      const params = `${store.root}/runs/${app.run}/${app.step}/${app.attempt}/params.json`;
      return {
        command: [pythonBinary(), join(import.meta.dirname, "job.py"), params, join(place, "starts")],
        env: {
          PATH: process.env["PATH"] ?? "",
          PYTHONPATH: join(ROOT, "spark-jobs"),
          ...environmentOf(endpoint),
        },
      };
    },
  });
  return {
    name: local.name,
    render: (app) => local.render(app),
    submit: (app, signal) => local.submit(here(app), signal),
    observe: (app, signal) => local.observe(here(app), signal),
    remove: (app, signal) => local.remove(here(app), signal),
  };
}

const COLUMNS = [
  { name: "step", type: "string" },
  { name: "n", type: "bigint" },
];

/** raw (a file in the bucket) → first → second. */
export async function chainIn(store: FolderStore, settings: { [key: string]: Json } = {}): Promise<Plan> {
  const raw = `${store.root}/lake/raw`;
  await store.disk.write(`${raw}/part-0.csv`, "a;b\n1;2\n");
  await store.disk.write(`${raw}/_SUCCESS`, "");
  const table = (step: Step): Step => ({
    ...step,
    outputs: Object.fromEntries(
      Object.entries(step.outputs).map(([role, port]) => [role, { ...port, format: "parquet", columns: COLUMNS }]),
    ),
    inputs: Object.fromEntries(
      Object.entries(step.inputs).map(([role, port]) => [
        role,
        port.external === undefined ? { ...port, format: "parquet", columns: COLUMNS } : port,
      ]),
    ),
  });
  const begin = stepOf("first", { settings });
  const external = { dataset: "raw", format: "csv" as const, columns: [], partitionBy: [], external: { path: raw } };
  return planWith(
    [{ ...begin, inputs: { raw: external } }, stepOf("second", { reads: { first: "first" } })].map(table),
  );
}
