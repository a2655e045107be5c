/**
 * On real pods, where tier 2 of the testbed is up: the time from `run` to the first driver by who takes it, and the main pipeline
 * beside the same on this machine.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { MissingError } from "../scripts/missing.mjs";
import { SHORT_LIVED } from "../scripts/spark-archive.mjs";
import { lacking } from "../test/testbed/classes/cases.ts";
import { sweep } from "../test/testbed/classes/harm.ts";
import { makePlace, removePlace } from "../test/testbed/classes/place.ts";
import { prepare } from "../test/testbed/demo.ts";
import { kubeconfig } from "../test/testbed/places.ts";
import { S3 } from "../test/testbed/s3.ts";
import { submitter } from "../test/testbed/submitter.ts";
import { firstDriver, type Spans } from "./first-driver.ts";
import { median, type Figure } from "./figure.ts";
import { ROOT, sparkwright } from "./program.ts";

const SUBMISSIONS = 5;
const HOUSEHOLDS = 0.1;

/** Figures as they become known. Throws MissingError when tier 2 is not up. */
export async function* pods(): AsyncIterable<Figure> {
  const missing = lacking();
  if (missing !== undefined) throw new MissingError(`Cannot measure: ${missing}`, "npm run testbed -- up --tier 2");
  yield* firstDrivers();
  yield* makespans();
}

/** Medians of jobs submitted one after another, while nothing else runs. */
async function* firstDrivers(): AsyncIterable<Figure> {
  const place = makePlace([
    { name: "first-driver", expects: "Succeeded", settings: { behaviour: "stays", seconds: 1 } },
  ]);
  const admin = connect(readKubeconfig({ file: kubeconfig("admin") }));
  const all: Spans[] = [];
  try {
    for (let at = 1; at <= SUBMISSIONS; at++)
      all.push(await firstDriver(admin, place, `first-driver-${place.stamp}-${at}`));
  } finally {
    await admin.close();
    sweep(place.stamp);
    removePlace(place);
  }
  for (const part of ["ours", "operator", "spark_submit", "kubelet", "total", "spark_context"] as const) {
    yield { name: `first_driver.${part}_s`, value: median(all.map((spans) => spans[part])), unit: "s" };
  }
}

/** The pipeline from nothing on both targets, in stores of their own, so that nothing comes from a cache. */
async function* makespans(): AsyncIterable<Figure> {
  const specs = await prepare(HOUSEHOLDS);
  const home = mkdtempSync(join(tmpdir(), "sparkwright-bench-"));
  const run = (target: string, store: string, env: Record<string, string>) =>
    sparkwright(["run", "offers", "-f", specs, "--target", target, "--store", store], ROOT, { ...process.env, ...env });
  try {
    const onPods = run("cluster", `${S3.root}/bench/${Date.now().toString(36)}`, submitter()).seconds;
    yield { name: "pods.wall", value: onPods, unit: "s" };
    // Compiled as cheaply as in the pods.
    const here = run("laptop", join(home, "store"), { JDK_JAVA_OPTIONS: SHORT_LIVED }).seconds;
    yield { name: "pods.laptop_wall", value: here, unit: "s" };
    yield { name: "pods.ratio", value: onPods / here, unit: "ratio" };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
