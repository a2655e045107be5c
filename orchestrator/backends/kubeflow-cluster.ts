/** @module Runs applications by the kubeflow Spark operator of a cluster. Keeps nothing that the cluster does not know: any process can go on. */
import { type Clock, systemClock } from "../clock.ts";
import type { Target } from "../kinds/target.ts";
import { connect, type Connection } from "../kubernetes/connection.ts";
import { readKubeconfig } from "../kubernetes/kubeconfig.ts";
import { podLog } from "../kubernetes/pod-log.ts";
import type { AttemptDocuments } from "./attempt-documents.ts";
import type { Backend, WithChanges, WithCrowd, WithLogs } from "./backend.ts";
import { copiesOf, type CopiesOptions } from "./kubeflow-copy.ts";
import { crowdIn } from "./kubeflow-crowd.ts";
import { DRIVER_CONTAINER, EXECUTOR_CONTAINER } from "./kubeflow-evidence.ts";
import { executorOf } from "./kubeflow-objects.ts";
import { kubeflow } from "./kubeflow.ts";
import { watcherOf } from "./kubeflow-watcher.ts";
import { type RemovalOptions, removeApplication, sweepExecutors } from "./kubeflow-removal.ts";
import { submitApplication } from "./kubeflow-submission.ts";

export interface KubeflowOptions extends RemovalOptions, Pick<CopiesOptions, "extent"> {
  /** Default: made from the kubeconfig when it is first needed. */
  connection?: Connection;
  clock?: Clock;
  /** How long a driver's pod may be missing while the operator says it runs, in ms. Default 60 s. */
  missingMs?: number;
  /** What the jobs themselves wrote. Default: only what the cluster says counts. */
  documents?: AttemptDocuments;
}

/** Nothing is asked of the cluster before the first call. Throws RejectedError there when the kubeconfig is of no use. */
export function kubeflowBackend(
  target: Pick<Target, "context">,
  options: KubeflowOptions = {},
): Backend & WithLogs & WithChanges & WithCrowd {
  let made: Connection | undefined;
  const connection = () => (made ??= options.connection ?? connect(readKubeconfig({ context: target.context })));
  const copies = copiesOf({ connection, extent: options.extent });
  const watcher = watcherOf({
    connection,
    copies,
    clock: options.clock ?? systemClock,
    missingMs: options.missingMs ?? 60_000,
  });
  const crowd = crowdIn(connection);

  return {
    name: "kubeflow",

    render: (app) => kubeflow.render(app),

    async submit(app, signal) {
      try {
        await submitApplication(connection(), app, kubeflow.render(app), signal);
      } finally {
        crowd.forget();
      }
    },

    async observe(app, signal) {
      const seen = await watcher.observe(app, signal);
      return options.documents?.complete(app, seen) ?? seen;
    },

    follow: (scope, wake, signal) => copies.follow(scope, wake, signal),

    async remove(app, signal, more) {
      await removeApplication(connection(), app, { ...options, ...more }, signal);
      watcher.forget(app);
    },

    settle: (app, signal) => sweepExecutors(connection(), app, signal),

    crowd: (namespace, signal) => crowd.look(namespace, signal),

    async *logs(app, { follow, tail, executor }, signal) {
      const pod =
        executor === undefined
          ? await watcher.driverOf(app, follow, signal)
          : await executorOf(connection(), app, executor, signal);
      if (pod === undefined) return;
      const container = executor === undefined ? DRIVER_CONTAINER : EXECUTOR_CONTAINER;
      const source = { namespace: app.namespace, pod, container, follow, tail };
      const ended = async () => ((await watcher.observe(app, signal))?.phase ?? "Ended") === "Ended";
      yield* podLog(connection(), source, { ended }, signal);
    },
  };
}
