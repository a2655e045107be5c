/**
 * An archive of the classes that Spark loads, for the virtual machines of tests: with it and without the second compiler a small job
 * takes a third of the processor's time. Made once for each Java beside the Python environment that holds Spark.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ask } from "./child.mjs";
import { withLock } from "./lock.mjs";
import { environment, pythonBinary } from "./places.mjs";

/** What most jobs do: read, group, join, write, read again. */
const JOB = `
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
numbers = spark.range(1000).selectExpr("id % 7 as k", "id", "rand(1) as x")
numbers.groupBy("k").count().join(numbers, "k").write.parquet(sys.argv[1])
spark.read.parquet(sys.argv[1]).orderBy("x").limit(5).toPandas()
spark.stop()
`;

/** Becomes the spark-submit of this Python. */
const SUBMIT = `
import os, sys, pyspark
program = os.path.join(os.path.dirname(pyspark.__file__), "bin/spark-submit")
os.execv(program, [program, *sys.argv[1:]])
`;

/** Virtual machines that live for seconds compile cheaply and collect garbage in one thread. */
export const SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

/**
 * The variable with which tests start virtual machines, those of the drivers of local runs included. Makes the archive when there is
 * none; one that cannot be made only costs time.
 * @returns {Promise<{ JDK_JAVA_OPTIONS: string }>}
 */
export async function quickSpark() {
  const archive = archiveFile();
  if (!existsSync(archive)) await withLock(`${archive}.lock`, async () => existsSync(archive) || make(archive));
  return { JDK_JAVA_OPTIONS: quickOptions() };
}

/** Options for a virtual machine on this machine's Spark, with the archive when there is one. */
export function quickOptions() {
  const archive = archiveFile();
  return existsSync(archive) ? `${SHORT_LIVED} -XX:SharedArchiveFile=${archive}` : SHORT_LIVED;
}

/** An archive fits one Java and one Spark. */
function archiveFile() {
  const java = createHash("sha256")
    .update(ask(javaBinary(), ["-version"]) ?? "")
    .digest("hex");
  return join(dirname(dirname(pythonBinary())), `spark-classes-${java.slice(0, 12)}.jsa`);
}

function make(archive) {
  process.stderr.write("test: making an archive of Spark's classes, once (about a minute) ...\n");
  const place = mkdtempSync(join(tmpdir(), "sparkwright-archive-"));
  try {
    const [job, draft] = [join(place, "job.py"), `${archive}.${process.pid}`];
    writeFileSync(job, JOB);
    const conf = ["spark.ui.enabled=false", `spark.driver.extraJavaOptions=-XX:ArchiveClassesAtExit=${draft}`];
    const words = ["--master", "local[2]", ...conf.flatMap((one) => ["--conf", one]), job, join(place, "rows")];
    const made = ask(pythonBinary(), ["-c", SUBMIT, ...words], {
      env: { ...environment(), PYSPARK_PYTHON: pythonBinary() },
      maxBuffer: 1 << 26,
    });
    if (made !== undefined && existsSync(draft)) renameSync(draft, archive);
    else process.stderr.write("test: there is no such archive; Spark starts slower without it\n");
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function javaBinary() {
  return process.env.JAVA_HOME ? join(process.env.JAVA_HOME, "bin/java") : "java";
}
