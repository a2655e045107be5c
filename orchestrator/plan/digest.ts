/** @module What decides the result of a step. Equal keys mean that an earlier execution may stand for a new one. */
import { differences, keysOf } from "../differences.ts";
import { digest, type Json } from "../json.ts";
import { setAt } from "../spec/resolve.ts";
import { parsePath, pathText } from "../spec/path.ts";
import type { CodeFile } from "./code.ts";
import type { DatasetShape, OutputPort, Plan, Step } from "./plan.ts";

/** What a step runs on, beside its own spec. */
export interface KeyContext {
  /** Image by digest, or what names the Python environment of a laptop. */
  image: string;
  /** The files the job's main file imports (`importClosure`). */
  code: readonly CodeFile[];
  /** Input role → version of the dataset; a role that is not read is absent. */
  inputVersions: Record<string, string>;
  sparkVersion: string;
  /** A sample gives other outputs than the whole. */
  sample: Plan["sample"];
}

/** The document whose digest is the key. Kept beside a commit, it says later why a step runs again. */
export interface KeyDocument {
  kind: string;
  main: string;
  settings: { [key: string]: Json };
  /** Role → dataset, version and how it is read. */
  inputs: Record<string, { dataset: string; version: string; shape: Json }>;
  outputs: Record<string, { dataset: string; shape: Json; checks?: Json; profile?: true }>;
  /** File → SHA-256. */
  code: Record<string, string>;
  image: string;
  sparkVersion: string;
  sample: Json;
}

/** SHA-256 in hex. Sizes, memory, retry, deadlines, descriptions, labels, run and attempt are not in it; the day of `${run.date}` is. */
export function cacheKeyOf(step: Step, context: KeyContext): string {
  return digest(keyDocument(step, context));
}

export function keyDocument(step: Step, context: KeyContext): KeyDocument {
  const settings = structuredClone(step.settings);
  for (const [path, parts] of Object.entries(step.runScoped)) setAt(settings, parsePath(path) ?? [], parts);
  const inputs = Object.entries(step.inputs).flatMap(([role, port]): [string, KeyDocument["inputs"][string]][] => {
    const version = context.inputVersions[role];
    return version === undefined ? [] : [[role, { dataset: port.dataset, version, shape: shapeOf(port) }]];
  });
  const outputs = Object.entries(step.outputs).map(
    ([role, port]) => [role, { dataset: port.dataset, shape: shapeOf(port), ...demandsOf(port) }] as const,
  );
  return {
    kind: step.kind,
    main: step.main,
    settings,
    inputs: Object.fromEntries(inputs),
    outputs: Object.fromEntries(outputs),
    code: Object.fromEntries(context.code.map(({ path, sha256 }) => [path, sha256])),
    image: context.image,
    sparkVersion: context.sparkVersion,
    sample: context.sample === null ? null : { ...context.sample },
  };
}

function shapeOf({ format, csv, columns, partitionBy }: DatasetShape): Json {
  return { format, csv: csv ?? null, columns, partitionBy };
}

/** Rows that passed other checks have not passed these, and those without a profile have none. */
function demandsOf({ checks, profile }: OutputPort): { checks?: Json; profile?: true } {
  return {
    ...(checks === undefined ? {} : { checks: JSON.parse(JSON.stringify(checks)) as Json }),
    ...(profile === undefined ? {} : { profile }),
  };
}

/**
 * What differs between two key documents, most telling first, one line each: "settings.windows changed", "input transactions replaced",
 * "module sparkjobs/txt.py changed". Empty when nothing differs.
 */
export function explainKey(before: KeyDocument, now: KeyDocument): string[] {
  const lines: string[] = [];
  if (before.kind !== now.kind) lines.push(`kind changed from ${before.kind} to ${now.kind}`);
  if (before.main !== now.main) lines.push(`main file changed from ${before.main} to ${now.main}`);
  for (const [path, change] of changes(before.settings, now.settings, "settings")) lines.push(`${path} ${change}`);
  for (const role of keysOf(before.inputs, now.inputs))
    lines.push(...inputLine(role, before.inputs[role], now.inputs[role]));
  for (const [path, change] of changes(before.outputs, now.outputs, "outputs")) lines.push(`${path} ${change}`);
  for (const file of keysOf(before.code, now.code)) {
    const [old, next] = [before.code[file], now.code[file]];
    if (old !== next)
      lines.push(`module ${file} ${old === undefined ? "added" : next === undefined ? "removed" : "changed"}`);
  }
  if (before.image !== now.image) lines.push("image changed");
  if (before.sparkVersion !== now.sparkVersion)
    lines.push(`Spark changed from ${before.sparkVersion} to ${now.sparkVersion}`);
  if (digest(before.sample) !== digest(now.sample)) lines.push("sample changed");
  return lines;
}

type Input = KeyDocument["inputs"][string] | undefined;

function inputLine(role: string, before: Input, now: Input): string[] {
  if (before === undefined) return [`input ${now?.dataset ?? role} added`];
  if (now === undefined) return [`input ${before.dataset} removed`];
  if (before.dataset !== now.dataset) return [`input ${role} reads ${now.dataset} instead of ${before.dataset}`];
  if (before.version !== now.version) return [`input ${now.dataset} replaced`];
  return digest(before.shape) === digest(now.shape)
    ? []
    : [`declared columns or format of input ${now.dataset} changed`];
}

/** Text of each place that differs, and how. */
function changes(before: Json, now: Json, root: string): [string, string][] {
  return differences(before, now, [root]).map(({ path, a, b }) => [
    pathText(path),
    a === undefined ? "added" : b === undefined ? "removed" : "changed",
  ]);
}
