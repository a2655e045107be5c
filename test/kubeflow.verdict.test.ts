import { expect, test } from "vitest";
import type { Seen } from "../orchestrator/backends/kubeflow-evidence.ts";
import type { FailureClass } from "../orchestrator/engine/failure.ts";
import { obstacle } from "../orchestrator/engine/pod-obstacle.ts";
import { verdict } from "../orchestrator/engine/verdict.ts";
import { application, deleted, ended, lostByTaint, pod, running, see, unschedulable, waits } from "./pods.ts";

const blame = {
  message: JSON.stringify({
    class: "ApplicationError",
    type: "Py4JJavaError",
    message: "Job aborted: ExecutorLostFailure (executor 1 exited)",
  }),
};
const SUBMISSION =
  'failed to submit spark application: failed to run spark-submit: Exception in thread "main" io.fabric8.kubernetes.client.KubernetesClientException: ';

const ENDED: [string, Partial<Seen>, FailureClass, RegExp][] = [
  [
    "OOM kill",
    { driver: pod("driver", ended(137, { reason: "OOMKilled" })) },
    "OutOfMemory",
    /the driver was killed for memory at its limit of 1408 MiB/,
  ],
  [
    "OOM kill of a driver whose memory is known",
    {
      application: { ...application("FAILED"), spec: { driver: { memory: "512m", memoryOverhead: "896m" } } },
      driver: pod("driver", ended(137, { reason: "OOMKilled" })),
    },
    "OutOfMemory",
    /limit of 1408 MiB \(heap 512m, beside it 896m\)/,
  ],
  [
    "a driver's pod that was deleted",
    { application: application("RUNNING"), driver: deleted(pod("driver", ended(143))) },
    "StatusLost",
    /stopped because its pod was deleted/,
  ],
  [
    "an application that was deleted",
    { driver: deleted(pod("driver", ended(137, { reason: "Error" }))) },
    "StatusLost",
    /stopped because its SparkApplication was deleted/,
  ],
  [
    "a driver whose pod was deleted after it had failed",
    { application: application("FAILED"), driver: deleted(pod("driver", ended(1))) },
    "ApplicationError",
    /exit code 1/,
  ],
  [
    "killed, not for memory",
    { driver: pod("driver", ended(143, { reason: "Error" })) },
    "ApplicationError",
    /exit code 143/,
  ],
  [
    "evicted",
    {
      driver: pod("driver", undefined, {
        phase: "Failed",
        reason: "Evicted",
        message: "The node was low on resource: memory",
      }),
    },
    "Evicted",
    /evicted from node-1: The node was low on resource: memory/,
  ],
  [
    "preempted",
    {
      driver: pod("driver", ended(143), {
        conditions: [{ type: "DisruptionTarget", status: "True", reason: "PreemptionByScheduler" }],
      }),
    },
    "Evicted",
    /Preemption/,
  ],
  [
    "node lost",
    { driver: pod("driver", undefined, { phase: "Failed", ...lostByTaint }) },
    "NodeLost",
    /node-1 is gone/,
  ],
  [
    "an executor out of memory",
    {
      driver: pod("driver", ended(1, blame)),
      executors: [pod("executor", ended(1)), pod("executor", ended(137, { reason: "OOMKilled" }))],
    },
    "OutOfMemory",
    /executor app-executor was killed for memory/,
  ],
  [
    "executors that fail",
    { driver: pod("driver", ended(1, blame)), executors: [pod("executor", ended(52))] },
    "ExecutorsFailed",
    /1 executor failed, first app-executor: exit code 52/,
  ],
  [
    "a job that failed although an executor went too",
    {
      driver: pod("driver", ended(2, { message: '{"class":"ConfigError","message":"no column a"}' })),
      executors: [pod("executor", ended(52))],
    },
    "ConfigError",
    /^no column a$/,
  ],
  [
    "quota",
    {
      application: application(
        "FAILED",
        `${SUBMISSION}pods "app-driver" is forbidden: exceeded quota: compute, requested: memory=2Gi, used: memory=7Gi, limited: memory=8Gi. Received status: Status(apiVersion=v1, code=403, details=null).`,
        0,
      ),
    },
    "QuotaExceeded",
    /exceeded quota: compute, requested: memory=2Gi, used: memory=7Gi, limited: memory=8Gi$/,
  ],
  [
    "no service account",
    {
      application: application(
        "FAILED",
        `${SUBMISSION}pods "app-driver" is forbidden: error looking up service account offers/spark: serviceaccount "spark" not found.`,
        0,
      ),
    },
    "ConfigError",
    /serviceaccount "spark" not found/,
  ],
  [
    "a failed submission",
    {
      application: application(
        "SUBMISSION_FAILED",
        `${SUBMISSION}\n\tat x.y.Z\nCaused by: java.net.SocketTimeoutException: timeout\n\tat a.b`,
        0,
      ),
    },
    "SubmissionFailed",
    /Caused by: java.net.SocketTimeoutException: timeout/,
  ],
  ["a driver that is gone", { application: application("FAILED", "driver pod not found") }, "StatusLost", /nobody saw/],
];

