/**
 * `npm run faults -- [--seed N] [--full] [--plan SEED]`: small pipelines on a real API server, driven by the real loop, while requests
 * break, our process is killed and the operator says what is not true. An oracle that shares no code with the program counts what was
 * lost, done twice, or told wrongly. One table; exit 1 unless all three are 0.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exitWith } from "../../scripts/missing.mjs";
import { startControlPlane, SUBMITTER, type ControlPlane } from "../control-plane.ts";
import { readAudit } from "./audit.ts";
import { eachTale, faultPlan, type FaultPlan, singleFault } from "./fault-plan.ts";
import { judge, type Judgement } from "./oracle.ts";
import { tell, type Told } from "./telling.ts";
import { startWorld } from "./world.ts";

/** Plans of chance, and how many plans go on at once: most of a plan is waiting. */
const PLANS = { short: 60, full: 250 };
const AT_ONCE = 6;
/** Writes of a run of two steps. All of them are gone through with --full, each so many else. */
const POINTS = { loses: 8, cluster: 8, store: 70 } as const;
const EVERY = { loses: 2, cluster: 2, store: 18 } as const;

export interface Outcome extends Judgement {
  name: string;
  faults: string[];
}

await exitWith(async () => {
  const { values } = parseArgs({
    options: { seed: { type: "string" }, full: { type: "boolean" }, plan: { type: "string" } },
  });
  const seed = Number(values.seed ?? 1);
  const plans = values.plan === undefined ? plansOf(seed, values.full === true) : values.plan.split(",").map(planNamed);
  const outcomes = await faults(plans);
  for (const { name, lost, duplicated, wrong } of outcomes)
    for (const [kind, found] of Object.entries({ lost, duplicated, wrong }))
      for (const one of found) process.stdout.write(`${kind}: ${name}: ${one}\n`);
  return report(outcomes);
});

/** Every deed under every conduct, single faults at each point, and plans of chance. */
function plansOf(seed: number, isFull: boolean): FaultPlan[] {
  const single = (Object.keys(POINTS) as (keyof typeof POINTS)[]).flatMap((kind) => {
    const step = isFull ? 1 : EVERY[kind];
    const first = 1 + (seed % step);
    const count = Math.ceil((POINTS[kind] - first + 1) / step);
    return Array.from({ length: count }, (_, at) => singleFault(kind, first + at * step));
  });
  const tales = eachTale().filter((_, at) => isFull || at % 3 === seed % 3);
  const count = isFull ? PLANS.full : PLANS.short;
  return [...tales, ...single, ...Array.from({ length: count }, (_, at) => faultPlan(seed * 1000 + at))];
}

/** By the name that a finding bears: `plan-1004`, `store-17`, `tale-3`. */
function planNamed(name: string): FaultPlan {
  const [kind = "", number = ""] = name.split("-");
  if (kind === "plan") return faultPlan(Number(number));
  const tale = kind === "tale" ? eachTale()[Number(number) - 1] : undefined;
  return tale ?? singleFault(kind as keyof typeof POINTS, Number(number));
}

async function faults(plans: FaultPlan[]): Promise<Outcome[]> {
  const home = mkdtempSync(join(tmpdir(), "sparkwright-faults-"));
  const plane = await startControlPlane(join(home, "control-plane"));
  try {
    const world = await startWorld(plane);
    for (const { tale } of plans) world.add(tale);
    const told = await tellAll(plans, home, plane);
    await world.stop();
    const { applications } = await readAudit(plane.auditLog, SUBMITTER);
    return plans.map(({ tale }, at) =>
      outcomeOf(tale.run, told[at], (one) =>
        judge(tale, join(one.folder, "store"), applications.get(tale.run) ?? [], one.isOver),
      ),
    );
  } finally {
    await plane.stop();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function tellAll(plans: FaultPlan[], home: string, plane: ControlPlane): Promise<Told[]> {
  const told: Told[] = [];
  const left = [...plans.entries()];
  const began = Date.now();
  let done = 0;
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, plan] = next;
      told[at] = await tell(plan, join(home, plan.tale.run), plane);
      done += 1;
      if (done % 20 === 0)
        process.stderr.write(
          `faults: ${done} of ${plans.length} plans (${Math.round((Date.now() - began) / 1000)} s)\n`,
        );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return told;
}

function outcomeOf(name: string, told: Told | undefined, judged: (told: Told) => Judgement): Outcome {
  if (told === undefined) return { name, faults: [], lost: ["it was not told"], duplicated: [], wrong: [] };
  const found = judged(told);
  const wrong = [...found.wrong, ...told.surrenders.map((words) => `the command gave up: ${words}`)];
  return { ...found, name, faults: told.faults, wrong };
}

function report(outcomes: Outcome[]): number {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const kinds = Map.groupBy(
    outcomes.flatMap((outcome) => outcome.faults),
    (fault) => fault.replace(/ (GET|POST|DELETE|PATCH)$/, "").replace(/ after .*/, ""),
  );
  const rows: [string, number][] = [
    ["plans", outcomes.length],
    ["faults", sum((outcome) => outcome.faults.length)],
    ...[...kinds]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, all]): [string, number] => [`  ${kind}`, all.length]),
    ["lost", sum(({ lost }) => lost.length)],
    ["duplicated", sum(({ duplicated }) => duplicated.length)],
    ["wrong", sum(({ wrong }) => wrong.length)],
  ];
  for (const [name, value] of rows) process.stdout.write(`${name.padEnd(20)} ${String(value).padStart(6)}\n`);
  return rows.slice(-3).every(([, value]) => value === 0) ? 0 : 1;
}
