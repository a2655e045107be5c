/**
 * `npm run bench -- [GROUP…] [--check]`: one line per figure on standard output and nothing else, all of them appended to results.tsv
 * with the commit. With `--check` a figure outside its bound fails.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { cli } from "./cli.ts";
import { keeps, lineOf, type Figure } from "./figure.ts";
import { laptop } from "./laptop.ts";
import { models } from "./models.ts";
import { overhead } from "./overhead.ts";
import { pods } from "./pods.ts";
import { ROOT } from "./program.ts";
import { track } from "./track.ts";

const GROUPS: Record<string, () => Iterable<Figure> | AsyncIterable<Figure>> = {
  cli,
  laptop,
  overhead,
  track,
  pods,
  models,
};
const RESULTS = join(ROOT, "bench/results.tsv");

const names = process.argv.slice(2).filter((arg) => !arg.startsWith("-"));
const unknown = names.filter((name) => GROUPS[name] === undefined);
if (unknown.length > 0) {
  process.stderr.write(
    `Cannot measure: no group "${unknown.join('", "')}"\n  Groups: ${Object.keys(GROUPS).join(", ")}\n`,
  );
  process.exitCode = 2;
} else {
  const figures = await measure(names.length > 0 ? names : Object.keys(GROUPS));
  const outside = figures.filter((figure) => !keeps(figure));
  for (const figure of outside) process.stderr.write(`bench: outside its bound: ${lineOf(figure)}\n`);
  if (process.argv.includes("--check") && outside.length > 0) process.exitCode = 1;
}

/** Prints and records each figure as soon as it is there. */
async function measure(groups: string[]): Promise<Figure[]> {
  const at = new Date().toISOString().slice(0, 10);
  const mark = commit();
  const figures: Figure[] = [];
  for (const group of groups) {
    for await (const figure of GROUPS[group]?.() ?? []) {
      process.stdout.write(`${lineOf(figure)}\n`);
      appendFileSync(RESULTS, `${at}\t${mark}\t${lineOf(figure)}\n`);
      figures.push(figure);
    }
  }
  return figures;
}

/** Short hash of HEAD, with + when files differ from it. */
function commit(): string {
  const git = (...args: string[]): string => spawnSync("git", args, { cwd: ROOT, encoding: "utf8" }).stdout.trim();
  const changed = git("status", "--porcelain", "--", ".", ":!bench/results.tsv") !== "";
  return `${git("rev-parse", "--short=10", "HEAD")}${changed ? "+" : ""}`;
}
