import { describe, expect, test } from "vitest";
import { ownDriver, type Seen } from "../orchestrator/backends/kubeflow-evidence.ts";
import { lostNodes, tooLarge } from "../orchestrator/backends/kubeflow-room.ts";
import { terminationOf } from "../orchestrator/backends/termination.ts";
import { obstacle } from "../orchestrator/engine/pod-obstacle.ts";
import { application, ended, node, pod, running, see, unschedulable } from "./pods.ts";

describe("observationOf() trusts pods before the operator:", () => {
  test.for<[string, Partial<Seen>, object]>([
    ["nothing is there", {}, {}],
    ["not taken up", { application: application("") }, { phase: "Submitted" }],
    ["submitted, no pod yet", { application: application("SUBMITTED") }, { phase: "Submitted" }],
    [
      "FAILED, but the driver runs",
      { application: application("FAILED"), driver: pod("driver", running) },
      { phase: "Running" },
    ],
    [
      "COMPLETED, but the driver was killed",
      { application: application("COMPLETED"), driver: pod("driver", ended(137, { reason: "Error" })) },
      { phase: "Ended", exitCode: 137 },
    ],
    [
      "FAILED, but the driver ended well",
      { application: application("FAILED", "driver pod not found"), driver: pod("driver", ended(0)) },
      {
        phase: "Ended",
        exitCode: 0,
        startedAt: Date.parse("2026-11-23T00:00:00Z"),
        endedAt: Date.parse("2026-11-23T00:01:00Z"),
      },
    ],
    [
      "the driver ended well, a sidecar did not",
      { application: application("RUNNING"), driver: pod("driver", ended(0), { phase: "Running" }) },
      { phase: "Ended", exitCode: 0 },
    ],
    ["the application was deleted, the driver runs", { driver: pod("driver", running) }, { phase: "Running" }],
    ["COMPLETED, the pod is gone", { application: application("COMPLETED") }, { phase: "Ended", exitCode: 0 }],
    ["RUNNING, the pod is gone", { application: application("RUNNING") }, { phase: "Running" }],
    [
      "created, on no node yet",
      { application: application("SUBMITTED"), driver: pod("driver", undefined, { phase: "Pending" }) },
      { phase: "Pending" },
    ],
    ["a state that nobody knows", { application: application("WEIRD") }, { phase: "Submitted" }],
  ])("%s", ([, seen, expected]) => {
    const observation = see(seen);
    if (Object.keys(expected).length === 0) expect(observation).toBeUndefined();
    else expect(observation).toMatchObject(expected);
  });

  test("an end that no container tells has no exit code", () => {
    expect(see({ application: application("FAILED", "driver pod not found") })).not.toHaveProperty("exitCode");
    expect(see({ driver: pod("driver", undefined, { phase: "Failed", reason: "Evicted" }) })).not.toHaveProperty(
      "exitCode",
    );
  });

  test("brings the job's last words when they are as agreed", () => {
    const words = { class: "ConfigError", type: "InputError", message: "column a is missing", remedy: "Add it" };
    expect(see({ driver: pod("driver", ended(2, { message: JSON.stringify(words) })) })?.termination).toEqual(words);
    expect(terminationOf("Traceback (most recent call last):")).toBeUndefined();
    expect(terminationOf('{"class": "ConfigErr')).toBeUndefined();
    expect(terminationOf('{"class": 7}')).toBeUndefined();
  });
});

test("a driver that belongs to a deleted application of the same name is not its successor's", () => {
  const ownedBy = (uid: string) => {
    const driver = pod("driver", running);
    return {
      ...driver,
      metadata: { ...driver.metadata, ownerReferences: [{ kind: "SparkApplication", name: "app", uid }] },
    };
  };
  const now = { ...application("SUBMITTED"), metadata: { name: "app", uid: "2" } };
  expect(ownDriver([ownedBy("1")], now)).toBeUndefined();
  expect(ownDriver([ownedBy("1"), ownedBy("2")], now)).toEqual(ownedBy("2"));
  // The application is gone and its driver may still run; one without an owner was made by hand, with our labels.
  expect(ownDriver([ownedBy("1")], undefined)).toEqual(ownedBy("1"));
  expect(ownDriver([pod("driver", running)], now)).toEqual(pod("driver", running));
});

test("a pod larger than every node is told with what is missing", () => {
  const lacking = tooLarge({ cpu: "2", memory: "200Gi" }, [node("16Gi"), node("22317824Ki")]);
  expect(lacking).toEqual([{ resource: "memory", asks: "200 GiB", largest: "21 GiB", missing: "179 GiB" }]);
  const observation = see({ driver: pod("driver", undefined, unschedulable) });
  if (observation?.cluster?.driver === undefined) throw new Error("nothing was seen");
  observation.cluster.driver.tooLarge = lacking;
  expect(obstacle(observation)?.failure.cause).toBe(
    "no node is large enough for the driver (memory: asks for 200 GiB, the largest node has 21 GiB, 179 GiB missing)",
  );
  expect(tooLarge({ memory: "200Gi" }, [])).toEqual([]);
});

test("nodes that no longer report are lost", () => {
  expect([...lostNodes([node("1Gi"), node("2Gi", "Unknown"), node("3Gi", "False")])]).toEqual(["node-2Gi"]);
});
