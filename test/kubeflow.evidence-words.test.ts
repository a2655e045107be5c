/** What goes with a verdict about a cluster: evidence lines, figures and what to do. */
import { expect, test } from "vitest";
import { obstacle } from "../orchestrator/engine/pod-obstacle.ts";
import { verdict } from "../orchestrator/engine/verdict.ts";
import { application, ended, pod, see, waits } from "./pods.ts";

const blame = {
  message: JSON.stringify({
    class: "ApplicationError",
    type: "Py4JJavaError",
    message: "Job aborted: ExecutorLostFailure (executor 1 exited)",
  }),
};

test("verdict() of an OOM kill suggests memory beside the heap that makes the container half as large again", () => {
  const sized = { driver: { memory: "512m", memoryOverhead: "896m" } };
  const observation = see({
    application: { ...application("FAILED"), spec: sized },
    driver: pod("driver", ended(137, { reason: "OOMKilled" })),
  });
  // 896 + 1408 / 2 = 1600, and up to the next 128.
  expect(observation && verdict(observation)?.remedy).toMatch(/memoryOverhead of the driver .* to 1664m/);
});

test("verdict() of a failed submission shows the exceptions, not what Spark printed before them", () => {
  const noise = "failed to run spark-submit: WARNING: Using incubator modules\n26/11/23 WARN Utils: Your hostname\n";
  const thrown =
    'Exception in thread "main" a.KubernetesClientException: no\n\tat a.b(C.java:1)\nCaused by: a.B: late\n';
  const observation = see({ application: application("SUBMISSION_FAILED", `${noise}${thrown}`, 0) });
  const evidence = observation && verdict(observation)?.evidence;
  expect(evidence?.slice(-2)).toEqual([
    'Exception in thread "main" a.KubernetesClientException: no',
    "Caused by: a.B: late",
  ]);
  expect(evidence?.join()).not.toContain("incubator");
});

test("obstacle() does not show that Spark makes its config maps after the pod, unless that is the last thing told", () => {
  const early = 'FailedMount: MountVolume.SetUp failed for volume "conf" : configmap "spark-drv-1-conf-map" not found';
  const evidenceOf = (...warnings: string[]) => {
    const seen = see({ driver: pod("driver", waits("ErrImagePull", "no"), { phase: "Pending" }), warnings });
    return seen && obstacle(seen)?.failure.evidence;
  };
  expect(evidenceOf(early, "Failed: ErrImagePull")?.join()).not.toContain("conf-map");
  expect(evidenceOf(early)?.join()).toContain("conf-map");
});

test("obstacle() tells a warning that the cluster repeated once", () => {
  const warnings = ["FailedScheduling: no room", "FailedScheduling: no room"];
  const seen = see({ driver: pod("driver", waits("ErrImagePull", "no"), { phase: "Pending" }), warnings });
  const evidence = seen && obstacle(seen)?.failure.evidence;
  expect(evidence?.filter((line) => line === warnings[0])).toHaveLength(1);
});

test("verdict() of executors that fail names the one that failed first, with its last lines", () => {
  const at = (name: string, time: string) => {
    const executor = pod("executor", ended(137, { reason: "Error", finishedAt: time }));
    return { ...executor, metadata: { ...executor.metadata, name } };
  };
  const observation = see({
    driver: pod("driver", ended(1, blame)),
    executors: [at("app-exec-1", "2026-11-23T00:00:09Z"), at("app-exec-2", "2026-11-23T00:00:04Z")],
  });
  const first = observation?.cluster?.executors?.first;
  if (observation === undefined || first === undefined) throw new Error("nothing was seen");
  first.logTail = "one\ntwo\n";
  const failure = verdict(observation);
  expect(failure?.cause).toBe("2 executors failed, first app-exec-2: exit code 137");
  expect(failure?.remedy).toMatch(/--role executor --index 2$/);
  expect(failure?.evidence).toContain("app-exec-2: two");
});
