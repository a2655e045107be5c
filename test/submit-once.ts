/** A submitter to be killed: submits the application of its first argument with the stand-in driver, which bears PROBE as it does, says so, and stays. */
import { join } from "node:path";
import { localBackend } from "../orchestrator/backends/local.ts";
import type { SparkApp } from "../orchestrator/spark-app.ts";

const [app = "", behaviour = ""] = process.argv.slice(2);
const launch = () => ({
  command: [process.execPath, join(import.meta.dirname, "stand-in-driver.ts"), behaviour],
  env: { PATH: process.env["PATH"] ?? "", PROBE: process.env["PROBE"] ?? "" },
});
await localBackend({ launch }).submit(JSON.parse(app) as SparkApp, new AbortController().signal);
process.stdout.write("submitted\n");
setInterval(() => undefined, 1000);
