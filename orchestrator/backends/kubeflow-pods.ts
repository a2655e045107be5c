/** Pod templates for driver and executors: what Spark cannot set itself, so that no mutating webhook is needed. */
import { mebibytes } from "../quantity.ts";
import type { SparkApp } from "../spark-app.ts";

/** User and group of the Spark images, by number: the kubelet cannot tell whether a user given by name is root. */
const SPARK_USER = 185;
/** Where Spark's entry point starts driver and executors, and where they put the files they fetch. */
export const WORK_DIR = "/opt/spark/work-dir";
/** By node feature discovery, where kernel and processor both offer it. */
const AMX_BF16 = "feature.node.kubernetes.io/cpu-cpuid.AMXBF16";

const LOGS_VARIABLE = "SPARKWRIGHT_LOGS";

type Role = "driver" | "executor";

/** A pod that the restricted profile admits, with folders to write to on an otherwise read-only file system. */
export function podTemplate(app: SparkApp, role: Role) {
  const volumes = [
    ...writable,
    ...(role === "executor" && app.ranks > 0 ? [sharedMemory(app)] : []),
    ...app.target.volumes.map(claimed),
  ];
  return {
    spec: {
      // One environment variable per service would overflow the command line in a namespace with thousands of drivers.
      enableServiceLinks: false,
      // Executors talk to the driver only.
      automountServiceAccountToken: role === "driver",
      securityContext: {
        runAsNonRoot: true,
        runAsUser: SPARK_USER,
        runAsGroup: SPARK_USER,
        fsGroup: SPARK_USER,
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(role === "executor" && app.size.amx ? { affinity: amxNodes } : {}),
      containers: [
        {
          name: `spark-kubernetes-${role}`,
          // The folder an image starts in may be read-only here; Spark puts the files it fetches where it starts.
          workingDir: WORK_DIR,
          env: [
            { name: "HOME", value: "/tmp" },
            // Where the entrypoint of our images keeps the container's log.
            { name: LOGS_VARIABLE, value: app.prefix },
          ],
          ...(app.target.credentials === undefined
            ? {}
            : { envFrom: [{ secretRef: { name: app.target.credentials } }] }),
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            capabilities: { drop: ["ALL"] },
            seccompProfile: { type: "RuntimeDefault" },
          },
          volumeMounts: volumes.map(({ name, mountPath, readOnly }) => ({
            name,
            mountPath,
            ...(readOnly === true ? { readOnly } : {}),
          })),
        },
      ],
      volumes: volumes.map(({ name, source }) => ({ name, ...source })),
    },
  };
}

interface Volume {
  name: string;
  mountPath: string;
  readOnly?: boolean;
  source:
    | { emptyDir: { medium?: string; sizeLimit?: string } }
    | { persistentVolumeClaim: { claimName: string; readOnly: boolean } };
}

const writable: Volume[] = [
  { name: "tmp", mountPath: "/tmp", source: { emptyDir: {} } },
  { name: "work-dir", mountPath: WORK_DIR, source: { emptyDir: {} } },
  // By this name Spark recognises its scratch space.
  { name: "spark-local-dir-1", mountPath: "/var/data/spark-local-dir-1", source: { emptyDir: {} } },
];

function claimed({ claim, mountPath, readOnly }: SparkApp["target"]["volumes"][number], at: number): Volume {
  const source = { persistentVolumeClaim: { claimName: claim, readOnly } };
  return { name: `volume-${at + 1}`, mountPath, readOnly, source };
}

/** Ranks hand tensors to their data loaders here; the runtime's default of 64 MiB is too little. It counts as memory of the container. */
function sharedMemory({ size }: SparkApp): Volume {
  const mib = Math.floor(overheadMib(size.executor) / 4);
  const source = { emptyDir: { medium: "Memory", sizeLimit: `${mib}Mi` } };
  return { name: "dshm", mountPath: "/dev/shm", source };
}

/** Memory beside the heap. What Spark would take for Python: two fifths of the heap, 384 MiB at least. */
export function overheadMib({ memory, memoryOverhead }: SparkApp["size"][Role]): number {
  return memoryOverhead === undefined ? Math.max(384, Math.floor(mebibytes(memory) * 0.4)) : mebibytes(memoryOverhead);
}

const amxNodes = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: AMX_BF16, operator: "In", values: ["true"] }] }],
    },
  },
};
