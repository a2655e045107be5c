import { z } from "zod";
import { Description, Memory, Name } from "./fields.ts";

const Pod = z.strictObject({
  cores: z.int().min(1).default(1).describe("Tasks at once."),
  coreRequest: z
    .string()
    .regex(/^([1-9][0-9]*|[1-9][0-9]*m)$/, "expected CPUs such as 2 or 250m")
    .optional()
    .describe("CPUs reserved for it on a node. Default: cores. Not for pinned executors, which get whole ones."),
  memory: Memory.default("1g").describe("Heap of the JVM."),
  memoryOverhead: Memory.optional().describe("Memory beside the heap, for Python."),
});

const Size = z
  .strictObject({
    driver: Pod.prefault({}).describe(
      "The process that holds the plan of the computation; on a laptop it computes too.",
    ),
    executor: Pod.prefault({}).describe("Each process that computes."),
    executors: z
      .int()
      .min(0)
      .max(10000)
      .default(1)
      .describe("Number of executors; a laptop has none, its driver does all."),
    pinned: z.boolean().default(false).describe("Whole CPUs for executors (Guaranteed pods), for training."),
    amx: z.boolean().default(false).describe("Only nodes labelled with AMX bf16 by node feature discovery."),
    conf: z.record(z.string(), z.string()).default({}).describe("Spark settings of this size."),
  })
  .describe("What a size means here.");

const Source = z.strictObject({
  path: z.string().optional().describe("Folder or URI; relative to the file of the target."),
  package: z.string().optional().describe("Python package that carries the data; path is then inside it."),
});

/** Where Spark and our pod templates put folders of their own. */
const TAKEN = /^\/(tmp|opt\/spark\/work-dir|var\/data\/spark-local-dir-1|dev)?(\/|$)/;

const Volume = z.strictObject({
  claim: z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "expected the name of a persistent volume claim")
    .describe("Persistent volume claim in the namespace."),
  mountPath: z
    .string()
    .regex(/^(\/[A-Za-z0-9._-]+)+$/, "expected an absolute folder such as /mnt/data")
    .refine((path) => !TAKEN.test(path), "this folder is Spark's own")
    .describe("Folder in driver and executors."),
  readOnly: z.boolean().default(true).describe("Whether pods may only read it."),
});

export const Target = z
  .strictObject({
    description: Description,
    backend: z.enum(["local", "kubeflow"]).default("local").describe("What runs the applications."),
    namespace: Name.default("default").describe("Namespace of applications, and first part of where their data lies."),
    storage: z
      .strictObject({
        root: z.string().describe("Folder (relative to the working directory) or s3a:// prefix of datasets and runs."),
      })
      .describe("Where datasets and runs are kept."),
    sources: z.record(z.string(), Source).default({}).describe("Where data from outside lies, by name."),
    sparkVersion: z.string().default("4.1.4").describe("Spark of the image or the laptop."),
    python: z.string().optional().describe("Python interpreter of a laptop. Default: the locked environment."),
    context: z.string().min(1).optional().describe("Context of the kubeconfig. Default: the current one."),
    image: z.string().optional().describe("Image with Spark, Python and the dependencies, by digest."),
    imagePullSecrets: z.array(z.string()).default([]).describe("Names of secrets to pull the image with."),
    serviceAccount: z.string().default("spark").describe("Service account of the drivers."),
    queue: Name.optional().describe("Kueue queue."),
    volumes: z.array(Volume).default([]).describe("Folders mounted into driver and executors."),
    environment: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected the name of a variable"), z.string())
      .default({})
      .describe("Variables of driver and executors; never a secret, everybody who sees the application sees them."),
    credentials: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "expected the name of a secret")
      .optional()
      .describe(
        "Secret of the namespace whose keys become variables of driver and executors, such as AWS_ACCESS_KEY_ID.",
      ),
    labels: z.record(z.string(), z.string()).default({}).describe("Labels of every application and pod."),
    sizes: z.record(z.string(), Size).describe("Sizes that jobs may name."),
    conf: z.record(z.string(), z.string()).default({}).describe("Spark settings of every application here."),
    parallelism: z.int().min(1).default(1).describe("Applications of a run at once."),
    perMinute: z
      .int()
      .min(1)
      .max(10000)
      .default(8)
      .describe("Applications that a cluster's operator takes up in a minute; no more are submitted to its namespace."),
    mostApplications: z
      .int()
      .min(1)
      .max(100000)
      .default(1000)
      .describe("Applications of a cluster's namespace that may be there without having ended, whoever made them."),
  })
  .describe("Where and with what applications run. Owned by the platform team.");
export type Target = z.output<typeof Target>;
