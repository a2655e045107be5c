/** The real loop, backend and store for a plan of faults, by whatever road its kubeconfig leads to the API server. */
import { join } from "node:path";
import type { Backend } from "../../orchestrator/backends/backend.ts";
import { kubeflowBackend } from "../../orchestrator/backends/kubeflow-cluster.ts";
import { connect } from "../../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../../orchestrator/kubernetes/kubeconfig.ts";
import type { Plan } from "../../orchestrator/plan/plan.ts";
import type { DriveOptions } from "../../orchestrator/runner/drive.ts";
import type { SparkApp } from "../../orchestrator/spark-app.ts";
import type { Disk } from "../../orchestrator/storage/disk.ts";
import { type FolderStore, openFolder } from "../../orchestrator/storage/folder.ts";
import { NAMESPACE } from "../control-plane.ts";
import { clusterTarget } from "../sample-app.ts";
import { planWith, stepOf } from "../stand-in/plan.ts";
import type { Tale } from "./tale.ts";

/** How long nothing may come on a connection that is half open; real ones wait for 30 s. */
const SILENCE_MS = 1000;
/** Longer than any operator here is late. */
const SETTLE_MS = 1500;
/** For steps whose application nobody takes up. */
const SHORT_MS = 5000;
const LONG_MS = 90_000;

/** The pipeline of a tale, for the cluster. */
export function planOf({ steps }: Tale): Plan {
  const made = steps.map(({ name, needs, attempts }) =>
    stepOf(name, {
      reads: Object.fromEntries(needs.map((need) => [need, need])),
      retry: { attempts: attempts.length, backoffMs: 20, memoryFactor: 1.2 },
      deadlines: {
        queuedMs: LONG_MS,
        submittedMs: attempts.some(({ conduct }) => conduct === "ignores") ? SHORT_MS : LONG_MS,
        pendingMs: LONG_MS,
        runningMs: LONG_MS,
      },
    }),
  );
  // All plans share a namespace, and nothing here is slow to take up.
  const spec = clusterTarget({ namespace: NAMESPACE, parallelism: 2, perMinute: 600 });
  return { ...planWith(made), target: { name: "faults", spec } };
}

export function storeIn(folder: string, disk?: Disk): FolderStore {
  return openFolder(join(folder, "store"), disk);
}

/** The store is a folder of this machine, which the drivers of the tales reach as well; to pods it is named as they would reach it. */
export function backendTo(kubeconfig: string): { backend: Backend; close: () => Promise<void> } {
  const connection = connect(readKubeconfig({ file: kubeconfig }));
  const hasty: typeof connection = {
    ...connection,
    send: (request, timing) => connection.send(request, timing.stream ? timing : { ...timing, idleMs: SILENCE_MS }),
  };
  const real = kubeflowBackend({}, { connection: hasty, graceSeconds: 1, settleMs: SETTLE_MS, missingMs: SETTLE_MS });
  const reached = (app: SparkApp): SparkApp => ({
    ...app,
    prefix: `local://${app.prefix}`,
    main: `local://${app.main}`,
    archive: `local://${app.archive}`,
  });
  const backend: Backend = {
    ...real,
    render: (app) => real.render(reached(app)),
    submit: (app, signal) => real.submit(reached(app), signal),
  };
  return { backend, close: () => connection.close() };
}

export function driveOptions(store: FolderStore, backend: Backend, skewMs: number): DriveOptions {
  return { store, backend, environment: "faults", every: 50, clock: () => Date.now() + skewMs };
}
