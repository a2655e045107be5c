/** Which backend a target names. */
import { RejectedError } from "../errors.ts";
import type { Target } from "../kinds/target.ts";
import type { Backend, Renderer, WithLogs } from "./backend.ts";
import { kubeflow } from "./kubeflow.ts";
import { localBackend, type LocalOptions } from "./local.ts";

/** What shows how an application would be sent. */
export function rendererOf(target: Target, options: LocalOptions = {}): Renderer {
  return target.backend === "kubeflow" ? kubeflow : localBackend(options);
}

/** What runs applications. Throws RejectedError for a backend that only renders. */
export function backendOf(target: Target, options: LocalOptions = {}): Backend & WithLogs {
  if (target.backend === "local") return localBackend(options);
  throw new RejectedError(`Cannot run on backend ${target.backend}: it only renders so far`, {
    remedy: "Use a target with backend local, or `sparkwright render` and apply the result with kubectl",
  });
}
