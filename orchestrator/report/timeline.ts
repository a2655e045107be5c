/** @module What happened in a run, in order: from the times in its status. */
import type { AttemptStatus, StepStatus } from "../engine/run-state.ts";
import { duration } from "./measure.ts";
import { reasonOf, stepRows, type RunSheet } from "./run.ts";
import { oneLine, type Paint } from "./text.ts";

export interface Event {
  /** Epoch milliseconds. */
  at: number;
  step: string;
  text: string;
  /** Milliseconds that ended with this event, when it ends something. */
  took?: number;
}

/** Events of all steps, or of one, by time; events of one moment stay in plan order. */
export function timeline(run: RunSheet, step?: string): Event[] {
  const rows = stepRows(run).filter((row) => step === undefined || row.step.name === step);
  // On one machine what lies between is too short to tell.
  const isCluster = run.plan.target.spec.backend !== "local";
  const events = rows.flatMap((row) => stepEvents(row.step.name, row.status, isCluster));
  const { startedAt, endedAt, phase } = run.status ?? {};
  if (step === undefined && startedAt !== undefined) events.unshift({ at: startedAt, step: "", text: "run started" });
  if (step === undefined && startedAt !== undefined && endedAt !== undefined) {
    events.push({ at: endedAt, step: "", text: `run ${String(phase).toLowerCase()}`, took: endedAt - startedAt });
  }
  return events.toSorted((a, b) => a.at - b.at);
}

function stepEvents(step: string, status: StepStatus, isCluster: boolean): Event[] {
  const events = status.attempts.flatMap((attempt) => attemptEvents(step, attempt, isCluster));
  const { startedAt, endedAt, notBefore, phase } = status;
  if (phase === "Backoff" && notBefore !== undefined)
    events.push({ at: notBefore, step, text: "next attempt may start" });
  if (endedAt === undefined) return events;
  const reason = reasonOf(status);
  const words = phase === "Succeeded" ? published(status) : reason;
  const text = words === "" ? phase.toLowerCase() : `${phase.toLowerCase()}: ${words}`;
  return [...events, { at: endedAt, step, text, ...(startedAt === undefined ? {} : { took: endedAt - startedAt }) }];
}

function attemptEvents(step: string, attempt: AttemptStatus, isCluster: boolean): Event[] {
  const name = `attempt ${attempt.number}`;
  const memory = attempt.memoryFactor === 1 ? "" : `, memory × ${attempt.memoryFactor}`;
  const sent = attempt.phase === "Recorded" ? "about to be submitted" : "submitted";
  const events: Event[] = [
    { at: attempt.recordedAt, step, text: `${name} ${sent} as ${attempt.application}${memory}` },
  ];
  if (isCluster) events.push(...phaseEvents(step, attempt, name));
  else if (attempt.startedAt !== undefined) events.push({ at: attempt.startedAt, step, text: `${name} running` });
  if (attempt.endedAt !== undefined) {
    const text =
      attempt.failure === undefined
        ? `${name} ended`
        : `${name} failed: ${attempt.failure.class}: ${attempt.failure.cause}`;
    events.push({ at: attempt.endedAt, step, text, took: attempt.endedAt - (attempt.startedAt ?? attempt.recordedAt) });
  }
  return events;
}

/** What an attempt went through until it ran, each with how long it took to get there. */
function phaseEvents(step: string, attempt: AttemptStatus, name: string): Event[] {
  const { recordedAt, submittedAt, pendingAt, startedAt } = attempt;
  const moments = [
    { at: submittedAt, text: `${name} accepted by the cluster` },
    { at: pendingAt, text: `${name} has a driver pod` },
    { at: startedAt, text: `${name} running` },
  ];
  let before = recordedAt;
  return moments.flatMap(({ at, text }) => {
    if (at === undefined) return [];
    // The pod's own times are whole seconds by the clock of its node: none comes before what it follows from.
    const then = Math.max(at, before);
    const took = then - before;
    before = then;
    return [{ at: then, step, text, took }];
  });
}

function published(status: StepStatus): string {
  return Object.entries(status.outputs ?? {})
    .map(([dataset, version]) => `${dataset}@${version}`)
    .join(", ");
}

/** One line per event: time since the run's start, step, what happened, and how long it took. */
export function timelineText(run: RunSheet, events: Event[], paint: Paint): string {
  const start = run.status?.startedAt ?? run.createdAt;
  const offsets = events.map((event) => `+${duration(event.at - start)}`);
  const wide = Math.max(0, ...offsets.map((text) => text.length));
  const named = Math.max(0, ...events.map((event) => event.step.length));
  return events
    .map((event, number) => {
      const took = event.took === undefined ? "" : paint("quiet", ` (${duration(event.took)})`);
      return `${(offsets[number] ?? "").padStart(wide)}  ${event.step.padEnd(named)}  ${oneLine(event.text)}${took}\n`;
    })
    .join("");
}
