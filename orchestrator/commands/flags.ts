/** @module Flags that several verbs share, with one meaning each. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { RejectedError } from "../errors.ts";
import { FORMATS } from "../report/format.ts";
import { parseParam } from "../spec/params.ts";
import type { FolderStore } from "../storage/folder.ts";
import { isUri } from "../storage/layout.ts";
import type { Terminal } from "./terminal.ts";

export interface SpecFlags {
  file?: string[];
  target?: string;
  param?: string[];
}

/** `-f`, `--target`, `--param`. */
export function specFlags(command: Command): Command {
  return fileFlag(command)
    .option("-t, --target <name>", "where to run; default: the only target, else laptop")
    .option("-p, --param <name=value>", "value of a parameter; repeatable", collect);
}

/** `-f FILE|DIR|-`. */
export function fileFlag(command: Command): Command {
  return command.option(
    "-f, --file <path>",
    "spec file, folder of them, or - for standard input; repeatable (default: job-specs)",
    collect,
  );
}

/** `-o`. */
export function outputFlag(command: Command): Command {
  return command.option("-o, --output <format>", FORMATS.join("|"), "table");
}

export interface StoreFlag {
  store?: string;
}

/** `--store`. */
export function storeFlag(command: Command): Command {
  return command.option(
    "--store <dir>",
    "where runs and datasets are kept (default: .sparkwright, or SPARKWRIGHT_STORE)",
  );
}

/** Which runs are meant: those of a store, or those that a cluster knows. */
export interface PlaceFlags extends StoreFlag {
  namespace?: string;
  context?: string;
}

/** `--store`, or `-n` and `--context` for a cluster. */
export function placeFlags(command: Command): Command {
  return storeFlag(command)
    .option("-n, --namespace <name>", "runs of this namespace of a cluster, by its Run objects")
    .option("--context <name>", "context of the kubeconfig (default: the current one)");
}

/** Whether the flags mean a cluster. Raises RejectedError when they mean both. */
export function isOnCluster({ store, namespace, context }: PlaceFlags): boolean {
  const isCluster = namespace !== undefined || context !== undefined;
  if (isCluster && store !== undefined)
    throw new RejectedError("Cannot look in a store and in a cluster: --store stands beside --namespace or --context", {
      remedy: "Leave one of them out; a run of a cluster says itself where its data lie",
    });
  return isCluster;
}

const DEFAULT_STORE = ".sparkwright";

/** Absolute folder or URI of the store; `fallback` (the target's root) stands in when neither flag nor variable is given. */
export function storeFolder(
  { store }: StoreFlag,
  { cwd, environ }: Terminal,
  fallback: string = DEFAULT_STORE,
): string {
  const variable = environ["SPARKWRIGHT_STORE"];
  const root = store ?? (variable === undefined || variable === "" ? fallback : variable);
  return isUri(root) ? root.replace(/\/+$/, "") : resolve(cwd, root);
}

/** What must be added to a command for it to find this store: nothing for the default one. */
export function storeSuffix(folder: string, terminal: Terminal): string {
  if (folder === storeFolder({}, terminal)) return "";
  return ` --store ${quoted(folder)}`;
}

/** As `storeSuffix`, for runs that a cluster may know. */
export function placeSuffix({ root, cluster }: Pick<FolderStore, "root" | "cluster">, terminal: Terminal): string {
  return cluster === undefined ? storeSuffix(root, terminal) : clusterSuffix(cluster);
}

/** What must be added to a command for it to find a run of a cluster. */
export function clusterSuffix({ namespace, context }: NonNullable<FolderStore["cluster"]>): string {
  return ` -n ${namespace}${context === undefined ? "" : ` --context ${quoted(context)}`}`;
}

/** A word that a shell takes as it is. */
function quoted(word: string): string {
  return /^[\w./:~@-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** Values of `--param`; of one name the last counts. */
export function paramsOf(given: string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const pair = parseParam(text);
      if (pair === undefined) throw new RejectedError(`Cannot read the parameter "${text}": expected NAME=VALUE`);
      return pair;
    }),
  );
}

/** `a,b` and repeated flags alike. */
export function listOf(given: string[] | undefined): string[] | undefined {
  return given?.flatMap((text) => text.split(",")).filter((name) => name !== "");
}

/** A whole number of a flag, such as `--tail 20`. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RejectedError(`Cannot read "${text}": expected a whole number`);
  return Number(text);
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Milliseconds of a duration such as 90, 90s, 10m, 2h or 7d. */
export function durationMs(text: string): number {
  const [, number, unit = "s"] = /^(\d{1,7})([smhd]?)$/.exec(text) ?? [];
  if (number === undefined)
    throw new RejectedError(`Cannot read the duration "${text}": expected one such as 90s, 10m or 2h`);
  return Number(number) * (SECONDS[unit === "" ? "s" : unit] ?? 1) * 1000;
}

export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}
