/** Drives many runs in one process and tells when each attempt was recorded in a new phase. Arguments: folder, kubeconfig, runs, steps. */
import { join } from "node:path";
import type { Backend, WithChanges } from "../orchestrator/backends/backend.ts";
import { kubeflowBackend } from "../orchestrator/backends/kubeflow-cluster.ts";
import { systemClock } from "../orchestrator/clock.ts";
import { connect } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { drive } from "../orchestrator/runner/drive.ts";
import { startRun } from "../orchestrator/runner/start.ts";
import type { SparkApp } from "../orchestrator/spark-app.ts";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { NAMESPACE } from "../test/control-plane.ts";
import { clusterTarget } from "../test/sample-app.ts";
import { packageFolder, planWith, stepOf } from "../test/stand-in/plan.ts";

const [folder = "", kubeconfig = "", runs = "1", steps = "1"] = process.argv.slice(2);

const tell = (told: object) => void process.stdout.write(`${JSON.stringify(told)}\n`);
const now = () => performance.timeOrigin + performance.now();

const real = kubeflowBackend({}, { connection: connect(readKubeconfig({ file: kubeconfig })), extent: "namespace" });
/** Pods could not reach this folder; nothing runs in them. */
const reached = (app: SparkApp): SparkApp => ({
  ...app,
  prefix: `local://${app.prefix}`,
  main: `local://${app.main}`,
  archive: `local://${app.archive}`,
});
let submitted = 0;
const backend: Backend & WithChanges = {
  ...real,
  async submit(app, signal) {
    await real.submit(reached(app), signal);
    submitted += 1;
    if (submitted === Number(runs) * Number(steps)) tell({ submittedAt: now() });
  },
};

const hour = 3_600_000;
const plan = {
  ...planWith(
    Array.from({ length: Number(steps) }, (_, at) =>
      stepOf(`step-${at + 1}`, {
        retry: { attempts: 1, backoffMs: 20, memoryFactor: 1 },
        deadlines: { queuedMs: hour, submittedMs: hour, pendingMs: hour, runningMs: hour },
      }),
    ),
  ),
  target: { name: "bench", spec: clusterTarget({ namespace: NAMESPACE, parallelism: Number(steps), perMinute: 6000 }) },
};
const store = openFolder(join(folder, "store"));
const names = Array.from({ length: Number(runs) }, (_, at) => `run-${at + 1}`);
for (const name of names) await startRun(store, plan, { clock: systemClock, packageFolder, name });

tell({ startedAt: now() });
await Promise.all(
  names.map((name) => {
    const told = new Map<string, string>();
    return drive(name, {
      store,
      backend,
      environment: "bench",
      onChange({ status }) {
        const at = now();
        for (const { attempts } of Object.values(status.steps)) {
          const last = attempts.at(-1);
          if (last === undefined || told.get(last.application) === last.phase) continue;
          told.set(last.application, last.phase);
          if (last.phase === "Running" || last.phase === "Ended")
            tell({ application: last.application, phase: last.phase, at });
        }
      },
    });
  }),
);
