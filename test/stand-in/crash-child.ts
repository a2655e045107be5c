/** Starts a run and drives it, and kills itself right after its n-th write or submission. Arguments: folder, n, and the run to go on with. */
import { join } from "node:path";
import type { Backend } from "../../orchestrator/backends/backend.ts";
import { systemClock } from "../../orchestrator/clock.ts";
import { drive } from "../../orchestrator/runner/drive.ts";
import { startRun } from "../../orchestrator/runner/start.ts";
import { disk, type Disk } from "../../orchestrator/storage/disk.ts";
import { openFolder } from "../../orchestrator/storage/folder.ts";
import { chain, options, packageFolder } from "./plan.ts";

const [folder = "", last = "0", run] = process.argv.slice(2);
let done = 0;

/** Counts a write that has been made; the process does not outlive the last one. */
function count<T>(result: T): T {
  done += 1;
  if (done === Number(last)) process.kill(process.pid, "SIGKILL");
  return result;
}

const counted: Disk = {
  write: async (path, content) => count(await disk.write(path, content)),
  create: async (path, content) => count(await disk.create(path, content)),
  append: async (path, line) => count(await disk.append(path, line)),
  remove: async (path) => count(await disk.remove(path)),
};

const store = openFolder(join(folder, "store"), counted);
const base = options(store, join(folder, "starts"));
const backend: Backend = {
  ...base.backend,
  submit: async (app, signal) => count(await base.backend.submit(app, signal)),
};

const name = run ?? (await startRun(store, chain(folder), { clock: systemClock, packageFolder })).name;
await drive(name, { ...base, backend });
process.stdout.write(`${done}\n`);
