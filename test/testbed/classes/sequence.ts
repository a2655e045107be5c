/** A recorded sequence as it is committed: names and times made equal, with the versions it was recorded from. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SOURCES } from "../places.ts";
import type { Case } from "./cases.ts";
import type { Moment } from "./recorder.ts";

export interface Sequence {
  case: string;
  /** What the run ended with. */
  ended: string;
  operator: string;
  kubernetes: string;
  moments: Moment[];
}

/** Text of the file; equal moments have an equal text. */
export function sequenceOf(one: Case, run: string, moments: Moment[]): string {
  const sequence: Sequence = {
    case: one.name,
    ended: one.expects,
    operator: versionOf("operator", "github.com/kubeflow/spark-operator/v2"),
    kubernetes: versionOf("kubernetes", "k8s.io/kubernetes"),
    moments,
  };
  const { moments: each, ...head } = sequence;
  const lines = each.map((moment) => `    ${renamed(JSON.stringify(moment), run)}`);
  return `${JSON.stringify(head, undefined, 2).replace(/\n\}$/, "")},\n  "moments": [\n${lines.join(",\n")}\n  ]\n}\n`;
}

/** Longest message kept of a Java stack. */
const STACK = /(?:\\n\\tat [^"\\]*)+/g;

function renamed(text: string, run: string): string {
  return text
    .replaceAll(new RegExp(`${run}-[a-z0-9-]*?[0-9a-f]{8}(?![0-9a-f])`, "g"), "app")
    .replaceAll(/[a-z-]+-[0-9a-f]{16}-exec-/g, "app-exec-")
    .replaceAll(run, "run")
    .replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:0")
    .replaceAll(/s3a:\/\/[^"\\\s]*\/classes\/[0-9a-f]+/g, "s3a://store")
    .replaceAll(/\b10\.\d+\.\d+\.\d+(?::\d+)?/g, "address")
    .replaceAll(STACK, "");
}

function versionOf(folder: string, module: string): string {
  const text = readFileSync(join(SOURCES, "go", folder, "go.mod"), "utf8");
  return new RegExp(`${module} (v\\S+)`).exec(text)?.[1] ?? "unknown";
}
