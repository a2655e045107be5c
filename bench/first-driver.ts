/** From `sparkwright run` to a driver that runs, and to its first wish for an executor, as a watch of the cluster shows it. */
import { readFileSync } from "node:fs";
import type { Connection } from "../orchestrator/kubernetes/connection.ts";
import type { KubeObject, Pod } from "../orchestrator/kubernetes/objects.ts";
import { reflector } from "../orchestrator/kubernetes/reflector.ts";
import { type Place, sparkwright } from "../test/testbed/classes/place.ts";
import { NAMESPACE, inRun } from "../test/testbed/places.ts";

/** Seconds. `total` is the sum of those before it; what comes after the driver's start is not part of it. */
export interface Spans {
  /** From the start of the command to the application in the API server. */
  ours: number;
  /** Until the operator starts spark-submit. */
  operator: number;
  /** Until the driver's pod is there. */
  spark_submit: number;
  /** Scheduler and kubelet: until the driver's container is told to run. */
  kubelet: number;
  total: number;
  /** From there until the driver asks for its first executor. */
  spark_context: number;
}

const OPERATOR_LOG = inRun("logs/spark-operator.log");
const STARTS_SUBMIT = '"msg":"Running spark-submit"';

/** Submits the one job of a place and follows it to its end. Throws when it fails or a moment was not seen. */
export async function firstDriver(connection: Connection, place: Place, run: string): Promise<Spans> {
  const stop = new AbortController();
  const seen = new Map<Moment, number>();
  const following = watch(connection, run, stop.signal, (moment) => {
    if (!seen.has(moment)) seen.set(moment, Date.now());
  });
  const began = Date.now();
  const words = ["run", "first-driver", "--target", "testbed", "-f", "first-driver", "--run-id", run];
  const { code, stderr } = await sparkwright(place, words).ended;
  stop.abort();
  await Promise.all(following);
  if (code !== 0) throw new Error(`Cannot measure: ${run} ended with exit code ${code}\n${stderr}`);
  const at = (moment: Moment): number => seen.get(moment) ?? Number.NaN;
  const submitting = submittedAt(run);
  const span = (from: number, to: number): number => (to - from) / 1000;
  return {
    ours: span(began, at("application")),
    operator: span(at("application"), submitting),
    spark_submit: span(submitting, at("driver")),
    kubelet: span(at("driver"), at("running")),
    total: span(began, at("running")),
    spark_context: span(at("running"), at("executor")),
  };
}

type Moment = "application" | "driver" | "running" | "executor";

function watch(connection: Connection, run: string, signal: AbortSignal, see: (moment: Moment) => void) {
  const labelSelector = `sparkwright.dev/run=${run}`;
  const applications = reflector<KubeObject>(connection, {
    action: "follow applications",
    path: `/apis/sparkoperator.k8s.io/v1beta2/namespaces/${NAMESPACE}/sparkapplications`,
    labelSelector,
    onChange: () => see("application"),
  });
  const pods = reflector<Pod>(connection, {
    action: "follow pods",
    path: `/api/v1/namespaces/${NAMESPACE}/pods`,
    labelSelector,
    onChange(key) {
      const pod = pods.objects.get(key);
      if (pod?.metadata.labels?.["spark-role"] === "executor") see("executor");
      if (pod?.metadata.labels?.["spark-role"] !== "driver") return;
      see("driver");
      if (pod.status?.containerStatuses?.some(({ state }) => state?.running ?? state?.terminated)) see("running");
    },
  });
  return [applications.run(signal), pods.run(signal)];
}

/** When the operator says that it starts the spark-submit of a run's application; NaN when it does not say so. */
function submittedAt(run: string): number {
  const line = readFileSync(OPERATOR_LOG, "utf8")
    .split("\n")
    .findLast((text) => text.includes(STARTS_SUBMIT) && text.includes(`"name":"${run}-`));
  return line === undefined ? Number.NaN : Date.parse((JSON.parse(line) as { ts: string }).ts);
}
