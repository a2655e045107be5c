/** The memory of a process that follows a namespace full of applications and their drivers. */
import { kubeflow } from "../orchestrator/backends/kubeflow.ts";
import { call } from "../orchestrator/kubernetes/call.ts";
import type { Connection } from "../orchestrator/kubernetes/connection.ts";
import { applicationName } from "../orchestrator/names.ts";
import type { SparkApp } from "../orchestrator/spark-app.ts";
import { type Application, driverOf } from "../test/fake-operator-objects.ts";
import { clusterTarget, sampleApp } from "../test/sample-app.ts";
import { bundled, startChild } from "./child.ts";
import type { Figure } from "./figure.ts";
import { many } from "./many.ts";

/** As in test/control-plane.ts, which a bundle would take along. */
export const NAMESPACE = "offers";
const never = new AbortController().signal;
const APPLICATIONS_PATH = `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${NAMESPACE}/sparkapplications`;
const PODS_PATH = `/api/v1/namespaces/${NAMESPACE}/pods`;
const LIMIT_MB = 150;
const AT_ONCE = 24;
/** Without a limit V8 rather takes more memory than the time to collect what a list leaves behind. What is kept takes half of this. */
const FRUGAL = ["--max-semi-space-size=2", "--max-old-space-size=80"];

/** The applications of the memory's measure: one step each of as many runs. */
export function followed(at: number): SparkApp {
  const run = `memory-${at}`;
  const target = clusterTarget({ namespace: NAMESPACE });
  return sampleApp({ name: applicationName(run, "features", 1), run, target });
}

export async function* memory(connection: Connection, kubeconfig: string): AsyncIterable<Figure> {
  const program = await bundled("track-follow.ts");
  let there = 0;
  for (const [name, count] of [
    ["rss.1k_mb", 1000],
    ["rss.10k_mb", 10_000],
  ] as const) {
    const missing = Array.from({ length: count - there }, (_, at) => there + at);
    await many(missing, AT_ONCE, (at) => make(connection, followed(at)));
    there = count;
    const child = startChild(program, [kubeconfig, String(count)], FRUGAL);
    try {
      const { rss, readyMs } = await child.until<{ rss: number; readyMs: number }>((told) => "rss" in told);
      yield { name, value: rss / 1024 / 1024, unit: "MB", ...(count === 10_000 && { bound: { atMost: LIMIT_MB } }) };
      yield { name: name.replace("rss", "ready").replace("_mb", "_s"), value: readyMs / 1000, unit: "s" };
    } finally {
      await child.stop();
    }
  }
}

async function make(connection: Connection, app: SparkApp): Promise<void> {
  const create = <T>(path: string, body: unknown) =>
    call<T>(connection, { method: "POST", path, body, action: `create ${app.name}` }, never);
  const application = await create<Application>(APPLICATIONS_PATH, kubeflow.render(app));
  if (application !== undefined) await create(PODS_PATH, driverOf(application, { node: "bench-node" }));
}
