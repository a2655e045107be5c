/** @module The candidates of a sweep and how many of them each rung holds; and what is wrong with a sweep. Pure. */
import { canonical, digest, type Json } from "../json.ts";
import { specSchema, schemaAt } from "../kinds/json-schema.ts";
import { KINDS, type SpecOf } from "../kinds/index.ts";
import { MOST_CANDIDATES, type Sweep } from "../kinds/sweep.ts";
import { suggestion } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import { type Catalogue, type DocumentOf, problemIn } from "./document.ts";
import { issuesOf } from "./issues.ts";
import { shown } from "./parse.ts";
import { parsePath, type Path, pathText, valueAt } from "./path.ts";
import { setAt } from "./resolve.ts";

export type TrainingDocument = DocumentOf<"TrainingJob">;
/** Path below hyperparameters → value. */
export type Parameters = Record<string, Json>;

/** Most combinations to draw from. */
const MOST_COMBINATIONS = 10_000;

/**
 * Candidates in the order of their values, paths by name: the order in which paths are written changes nothing. With `trials`, so many of them, drawn
 * by the seed: which ones a combination stands with decides nothing about its own draw, so that a longer list keeps most of those drawn before.
 */
export function candidatesOf({ values, trials }: Sweep, seed: number): Parameters[] {
  let all: Parameters[] = [{}];
  for (const path of Object.keys(values).toSorted())
    all = all.flatMap((some) => (values[path] ?? []).map((value) => ({ ...some, [path]: value })));
  if (trials === undefined || trials >= all.length) return all;
  const drawn = all.toSorted((a, b) => (lot(seed, a) < lot(seed, b) ? -1 : 1)).slice(0, trials);
  return all.filter((one) => drawn.includes(one));
}

function lot(seed: number, parameters: Parameters): string {
  return digest([seed, parameters]);
}

/** Candidates on each rung: of `reduction` one goes on, and one at least. */
export function rungSizes(candidates: number, { rungs, reduction }: Sweep): number[] {
  let size = candidates;
  return rungs.map((_, rung) => {
    if (rung > 0) size = Math.max(1, Math.floor(size / reduction));
    return size;
  });
}

/** Hyper-parameters with some of them set; those given stay as they are. */
export function withParameters(hyperparameters: unknown, parameters: Parameters): { [key: string]: Json } {
  const made = JSON.parse(JSON.stringify(hyperparameters)) as { [key: string]: Json };
  for (const [path, value] of Object.entries(parameters)) setAt(made, parsePath(path) ?? [], value);
  return made;
}

/** Problems of a sweep with the values it has now; none for a job without one. */
export function sweepProblems(job: TrainingDocument, catalogue: Catalogue): Problem[] {
  const { sweep } = job.spec;
  if (sweep === undefined) return [];
  const fields = [...pathProblems(job, sweep), ...rungProblems(job, sweep), ...nameProblems(job, catalogue)];
  const number = Object.values(sweep.values).reduce((product, values) => product * values.length, 1);
  if (number > MOST_COMBINATIONS)
    return [
      ...fields,
      inSweep(job, ["values"], `${number} combinations; at most ${MOST_COMBINATIONS} can be drawn from`),
    ];
  if (fields.length > 0) return fields;
  const candidates = candidatesOf(sweep, job.spec.seed);
  return [...countProblems(job, sweep, candidates.length), ...candidateProblems(job, sweep, candidates)];
}

function inSweep(job: TrainingDocument, path: Path, message: string, remedy?: string, part?: "key" | "value"): Problem {
  return problemIn(job, ["spec", "sweep", ...path], message, remedy, part);
}

/** Every path leads to a hyper-parameter, none twice and none to what the rungs give. */
function pathProblems(job: TrainingDocument, sweep: Sweep): Problem[] {
  const own = Object.entries(sweep.values).flatMap(([path, values]) => {
    const wrong = unknownPath(job, path);
    const at = ["values", path];
    if (wrong !== undefined) return [inSweep(job, at, wrong, undefined, "key")];
    const texts = values.map((value) => canonical(value));
    return [
      ...(textOf(path) === textOf(sweep.budget)
        ? [inSweep(job, at, `"${path}" is the budget; its values are those of rungs`, undefined, "key")]
        : []),
      ...values.flatMap((value, index) =>
        texts.indexOf(texts[index] ?? "") < index
          ? [inSweep(job, [...at, index], `${shown(value)} is listed twice`)]
          : [],
      ),
    ];
  });
  const budget = unknownPath(job, sweep.budget);
  return budget === undefined ? own : [...own, inSweep(job, ["budget"], budget)];
}

