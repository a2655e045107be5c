import { describe, expect, test } from "vitest";
import { kubeflow } from "../orchestrator/backends/kubeflow.ts";
import { Target } from "../orchestrator/kinds/target.ts";
import { clusterTarget, sampleApp } from "./sample-app.ts";

interface PodSpec {
  containers: { volumeMounts: object[] }[];
  volumes: object[];
}
type Role = { template: { spec: PodSpec } };
interface Manifest {
  metadata: { ownerReferences?: object[] };
  spec: { sparkConf: Record<string, string>; driver: Role; executor: Role };
}

const render = (more: Parameters<typeof sampleApp>[0]) => kubeflow.render(sampleApp(more)) as Manifest;

describe("kubeflow.render()", () => {
  test("goes with its run, where that is an object of the cluster", () => {
    const owners = (more: Parameters<typeof sampleApp>[0]) => render(more).metadata.ownerReferences;
    const owner = { apiVersion: "sparkwright.dev/v1alpha1", kind: "Run", name: "shop-1", uid: "u" };
    expect(owners({ run: "shop-1", runUid: "u" })).toEqual([owner]);
    expect(owners({ run: "shop-1" })).toBeUndefined();
  });

  test.for(["driver", "executor"] as const)(
    "gives the %s the variables of the secret and a folder to start in",
    (role) => {
      const [container] = render({ target: clusterTarget({ credentials: "s3-jobs" }) }).spec[role].template.spec
        .containers;
      expect(container).toMatchObject({
        envFrom: [{ secretRef: { name: "s3-jobs" } }],
        workingDir: "/opt/spark/work-dir",
      });
    },
  );

  test.for(["driver", "executor"] as const)("mounts the volumes of the target into the %s", (role) => {
    const volumes = [
      { claim: "python", mountPath: "/mnt/python", readOnly: true },
      { claim: "scratch", mountPath: "/mnt/scratch", readOnly: false },
    ];
    const pod = render({ target: clusterTarget({ volumes }) }).spec[role].template.spec;
    expect(pod.containers[0]?.volumeMounts.slice(-2)).toEqual([
      { name: "volume-1", mountPath: "/mnt/python", readOnly: true },
      { name: "volume-2", mountPath: "/mnt/scratch" },
    ]);
    expect(pod.volumes.slice(-2)).toEqual([
      { name: "volume-1", persistentVolumeClaim: { claimName: "python", readOnly: true } },
      { name: "volume-2", persistentVolumeClaim: { claimName: "scratch", readOnly: false } },
    ]);
  });

  test("gives the variables of the target to both roles", () => {
    expect(render({ target: clusterTarget({ environment: { AWS_REGION: "x" } }) }).spec.sparkConf).toMatchObject({
      "spark.kubernetes.driverEnv.AWS_REGION": "x",
      "spark.executorEnv.AWS_REGION": "x",
    });
  });
});

test.for(["/", "/tmp", "/opt/spark/work-dir/x", "/dev/shm", "relative", "/a/../b/"])(
  "a volume may not be mounted at %s",
  (mountPath) => {
    const target = { storage: { root: "s3a://b" }, sizes: {}, volumes: [{ claim: "c", mountPath }] };
    expect(Target.safeParse(target).success).toBe(false);
  },
);
