/** Starts a run with its store in a bucket and drives it, and kills itself right after its n-th write or submission. Arguments: folder, root, n. */
import type { Backend } from "../../orchestrator/backends/backend.ts";
import { systemClock } from "../../orchestrator/clock.ts";
import { drive } from "../../orchestrator/runner/drive.ts";
import { startRun } from "../../orchestrator/runner/start.ts";
import type { Disk } from "../../orchestrator/storage/disk.ts";
import { filesAt } from "../../orchestrator/storage/files.ts";
import { openStoreAt } from "../../orchestrator/storage/folder.ts";
import { packageFolder } from "../stand-in/plan.ts";
import { backendIn, chainIn } from "./bench.ts";

const [place = "", root = "", last = "0"] = process.argv.slice(2);
let done = 0;

/** Counts a write that has been made; the process does not outlive the last one. */
function count<T>(result: T): T {
  done += 1;
  if (done === Number(last)) process.kill(process.pid, "SIGKILL");
  return result;
}

const disk = filesAt(root);
const counted: Disk = {
  write: async (path, content) => count(await disk.write(path, content)),
  create: async (path, content) => count(await disk.create(path, content)),
  append: async (path, line) => count(await disk.append(path, line)),
  remove: async (path) => count(await disk.remove(path)),
  swap: async (path, content, mark) => count(await disk.swap?.(path, content, mark)) === true,
};

const plan = await chainIn(openStoreAt(root));
const store = openStoreAt(root, counted);
const base = backendIn(place, store, process.env["AWS_ENDPOINT_URL"] ?? "");
const backend: Backend = {
  ...base,
  submit: async (app, signal) => count(await base.submit(app, signal)),
};
const { name } = await startRun(store, plan, { clock: systemClock, packageFolder });
await drive(name, { store, backend, environment: "python-test", every: 20 });
process.stdout.write(`${done}\n`);
