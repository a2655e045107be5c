/** The contract with real Spark, in a folder whose name a shell and Spark would both take apart. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { localBackend } from "../orchestrator/backends/local.ts";
import { lockedPython } from "../orchestrator/backends/python.ts";
import { Target } from "../orchestrator/kinds/target.ts";
import type { SparkApp } from "../orchestrator/spark-app.ts";
import { zip } from "../orchestrator/storage/zip.ts";
import { backendContract } from "./backend.contract.ts";
import { sampleApp } from "./sample-app.ts";

const python = lockedPython(join(import.meta.dirname, ".."));
if (!existsSync(python)) throw new Error(`Cannot test real Spark: there is no ${python}; npm run setup makes it`);

const root = mkdtempSync(join(tmpdir(), "sparkwright test [a],{b} $c "));
const archive = join(root, "modules.zip");
writeFileSync(archive, zip([{ path: "contract_words.py", content: Buffer.from('LAST_WORDS = "last words"\n') }]));

const target = Target.parse({
  storage: { root },
  sizes: { small: { driver: { cores: 1, memory: "512m" }, executors: 0 } },
});
const apps: SparkApp[] = [];

afterAll(async () => {
  for (const app of apps) await localBackend({ graceMs: 100 }).remove(app, new AbortController().signal);
  rmSync(root, { recursive: true, force: true });
});

backendContract("local with real Spark", {
  patience: 180_000,
  open: () => localBackend({ graceMs: 5000 }),
  app(behaviour) {
    const prefix = join(root, String(apps.length));
    mkdirSync(prefix);
    writeFileSync(join(prefix, "params.json"), JSON.stringify({ behaviour }));
    const app = sampleApp({
      name: `contract-${apps.length}`,
      prefix,
      main: join(import.meta.dirname, "contract_job.py"),
      archive,
      target,
    });
    apps.push(app);
    return app;
  },
});