test.for(ENDED)("verdict() of %s", ([, seen, expected, cause]) => {
  const observation = see(seen);
  if (observation === undefined) throw new Error("nothing was seen");
  const failure = verdict(observation);
  expect(failure?.class).toBe(expected);
  expect(failure?.cause).toMatch(cause);
  expect(failure?.remedy ?? "").not.toMatch(/\.$/);
});

const STUCK: [string, Partial<Seen>, FailureClass, RegExp, boolean][] = [
  [
    "an image that may come",
    { driver: pod("driver", waits("ImagePullBackOff", 'Back-off pulling image "x"')) },
    "ImagePull",
    /Back-off/,
    false,
  ],
  [
    "an image that is not there",
    {
      driver: pod("driver", waits("ErrImagePull", "rpc error: code = NotFound desc = failed to resolve: x: not found")),
    },
    "ImagePull",
    /not found/,
    true,
  ],
  [
    "an image that is never pulled",
    {
      driver: pod("driver", waits("ErrImageNeverPull", 'Container image "x" is not present with pull policy of Never')),
    },
    "ImagePull",
    /x/,
    true,
  ],
  [
    "a missing secret",
    { driver: pod("driver", waits("CreateContainerConfigError", 'secret "s3" not found')) },
    "ConfigError",
    /secret "s3" not found/,
    true,
  ],
  [
    "no room",
    { driver: pod("driver", undefined, unschedulable) },
    "Unschedulable",
    /asks for 2 cpu and 200Gi memory: 0\/1 nodes/,
    false,
  ],
  [
    "a claim that is not there",
    {
      driver: pod("driver", undefined, {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
            message: '0/1 nodes are available: persistentvolumeclaim "lake" not found. not found',
          },
        ],
      }),
    },
    "ConfigError",
    /the driver cannot be placed on a node: persistentvolumeclaim "lake" not found$/,
    true,
  ],
  [
    "no room for executors",
    { driver: pod("driver", running), executors: [pod("executor", undefined, unschedulable)] },
    "Unschedulable",
    /executor app-executor/,
    false,
  ],
  ["a lost node", { driver: pod("driver", running, lostByTaint) }, "NodeLost", /node-1 is gone/, true],
  [
    "a node that is silent",
    { driver: pod("driver", running), lostNodes: new Set(["node-1"]) },
    "NodeLost",
    /no longer answers/,
    false,
  ],
  [
    "a volume that cannot be mounted",
    {
      driver: pod("driver", waits("ContainerCreating", ""), { phase: "Pending" }),
      warnings: ['FailedMount: MountVolume.SetUp failed: persistentvolumeclaim "lake" not found'],
    },
    "ConfigError",
    /"lake" not found/,
    false,
  ],
  ["no operator", { application: application("", undefined, 0) }, "SubmissionFailed", /has not taken up/, false],
];

test.for(STUCK)("obstacle() of %s", ([, seen, expected, cause, hopeless]) => {
  const observation = see(seen);
  if (observation === undefined) throw new Error("nothing was seen");
  const found = obstacle(observation);
  expect(found).toMatchObject({ hopeless, failure: { class: expected } });
  expect(found?.failure.cause).toMatch(cause);
});

test("obstacle() of a driver that runs, or is being created, is none", () => {
  for (const state of [running, waits("ContainerCreating", ""), waits("PodInitializing", "")]) {
    const observation = see({ application: application("SUBMITTED"), driver: pod("driver", state) });
    expect(observation && obstacle(observation)).toBeUndefined();
  }
});
