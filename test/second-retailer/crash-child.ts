/** Drives the feature job of the second retailer on real Spark and kills itself at a point. Arguments: folder, point, and the run to go on with. */
import { join, resolve } from "node:path";
import type { Backend } from "../../orchestrator/backends/backend.ts";
import { localBackend } from "../../orchestrator/backends/local.ts";
import { systemClock } from "../../orchestrator/clock.ts";
import { planOf } from "../../orchestrator/plan/plan-of.ts";
import { drive } from "../../orchestrator/runner/drive.ts";
import { startRun } from "../../orchestrator/runner/start.ts";
import { fileExists, readSources } from "../../orchestrator/spec/files.ts";
import { load } from "../../orchestrator/spec/load.ts";
import { disk, type Disk } from "../../orchestrator/storage/disk.ts";
import { openFolder } from "../../orchestrator/storage/folder.ts";

const [folder = "", point = "never", run] = process.argv.slice(2);

function at(name: string): void {
  if (name === point) process.kill(process.pid, "SIGKILL");
}

/** The pointer is what readers see change; the status that says Succeeded is the last write of a run. */
const watched: Disk = {
  ...disk,
  async write(path, content) {
    const isEnd = path.endsWith("status.json") && /^ "phase": "Succeeded"/m.test(content.toString());
    if (isEnd) at("before finish");
    await disk.write(path, content);
    if (path.endsWith("current.json")) at("after publish");
  },
};

const local = localBackend();
const backend: Backend = {
  ...local,
  async submit(app, signal) {
    at("before submit");
    await local.submit(app, signal);
    at("after submit");
  },
};

const shippedCode = resolve(import.meta.dirname, "..", "..", "spark-jobs");
const { sources } = readSources(["specs"], folder);
const { documents } = load(sources, { shippedCode, exists: fileExists });
const plan = planOf(documents, { definition: "offers", only: ["features"], params: {}, shippedCode });
const store = openFolder(join(folder, "store"), watched);
const packageFolder = (name: string) => Promise.reject(new Error(`no package ${name}`));

const name = run ?? (await startRun(store, plan, { clock: systemClock, packageFolder })).name;
const status = await drive(name, { store, backend, environment: "locked" });
process.stdout.write(status.phase);
