/** How an application is handed to `spark-submit` on this machine. Pure. */
import { RejectedError } from "../errors.ts";
import type { SparkApp } from "../spark-app.ts";
import { SCRATCH } from "./attempt-folder.ts";

/** A command line with the variables it needs beside those of the session. */
export interface SubmitCommand {
  command: string[];
  env: Record<string, string>;
  workingDirectory: string;
}

/**
 * The command line, with `spark-submit` still to be found. The archive travels on PYTHONPATH: that reaches driver, workers and
 * the processes torchrun starts, while `--py-files` reads commas and brackets in a path as lists and patterns.
 * Throws RejectedError for a path that cannot be said so.
 */
export function sparkSubmit(app: SparkApp): SubmitCommand {
  if (app.archive.includes(":")) {
    throw new RejectedError(
      `Cannot run ${app.name}: its code lies in ${app.archive}, and Python cannot import from a path with a colon`,
      {
        remedy: "Choose a storage root without colons",
      },
    );
  }
  const conf = Object.entries(localConf(app)).flatMap(([key, value]) => ["--conf", `${key}=${value}`]);
  const { cores, memory } = app.size.driver;
  const options = ["--master", `local[${cores}]`, "--name", app.name, "--driver-memory", memory, ...conf];
  return {
    command: ["spark-submit", ...options, app.main, `${app.prefix}/params.json`],
    env: { PYTHONPATH: app.archive },
    workingDirectory: app.prefix,
  };
}

/** Settings of a Spark that nobody else talks to; those of the application win. */
function localConf(app: SparkApp): Record<string, string> {
  return {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    // Below the working directory: on the disk of the data, while /tmp is often memory. Relative, since commas would make it a list.
    "spark.local.dir": SCRATCH,
    "spark.driver.defaultJavaOptions": `-Djava.io.tmpdir=${quoted(`${app.prefix}/${SCRATCH}`)}`,
    ...app.conf,
  };
}

/** As Spark's launcher splits option strings. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
