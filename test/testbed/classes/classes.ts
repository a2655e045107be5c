/** `testbed -- classes`: brings about each failure class on the running tier 2 and shows how `describe` tells it; compares with golden files. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FAILURES, type FailureClass } from "../../../orchestrator/engine/failure.ts";
import { connect } from "../../../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../../../orchestrator/kubernetes/kubeconfig.ts";
import { buildBundle, bundleIsFresh } from "../../../scripts/bundle.mjs";
import { MissingError } from "../../../scripts/missing.mjs";
import { quarterOf } from "../../../scripts/quarter.mjs";
import { say } from "../command.ts";
import { NAMESPACE, SOURCES, kubeconfig } from "../places.ts";
import { OUTAGES, CHEAP, DRIVERS, NOT_HERE, lacking, type Case } from "./cases.ts";
import { MARK, sweep } from "./harm.ts";
import { masked } from "./masked.ts";
import { makePlace, removePlace, sparkwright, type Place } from "./place.ts";
import { record, type Recorder } from "./recorder.ts";
import { sequenceOf } from "./sequence.ts";

export type Outages = "also" | "only" | "none";

export interface ClassesOptions {
  /** Only cases of these names; all when empty. */
  only: string[];
  /** Whether those that disturb everybody are among them. */
  outages: Outages;
  /** Writes golden files and sequences in place of comparing. */
  update: boolean;
  /** How many at a time, of those that do not disturb each other. A spark-submit, a driver and an executor are three virtual machines. */
  atOnce: number;
}

interface Outcome {
  name: string;
  expects: string;
  found: string;
  /** `produced`, `not possible here: …`, or what was wrong. */
  outcome: string;
  seconds: number;
  text: string;
}

const PRODUCED = "produced";
const GOLDEN = join(SOURCES, "golden/classes");
const SEQUENCES = join(SOURCES, "sequences");

/** Whether every class that can be had was told as expected, in the words of its golden file. */
export async function classes({ only, outages, update, atOnce }: ClassesOptions): Promise<boolean> {
  const missing = lacking();
  if (missing !== undefined)
    throw new MissingError(`Cannot try failure classes: ${missing}`, "npm run testbed -- up --tier 2");
  if (!bundleIsFresh()) await buildBundle(() => undefined);
  const taken = quarterOf([...CHEAP, ...DRIVERS, ...OUTAGES]);
  const wanted = (cases: Case[]) =>
    cases.filter((one) => (only.length === 0 ? taken.includes(one) : only.includes(one.name)));
  const groups: [Case[], number][] = [
    [outages === "only" ? [] : wanted(CHEAP), atOnce],
    [outages === "only" ? [] : wanted(DRIVERS), atOnce],
    [outages === "none" ? [] : wanted(OUTAGES), 1],
  ];
  const place = makePlace(groups.flatMap(([cases]) => cases));
  const admin = connect(readKubeconfig({ file: kubeconfig("admin") }));
  const recorder = record(admin, NAMESPACE, `${MARK}=${place.stamp}`);
  const outcomes: Outcome[] = [];
  try {
    for (const [cases, count] of groups)
      outcomes.push(...(await some(cases, count, (one) => tried(place, one, recorder, update))));
  } finally {
    await recorder.stop();
    await admin.close();
    sweep(place.stamp);
    removePlace(place);
  }
  process.stdout.write(report(outcomes, outcomes.length === CHEAP.length + DRIVERS.length + OUTAGES.length));
  return outcomes.every(({ outcome }) => outcome === PRODUCED || outcome.startsWith("not possible here"));
}

/** A case that went otherwise than it should is tried once more: on a busy machine an operator may fail to submit, or the news come in another order. */
async function tried(place: Place, one: Case, recorder: Recorder, update: boolean): Promise<Outcome> {
  const began = Date.now();
  const why = one.impossible?.();
  const { name, expects } = one;
  let result: Told = { found: "", outcome: `not possible here: ${why}`, text: "" };
  for (let time = 1; why === undefined && time <= 2 && result.outcome !== PRODUCED; time++) {
    if (time > 1) say(`${name}: once more, since ${[result.found, result.outcome].filter(Boolean).join(": ")}`);
    result = await told(place, one, recorder, update, time).catch(untold);
  }
  const seconds = Math.round((Date.now() - began) / 1000);
  say(`${name}: ${[result.found, result.outcome].filter(Boolean).join(", ")} (${seconds} s)`);
  return { name, expects, seconds, ...result };
}

type Told = Pick<Outcome, "found" | "outcome" | "text">;

/** What was to be done to it could not be done: the other cases are still worth trying. */
function untold(error: unknown): Told {
  if (!(error instanceof MissingError)) throw error;
  return { found: "", outcome: error.message, text: "" };
}

