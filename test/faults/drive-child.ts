/** Drives a run and kills itself after so many writes to its store; 0: somebody else will. Arguments: folder, kubeconfig, run, writes, skew. */
import { drive } from "../../orchestrator/runner/drive.ts";
import { disk, type Disk } from "../../orchestrator/storage/disk.ts";
import { backendTo, driveOptions, storeIn } from "./driving.ts";

const [folder = "", kubeconfig = "", run = "", last = "0", skewMs = "0"] = process.argv.slice(2);
let done = 0;

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

const { backend, close } = backendTo(kubeconfig);
await drive(run, driveOptions(storeIn(folder, counted), backend, Number(skewMs)));
await close();
