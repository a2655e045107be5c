/** What stands for a Spark driver in the tales: reads the params document of an attempt and does what the tale wants. */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Ending } from "../fake-kubelet.ts";
import type { Attempt } from "./tale.ts";

interface Params {
  protocol: string;
  step: string;
  inputs: Record<string, { files: { path: string; etag: string }[] }>;
  outputs: Record<string, { path: string }>;
  resultPath: string;
}

/** Drivers that are said to have ended live on for a while, so that the claim can be believed by mistake. */
const DOUBTED_MS = 500;
const WORK_MS = 80;

export async function driverOf({ deed, conduct }: Attempt, paramsFile: string, signal: AbortSignal): Promise<Ending> {
  const isDoubted = /claims|resubmits/.test(conduct);
  await delay(isDoubted ? DOUBTED_MS : WORK_MS, undefined, { signal });
  switch (deed) {
    case "succeeds":
      await write(paramsFile);
      return { exitCode: 0 };
    case "succeeds unseen":
      await write(paramsFile);
      return { vanishes: true };
    case "is cut":
      await write(paramsFile, { cut: true });
      return { exitCode: 0 };
    case "forgets":
      return { exitCode: 0 };
    case "fails":
      return { exitCode: 1, message: said("ApplicationError", "no such thing") };
    case "rejects":
      return { exitCode: 2, message: said("ConfigError", "column a is missing in lines.csv") };
    case "starves":
      return { exitCode: 137, reason: "OOMKilled" };
    case "is evicted":
      return { evicted: "The node was low on resource: memory" };
    case "vanishes":
    case "has no image":
      return { vanishes: true };
  }
}

function said(kind: string, message: string): string {
  return JSON.stringify({ class: kind, type: "ValueError", message, traceback: "Traceback\nValueError" });
}

/** The outputs, which depend on the inputs, and after them the result document. */
async function write(paramsFile: string, { cut = false } = {}): Promise<void> {
  const params = JSON.parse(await readFile(paramsFile, "utf8")) as Params;
  const read = await Promise.all(
    Object.values(params.inputs).flatMap(({ files }) => files.map(({ path }) => readFile(path, "utf8"))),
  );
  const outputs: Record<string, object> = {};
  for (const [role, { path }] of Object.entries(params.outputs)) {
    const content = JSON.stringify({ step: params.step, role, read });
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "model.json"), content);
    const etag = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    outputs[role] = { files: [{ path: "model.json", size: content.length, etag }] };
    if (cut) await truncate(join(path, "model.json"), 3);
  }
  const result = { protocol: params.protocol, outputs, metrics: {}, tables: [], notes: [], inputs: {} };
  await writeFile(`${params.resultPath}.draft`, JSON.stringify(result));
  await rename(`${params.resultPath}.draft`, params.resultPath);
}