async function told(place: Place, one: Case, recorder: Recorder, update: boolean, time: number): Promise<Told> {
  const { run, output } = await carriedOut(place, one, time);
  const golden = join(GOLDEN, `${one.name}.txt`);
  if (run === undefined) {
    if (one.expects !== "Refused")
      return { found: "", outcome: `no run was made: ${output.trim().split("\n").at(-1) ?? ""}`, text: output };
    const text = masked(output, `${one.name}-${place.stamp}-${time}`);
    return { found: "Refused", outcome: compared(golden, text, update) ?? PRODUCED, text: output };
  }
  const described = await sparkwright(place, ["describe", run, "-n", namespaceOf(one)]).ended;
  // Where the command gave up, what it said is part of the answer.
  const said = one.expects === "Interrupted" ? output.slice(output.indexOf("\n") + 1) : "";
  const text = (one.chance ?? []).reduce(
    (so, [pattern, mask]) => so.replace(pattern, mask),
    masked(`${said}${described.stdout}`, run),
  );
  const found = classOf(described.stdout);
  if (found !== one.expects)
    return { found, outcome: "another class than expected", text: `${output}\n${described.stdout}` };
  const difference = compared(golden, text, update);
  // What was seen has no order that a test could demand, so it is only written when it is asked for.
  const moments = recorder.momentsOf(run);
  if (update && moments.length > 0) written(join(SEQUENCES, `${one.name}.json`), sequenceOf(one, run, moments));
  return { found, outcome: difference ?? PRODUCED, text };
}

async function carriedOut(place: Place, one: Case, time: number): Promise<{ run: string | undefined; output: string }> {
  const after = await one.before?.();
  try {
    const run = `${one.name}-${place.stamp}-${time}`;
    const words = ["run", one.name, "--target", "testbed", "-f", one.name, "--run-id", run];
    const started = sparkwright(place, words, one.kubeconfig?.());
    let hasEnded = false;
    void started.ended.then(() => (hasEnded = true));
    const name = (await started.says(/^Run (\S+): /m))?.[1];
    if (name !== undefined && one.during !== undefined) {
      const cancel = () => sparkwright(place, ["cancel", name, "-n", namespaceOf(one)]).ended;
      await one.during({ name, ended: started.ended, hasEnded: () => hasEnded, cancel });
    }
    const { stdout, stderr } = await started.ended;
    return { run: name, output: `${stdout}${stderr}` };
  } finally {
    await after?.();
  }
}

function namespaceOf({ target }: Case): string {
  const { namespace } = target ?? {};
  return typeof namespace === "string" ? namespace : NAMESPACE;
}

/** The class that `describe` tells of the failed step, else the phase of the run. */
function classOf(described: string): string {
  const told = /^\s+\S+: (\w+) \(/m.exec(described)?.[1];
  if (told !== undefined && Object.hasOwn(FAILURES, told)) return told;
  return /^Phase +(\w+)/m.exec(described)?.[1] ?? "nothing";
}

function compared(file: string, text: string, update: boolean): string | undefined {
  if (update) {
    written(file, text);
    return undefined;
  }
  if (!existsSync(file)) return "there is no golden file; write it with --update";
  const golden = readFileSync(file, "utf8").split("\n");
  const lines = text.split("\n");
  const at = Array.from({ length: Math.max(lines.length, golden.length) }).findIndex(
    (_, line) => lines[line] !== golden[line],
  );
  if (at < 0) return undefined;
  return `line ${at + 1} differs from the golden file: "${lines[at] ?? ""}" in place of "${golden[at] ?? ""}"`;
}

function written(file: string, text: string): void {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text);
}

/** A table, the classes that nothing brought about, and each `describe`. */
function report(outcomes: Outcome[], whole: boolean): string {
  const rows = [["CASE", "EXPECTED", "FOUND", "TIME", "OUTCOME"]].concat(
    outcomes.map(({ name, expects, found, seconds, outcome }) => [name, expects, found, `${seconds}s`, outcome]),
  );
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const seen = new Set(outcomes.map(({ found }) => found));
  const absent = (Object.keys(FAILURES) as FailureClass[]).filter((name) => !seen.has(name));
  const reasons = absent.map((name) => `${name}: ${NOT_HERE[name] ?? "not brought about"}`);
  const texts = outcomes.filter(({ text }) => text !== "").map(({ name, text }) => `--- ${name}\n${text.trimEnd()}`);
  return `${[...texts, "", ...table, ...(whole ? ["", ...reasons] : [])].join("\n")}\n`;
}

/** Results in order, so many at a time. */
async function some<In, Out>(items: In[], atOnce: number, work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) {
      const item = items[at];
      if (item !== undefined) results[at] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
