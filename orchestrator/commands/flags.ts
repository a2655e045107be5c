/** @module Flags that several verbs share, with one meaning each. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { RejectedError } from "../errors.ts";
import { FORMATS } from "../report/format.ts";
import { parseParam } from "../spec/params.ts";
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
  return ` --store ${/^[\w./:~-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", String.raw`'\''`)}'`}`;
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
