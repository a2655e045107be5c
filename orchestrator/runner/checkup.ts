/** @module `doctor`: looks at all that runs of a target need and tells what is missing. Changes nothing but one small object that it removes again. */
import { randomUUID } from "node:crypto";
import type { Machine } from "../backends/machine.ts";
import { RejectedError, UnavailableError } from "../errors.ts";
import type { Target } from "../kinds/target.ts";
import type { Finding } from "../report/checkup.ts";
import { filesAt } from "../storage/files.ts";
import { isInBucket, joined } from "../storage/layout.ts";

/** What a target without a cluster needs: Spark and Java of this machine, and its store. */
export async function checkMachine(machine: Machine, root: string): Promise<Finding[]> {
  return [
    await finding("machine", async () => {
      await machine.check();
      return "Spark and Java are here";
    }),
    await checkStore(root),
  ];
}

/** Whether the store can be read and written from here. Pods reach it by credentials of their own. */
export function checkStore(root: string): Promise<Finding> {
  return finding("storage", async () => {
    const files = filesAt(root);
    const path = joined(root, `doctor-${randomUUID()}`);
    const words = "written by sparkwright doctor";
    await files.write(path, words);
    try {
      const { bytes } = (await files.read(path)) ?? {};
      if (bytes === undefined || Buffer.from(bytes).toString() !== words)
        throw new RejectedError(`Cannot read ${path}: what was written there is not there`);
    } finally {
      await files.remove(path);
    }
    return `${root} can be read and written`;
  });
}

/** What a check saw; an error of ours is a finding with its remedy. */
export async function finding(check: string, look: () => Promise<string | Finding>): Promise<Finding> {
  try {
    const seen = await look();
    return typeof seen === "string" ? { check, outcome: "ok", says: seen } : seen;
  } catch (error) {
    if (!(error instanceof RejectedError) && !(error instanceof UnavailableError)) throw error;
    return {
      check,
      outcome: "failed",
      says: error.message,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    };
  }
}

/** Whether pods could reach the store: a folder of this machine is none of theirs. */
export function storeProblem(target: Target, root: string): Finding[] {
  if (target.backend === "local" || isInBucket(root)) return [];
  const remedy = "Set storage.root of the target to s3a://BUCKET/PREFIX";
  return [{ check: "storage", outcome: "failed", says: `pods cannot reach ${root}`, remedy }];
}
