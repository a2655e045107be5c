/** Which backend a target names. */
import type { Target } from "../kinds/target.ts";
import type { Backend, Renderer, WithLogs } from "./backend.ts";
import { kubeflow } from "./kubeflow.ts";
import { localBackend, type LocalOptions } from "./local.ts";

/** What shows how an application would be sent. */
export function rendererOf(target: Target, options: LocalOptions = {}): Renderer {
  return target.backend === "kubeflow" ? kubeflow : localBackend(options);
}

/** What runs applications. A cluster is not asked for before it is used. */
export function backendOf(target: Target, options: LocalOptions = {}): Backend & WithLogs {
  return target.backend === "local" ? localBackend(options) : whenUsed(kubeflow, () => clusterBackend(target));
}

/** The client of a cluster takes longer to load than most commands take. */
async function clusterBackend(target: Target): Promise<Backend & WithLogs> {
  const { kubeflowBackend } = await import("./kubeflow-cluster.ts");
  return kubeflowBackend(target);
}

/** A backend that is loaded by its first use; rendering needs none of it. */
function whenUsed(renderer: Renderer, load: () => Promise<Backend & WithLogs>): Backend & WithLogs {
  let loaded: Promise<Backend & WithLogs> | undefined;
  const backend = () => (loaded ??= load());
  return {
    name: renderer.name,
    render: (app) => renderer.render(app),
    submit: async (app, signal) => (await backend()).submit(app, signal),
    observe: async (app, signal) => (await backend()).observe(app, signal),
    remove: async (app, signal) => (await backend()).remove(app, signal),
    async *logs(app, options, signal) {
      yield* (await backend()).logs(app, options, signal);
    },
  };
}
