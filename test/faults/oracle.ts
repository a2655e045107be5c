/**
 * Judges a run by its tale, by what the API server's audit log says was done, and by what lies in the store. Imports nothing of the
 * program under test.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Application } from "./audit.ts";
import { endings, hasDriver, leavesNoTrace, rightVerdicts, type Step, type Tale } from "./tale.ts";

export interface Judgement {
  /** Applications, drivers, outputs or whole runs that nobody knows of any more. */
  lost: string[];
  /** Applications, drivers or publications that are there twice. */
  duplicated: string[];
  /** What is recorded, and is not so. */
  wrong: string[];
}

interface Status {
  phase: string;
  steps: Record<
    string,
    {
      phase: string;
      attempts: { number: number; application: string; phase: string; failure?: { class: string } }[];
      outputs?: Record<string, string>;
    }
  >;
}

/** Failures after which the application itself has to be gone, since nobody saw its driver end. */
const REMOVED = ["Cancelled", "ImagePull", "DeadlineExceeded", "StatusLost", "SubmissionFailed", "QuotaExceeded"];

export function judge(tale: Tale, store: string, applications: Application[], isOver: boolean): Judgement {
  const found: Judgement = { lost: [], duplicated: [], wrong: [] };
  const status = read<Status>(join(store, "runs", tale.run, "status.json"));
  if (!isOver || status === undefined || status.phase === "Running") {
    found.lost.push(`the run did not come to its end (${status?.phase ?? "no status"})`);
    return found;
  }
  judgeDeeds(found, applications, status, tale);
  for (const step of tale.steps) judgeStep(found, tale, step, status, applications);
  judgeEnd(found, tale, status);
  for (const { name } of tale.steps) judgeOutputs(found, store, name, status);
  return found;
}

/** What was done to the cluster, whatever is recorded of it. */
function judgeDeeds(found: Judgement, applications: Application[], status: Status, tale: Tale): void {
  const mayRepeat = ({ step, attempt }: Application) => {
    const told = tale.steps.find((one) => one.name === step)?.attempts[attempt - 1];
    return told !== undefined && leavesNoTrace(told);
  };
  for (const application of applications) {
    const { drivers } = application;
    if (drivers.some(({ ended }, at) => (ended ?? "9") > (drivers[at + 1]?.created ?? "9")))
      found.duplicated.push(`${application.name} had two drivers at once`);
    if (mayRepeat(application)) continue;
    if (application.created.length > 1) found.duplicated.push(`${application.name} was created again`);
    if (drivers.length > 1) found.duplicated.push(`${application.name} had ${drivers.length} drivers`);
  }
  for (const { name, step, attempt, deleted, drivers } of applications) {
    const recorded = status.steps[step]?.attempts.find((one) => one.number === attempt);
    if (recorded?.application !== name) found.lost.push(`${name} is on the cluster and not in the record`);
    if (drivers.some(({ ended }) => ended === undefined)) found.lost.push(`the driver of ${name} lives on`);
    if (recorded?.phase !== "Ended") found.lost.push(`${name} is recorded as ${recorded?.phase ?? "nothing"}`);
    const failure = recorded?.failure?.class ?? "";
    if (REMOVED.includes(failure) && deleted.length === 0) found.lost.push(`${name} is ${failure} and still there`);
  }
  for (const one of applications) {
    const before = applications.find((other) => other.step === one.step && other.attempt === one.attempt - 1);
    const last = before?.drivers.at(-1);
    const begin = one.created[0] ?? one.drivers[0]?.created ?? "9";
    if (before !== undefined && last !== undefined && (last.ended ?? "9") > begin)
      found.duplicated.push(`${one.name} was created while the driver of attempt ${before.attempt} lived`);
  }
}

function judgeStep(found: Judgement, tale: Tale, step: Step, status: Status, applications: Application[]): void {
  const { attempts = [], phase = "missing" } = status.steps[step.name] ?? {};
  for (const [at, { number, application, failure }] of attempts.entries()) {
    const told = step.attempts[at];
    const right = told === undefined ? [] : rightVerdicts(told);
    const said = failure?.class ?? "ok";
    if (!right.includes(said) && !(tale.isCancelled && said === "Cancelled"))
      found.wrong.push(
        `${step.name}/${number} (${told?.deed}, ${told?.conduct}) is ${said}, not ${right.join(" or ")}`,
      );
    const there = applications.find((one) => one.name === application);
    if (told !== undefined && hasDriver(told) && said !== "Cancelled" && (there?.drivers ?? []).length === 0)
      found.lost.push(`${application} had no driver`);
  }
  const expected = endings(tale)[step.name];
  if (tale.isCancelled && (phase === "Cancelled" || phase === "Skipped")) return;
  if (phase !== expected?.phase) found.wrong.push(`${step.name} is ${phase}, not ${expected?.phase}`);
  else if (attempts.length !== expected.attempts)
    found.wrong.push(`${step.name} took ${attempts.length} attempts, not ${expected.attempts}`);
}

function judgeEnd(found: Judgement, tale: Tale, { phase, steps }: Status): void {
  const phases = Object.values(steps).map((step) => step.phase);
  const isGood = phases.every((one) => one === "Succeeded");
  const expected = phases.includes("Cancelled") ? "Cancelled" : isGood ? "Succeeded" : "Failed";
  if (phase !== expected) found.wrong.push(`the run is ${phase}, not ${expected}`);
  if (phase === "Cancelled" && !tale.isCancelled) found.wrong.push("the run was cancelled by nobody");
}

/** What is recorded as made is there, whole, and published once; what is not was never published. */
function judgeOutputs(found: Judgement, store: string, name: string, { steps }: Status): void {
  const folder = join(store, "datasets", "offers", name);
  const pointer = read<{ version: string }>(join(folder, "current.json"));
  const { phase, outputs = {} } = steps[name] ?? {};
  if (phase !== "Succeeded") {
    if (pointer !== undefined) found.wrong.push(`dataset ${name} is published, and its step is ${phase}`);
    return;
  }
  const version = outputs[name] ?? "";
  if (pointer?.version !== version) found.lost.push(`dataset ${name} points to ${pointer?.version}, not ${version}`);
  const moves = readFileSync(join(folder, "history.jsonl"), "utf8").trim().split("\n").length;
  if (moves !== 1) found.duplicated.push(`dataset ${name} was published ${moves} times`);
  const manifest = read<{ files: { path: string; etag: string }[] }>(join(folder, "versions", `${version}.json`));
  for (const { path, etag } of manifest?.files ?? []) {
    const is = existsSync(path) && `sha256:${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
    if (is !== etag) found.lost.push(`${path} of dataset ${name} is not what its version says`);
  }
  if ((manifest?.files ?? []).length === 0) found.lost.push(`version ${version} of dataset ${name} has no files`);
}

function read<T>(file: string): T | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as T) : undefined;
}