function unknownPath(job: TrainingDocument, text: string): string | undefined {
  const path = parsePath(text);
  if (path === undefined) return `"${text}" is no path of a hyper-parameter; write one such as dim or halfLives[0]`;
  const found = schemaAt(specSchema("TrainingJob"), ["hyperparameters", ...path]);
  if ("unknown" in found) return `unknown hyper-parameter "${text}"${suggestion(String(found.unknown), found.known)}`;
  const parent = path.slice(0, -1);
  const isMissing = typeof path.at(-1) === "number" && valueAt(job.spec.hyperparameters, path) === undefined;
  return isMissing ? `"${text}" is not in the list that ${pathText(["hyperparameters", ...parent])} is` : undefined;
}

function textOf(path: string): string {
  return pathText(parsePath(path) ?? [path]);
}

function rungProblems(job: TrainingDocument, { rungs }: Sweep): Problem[] {
  return rungs.flatMap((value, rung) => {
    const before = rungs[rung - 1];
    if (before === undefined || value > before) return [];
    return [inSweep(job, ["rungs", rung], `expected more than ${before}, which the rung before has, found ${value}`)];
  });
}

/** Steps and datasets of the sweep are named after the job. */
function nameProblems(job: TrainingDocument, { jobs, datasets }: Catalogue): Problem[] {
  const beginning = `${job.name}-sweep-`;
  const taken = [...jobs.keys(), ...datasets.keys()].find((name) => name.startsWith(beginning));
  if (taken === undefined) return [];
  return [inSweep(job, [], `"${taken}" has the name of a step of this sweep (${beginning}…)`, "rename it", "key")];
}

function countProblems(job: TrainingDocument, sweep: Sweep, candidates: number): Problem[] {
  if (candidates > MOST_CANDIDATES) {
    const remedy = `list fewer values, or let trials draw up to ${MOST_CANDIDATES} of them`;
    return [inSweep(job, ["values"], `${candidates} candidates; a sweep has at most ${MOST_CANDIDATES}`, remedy)];
  }
  if (candidates < 2) return [inSweep(job, ["values"], "one candidate only: there is nothing to choose from")];
  const sizes = rungSizes(candidates, sweep);
  const alone = sizes.indexOf(1);
  if (alone < 0 || alone === sizes.length - 1) return [];
  const message = `rung ${alone + 2} decides nothing: one candidate of ${candidates} is left on rung ${alone + 1}`;
  return [inSweep(job, ["rungs", alone + 1], message, "leave it out, or list more values")];
}

/** What the schema says of the job with each candidate's values in place. */
function candidateProblems(job: TrainingDocument, sweep: Sweep, candidates: Parameters[]): Problem[] {
  const budgets = sweep.rungs.map((value, rung) => ({ parameters: { [sweep.budget]: value }, from: ["rungs", rung] }));
  const tried = [...budgets, ...candidates.map((parameters) => ({ parameters, from: ["values"] }))];
  const problems = new Map<string, Problem>();
  for (const { parameters, from } of tried) {
    for (const { path, message } of issuesWith(job.spec, parameters)) {
      const named = Object.keys(parameters).find((text) =>
        isAtOrBelow(path, ["hyperparameters", ...(parsePath(text) ?? [])]),
      );
      const value = named === undefined ? -1 : (sweep.values[named] ?? []).indexOf(parameters[named] ?? null);
      const at = named === undefined || value < 0 ? from : ["values", named, value];
      const together = Object.entries(parameters).map(([name, set]) => `${name} ${shown(set)}`);
      const why = together.length === 1 ? message : `${message} (with ${together.join(", ")})`;
      const problem = inSweep(job, at, why);
      // Every candidate with the same wrong value would say so.
      if (!problems.has(problem.path)) problems.set(problem.path, problem);
    }
  }
  return [...problems.values()];
}

function issuesWith(spec: SpecOf<"TrainingJob">, parameters: Parameters): { path: Path; message: string }[] {
  const whole = { ...spec, hyperparameters: withParameters(spec.hyperparameters, parameters) };
  const parsed = KINDS.TrainingJob.schema.safeParse(whole);
  return parsed.success ? [] : issuesOf("TrainingJob", parsed.error, whole);
}

function isAtOrBelow(path: Path, place: Path): boolean {
  return place.every((part, index) => path[index] === part);
}
