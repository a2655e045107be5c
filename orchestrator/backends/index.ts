/** Which backend a target names. */
import { systemClock } from "../clock.ts";
import type { Target } from "../kinds/target.ts";
import { attemptDocuments } from "./attempt-documents.ts";
import type { Backend, Renderer, WithChanges, WithCrowd, WithLogs } from "./backend.ts";
import { kubeflow } from "./kubeflow.ts";
import { localBackend, type LocalOptions } from "./local.ts";

type ClusterBackend = Backend & WithLogs & WithChanges & WithCrowd;

/** What shows how an application would be sent. */
export function rendererOf(target: Target, options: LocalOptions = {}): Renderer {
  return target.backend === "kubeflow" ? kubeflow : localBackend(options);
}

/** What runs applications. A cluster is not asked for before it is used. */
export function backendOf(target: Target, options: LocalOptions = {}): Backend & WithLogs {
  return target.backend === "local" ? localBackend(options) : whenUsed(kubeflow, () => clusterBackend(target));
}

/** The client of a cluster takes longer to load than most commands take. */
async function clusterBackend(target: Target): Promise<ClusterBackend> {
  const { kubeflowBackend } = await import("./kubeflow-cluster.ts");
  return kubeflowBackend(target, { documents: attemptDocuments(systemClock) });
}

/** A backend that is loaded by its first use; rendering needs none of it. */
function whenUsed(renderer: Renderer, load: () => Promise<ClusterBackend>): ClusterBackend {
  let loaded: Promise<ClusterBackend> | undefined;
  const backend = () => (loaded ??= load());
  return {
    name: renderer.name,
    render: (app) => renderer.render(app),
    submit: async (app, signal) => (await backend()).submit(app, signal),
    observe: async (app, signal) => (await backend()).observe(app, signal),
    remove: async (app, signal, options) => (await backend()).remove(app, signal, options),
    settle: async (app, signal) => (await backend()).settle?.(app, signal),
    crowd: async (namespace, signal) => (await backend()).crowd(namespace, signal),
    follow(scope, wake, signal) {
      // What cannot be followed is asked: its error shows there.
      void backend().then(
        (used) => used.follow(scope, wake, signal),
        () => undefined,
      );
    },
    async *logs(app, options, signal) {
      yield* (await backend()).logs(app, options, signal);
    },
  };
}
