/** @module What is shown while a run goes on: a view that is rewritten on a terminal, plain lines elsewhere. */
import type { RunStatus, StepPhase, StepStatus } from "../engine/run-state.ts";
import type { Plan } from "../plan/plan.ts";
import type { Observation } from "../spark-app.ts";
import { duration } from "./measure.ts";
import { attemptsAllowed, reasonOf, tookMs, toneOf } from "./run.ts";
import { cut, oneLine, type Paint } from "./text.ts";

export interface Scene {
  name: string;
  plan: Plan;
  status: RunStatus;
  /** Step → the job's progress, as last seen. */
  progress: Record<string, Progress>;
  now: number;
}

export type Progress = NonNullable<Observation["progress"]>;

/** Lines of the rewritten view, no more and no wider than the terminal: one per step, then the run. Where there are too many, those that go on are kept. */
export function frame(
  { name, plan, status, progress, now }: Scene,
  size: { columns: number; rows: number },
  paint: Paint,
): string[] {
  const { columns, rows } = size;
  const wide = Math.max(...plan.steps.map((step) => step.name.length));
  const shown = mostTelling(
    plan.steps.map((step) => ({ step, mine: status.steps[step.name] ?? { phase: "Waiting" as const, attempts: [] } })),
    rows - 3,
  );
  const steps = shown.map(({ step, mine }) => {
    const took = tookMs(mine, now);
    const says = detail(mine, attemptsAllowed(step, mine), progress[step.name], now) || waitingFor(mine);
    const words = [
      step.name.padEnd(wide),
      mine.phase.padEnd(10),
      (took === undefined ? "" : duration(took)).padStart(7),
      says,
    ];
    return paint(toneOf(mine.phase), cut(oneLineKeepingColumns(words), columns - 1));
  });
  const took = duration(tookMs(status, now) ?? 0);
  const left = plan.steps.length - shown.length;
  const more = left === 0 ? "" : `, ${left} more steps`;
  return [
    ...steps,
    cut(`${name}  ${took}  ${status.cancelRequested === true ? "cancelling" : onInterrupt(plan)}${more}`, columns - 1),
  ];
}

function onInterrupt({ target }: Plan): string {
  return target.spec.backend === "local" ? "Ctrl-C cancels" : "Ctrl-C detaches";
}

const TELLING: StepPhase[] = [
  "Running",
  "Publishing",
  "Backoff",
  "Failed",
  "Waiting",
  "Cancelled",
  "Succeeded",
  "Cached",
  "Skipped",
];

/** At most `room` rows, in plan order: what goes on and what failed before what waits or is done. */
function mostTelling<Row extends { mine: StepStatus }>(rows: Row[], room: number): Row[] {
  const kept = rows
    .toSorted((a, b) => TELLING.indexOf(a.mine.phase) - TELLING.indexOf(b.mine.phase))
    .slice(0, Math.max(1, room));
  return rows.filter((row) => kept.includes(row));
}

function oneLineKeepingColumns(words: string[]): string {
  return words
    .map((word) =>
      word.trim() === "" ? word : `${word.match(/^ */)?.[0] ?? ""}${oneLine(word)}${word.match(/ *$/)?.[0] ?? ""}`,
    )
    .join("  ")
    .trimEnd();
}

function detail(step: StepStatus, allowed: number, progress: Progress | undefined, now: number): string {
  const attempts = step.attempts.length;
  const attempt = attempts > 1 || step.phase === "Backoff" ? `attempt ${attempts}/${allowed}` : "";
  const parts = {
    Running: [attempt, progress === undefined ? "" : progressText(progress)],
    Backoff: [attempt, `next in ${duration((step.notBefore ?? now) - now)}`, reasonOf(step)],
  };
  const words = step.phase === "Running" || step.phase === "Backoff" ? parts[step.phase] : [reasonOf(step)];
  return words.filter((part) => part !== "").join(", ");
}

/** What a running step waits for before its job says anything. */
function waitingFor(step: StepStatus): string {
  if (step.phase !== "Running") return "";
  const phase = step.attempts.at(-1)?.phase;
  return phase === "Running" ? "Spark starts" : phase === undefined || phase === "Ended" ? "" : phase.toLowerCase();
}

/** The job's own word for what it does, and Spark's stages and tasks. */
export function progressText({ stage, stages_done, stages_active, tasks_done, tasks_total }: Progress): string {
  const tasks = tasks_total > 0 ? `, ${tasks_done}/${tasks_total} tasks` : "";
  const stages = stages_active + stages_done > 0 ? `stage ${stages_done + Math.min(1, stages_active)}${tasks}` : "";
  return [stage ?? "", stages].filter((part) => part !== "").join(": ");
}

/** Plain lines for what changed between two scenes: phases, attempts, and the job's word for what it does. Empty when nothing did. */
export function changes(before: Scene | undefined, scene: Scene): string[] {
  const { plan, status, progress, now } = scene;
  const at = `[${duration(tookMs(status, now) ?? 0)}]`;
  return plan.steps.flatMap((step) => {
    const mine = status.steps[step.name];
    if (mine === undefined) return [];
    const was = before?.status.steps[step.name];
    const stage = progress[step.name]?.stage;
    const isNew =
      mine.phase !== (was?.phase ?? "Waiting") || (was !== undefined && mine.attempts.length !== was.attempts.length);
    const saysMore = mine.phase === "Running" && stage !== undefined && stage !== before?.progress[step.name]?.stage;
    return [
      ...(isNew ? [`${at} ${step.name}: ${phaseLine(mine, attemptsAllowed(step, mine), now)}`] : []),
      ...(saysMore ? [`${at} ${step.name}: ${oneLine(stage)}`] : []),
    ];
  });
}

function phaseLine(step: StepStatus, allowed: number, now: number): string {
  const took = tookMs(step, now);
  const over = step.endedAt !== undefined && took !== undefined ? ` in ${duration(took)}` : "";
  const words = detail(step, allowed, undefined, now);
  return oneLine(`${step.phase}${over}${words === "" ? "" : ` (${words})`}`);
}

/** Rewrites lines in place. `write` gets text with cursor movements; nothing is left of the view after `clear`. */
export function canvas(write: (text: string) => void): { show(lines: string[]): void; clear(): void } {
  let height = 0;
  const erase = (): string => (height === 0 ? "" : `\u001b[${height}A\u001b[0J`);
  return {
    show(lines) {
      write(`${erase()}${lines.join("\n")}\n`);
      height = lines.length;
    },
    clear() {
      write(erase());
      height = 0;
    },
  };
}
