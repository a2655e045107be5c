/** A small application for tests of backends; fields that matter to a test are given by it. */
import { Target } from "../orchestrator/kinds/target.ts";
import { applicationName } from "../orchestrator/names.ts";
import type { SparkApp } from "../orchestrator/spark-app.ts";

export const DIGEST = `sha256:${"0".repeat(64)}`;

export const clusterTarget = (more: Partial<Target> = {}): Target => ({
  ...Target.parse({
    backend: "kubeflow",
    namespace: "offers",
    storage: { root: "s3a://sparkwright" },
    image: `registry.example/spark-jobs@${DIGEST}`,
    sizes: { small: { executors: 2 } },
  }),
  ...more,
});

export function sampleApp(more: Partial<SparkApp> = {}): SparkApp {
  const target = more.target ?? clusterTarget();
  const { small } = target.sizes;
  if (small === undefined) throw new Error("A sample target has the size small");
  return {
    name: applicationName("offers-1", "features", 1),
    namespace: target.namespace,
    run: "offers-1",
    step: "features",
    attempt: 1,
    kind: "FeatureJob",
    job: "features",
    digest: "d0",
    main: "s3a://sparkwright/code/c0/jobs/features.py",
    archive: "s3a://sparkwright/code/c0/modules.zip",
    prefix: "s3a://sparkwright/runs/offers-1/features/1",
    size: small,
    conf: {},
    ranks: 0,
    target,
    ...more,
  };
}
