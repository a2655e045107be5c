/** @module When each step did what, as bars along the time of a run. */
import type { AttemptStatus, StepStatus } from "../../engine/run-state.ts";
import { duration } from "../measure.ts";
import { stepRows, type RunSheet } from "../run.ts";
import { cut, oneLine } from "../text.ts";
import { timeline } from "../timeline.ts";
import { anchorOf } from "./dag.ts";
import { markup, NOTHING, type Markup } from "./markup.ts";
import { timeScale } from "./scale.ts";

/** What a bar shows, in the order in which a step goes through it. */
export const BAR_PHASES = {
  queued: "waits for a place",
  submitted: "submitted",
  pending: "has a driver pod",
  running: "runs",
  failed: "runs and fails",
  backoff: "waits for the next attempt",
  publishing: "outputs are checked and published",
} as const;

export interface Bar {
  phase: keyof typeof BAR_PHASES;
  attempt?: number;
  /** Epoch milliseconds. */
  from: number;
  to: number;
}

/** What a step went through, without gaps between the moments that are known; what still goes on ends `now`. */
export function barsOf(status: StepStatus, now: number): Bar[] {
  const { attempts, readyAt, endedAt, phase } = status;
  const bars = attempts.flatMap((attempt, at): Bar[] => {
    const next = attempts[at + 1];
    const { endedAt } = attempt;
    const wait: Bar[] =
      endedAt === undefined || next === undefined ? [] : [{ phase: "backoff", from: endedAt, to: next.recordedAt }];
    return [...attemptBars(attempt, now), ...wait];
  });
  const first = attempts[0]?.recordedAt ?? endedAt ?? now;
  if (readyAt !== undefined && (attempts.length > 0 || phase === "Waiting"))
    bars.unshift({ phase: "queued", from: readyAt, to: first });
  const last = attempts.at(-1)?.endedAt;
  if (last !== undefined && (phase === "Succeeded" || phase === "Publishing"))
    bars.push({ phase: "publishing", from: last, to: endedAt ?? now });
  if (last !== undefined && phase === "Backoff") bars.push({ phase: "backoff", from: last, to: now });
  return bars.filter((bar) => bar.to > bar.from);
}

function attemptBars(attempt: AttemptStatus, now: number): Bar[] {
  const { recordedAt, pendingAt, startedAt, endedAt, failure, number } = attempt;
  const end = Math.max(endedAt ?? now, recordedAt);
  const moments = [
    { phase: "submitted" as const, at: recordedAt },
    { phase: "pending" as const, at: pendingAt },
    { phase: failure === undefined ? ("running" as const) : ("failed" as const), at: startedAt },
  ].filter((moment) => moment.at !== undefined);
  // The pod's own times are by the clock of its node: none comes before what it follows from.
  const times = moments.reduce<number[]>(
    (all, { at }) => [...all, Math.min(end, Math.max(at ?? 0, all.at(-1) ?? 0))],
    [],
  );
  return moments.map(({ phase }, at) => ({
    phase,
    attempt: number,
    from: times[at] ?? recordedAt,
    to: times[at + 1] ?? end,
  }));
}

const LABELS = 170;
const WIDTH = 760;
const ROW = 28;
const TOP = 24;

/** The drawing with its legend and the list of events; nothing for a run that has not begun. */
export function timelineDrawing(run: RunSheet, now: number): Markup {
  const start = run.status?.startedAt;
  if (start === undefined) return NOTHING;
  const rows = stepRows(run).map(({ step, status }) => ({ name: step.name, bars: barsOf(status, now) }));
  const end = Math.max(run.status?.endedAt ?? start, ...rows.flatMap(({ bars }) => bars.map(({ to }) => to)));
  const scale = timeScale(end - start, [LABELS, WIDTH - 20]);
  const height = TOP + rows.length * ROW + 4;
  const ticks = scale.ticks.map(
    (tick) => markup`<line class="grid" x1="${scale.at(tick)}" x2="${scale.at(tick)}" y1="${TOP - 6}" y2="${height}"/>
<text class="tick" x="${scale.at(tick)}" y="12">${tickText(tick)}</text>
`,
  );
  const drawn = rows.map(({ name, bars }, at) => {
    const y = TOP + at * ROW;
    const shown = bars.map((bar) => {
      const [x, to] = [scale.at(Math.max(0, bar.from - start)), scale.at(Math.max(0, bar.to - start))];
      return markup`<rect class="bar ${bar.phase}" x="${x}" y="${y + 5}" width="${Math.max(1.5, to - x)}" height="${ROW - 10}"><title>${barText(name, bar)}</title></rect>
`;
    });
    return markup`<a href="#${anchorOf(run, name)}"><text class="label" x="0" y="${y + 19}">${cut(name, 22)}</text></a>
${shown}`;
  });
  const words = rows.map(({ name, bars }) => `${name}: ${bars.map((bar) => barText("", bar)).join(", ") || "nothing"}`);
  return markup`<div class="wide"><svg class="timeline" role="group" aria-labelledby="timeline-title timeline-desc" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<title id="timeline-title">What each step did, and when</title>
<desc id="timeline-desc">${words.join("; ")}</desc>
${ticks}${drawn}</svg></div>
${legend(rows.flatMap(({ bars }) => bars))}${eventList(run, start)}`;
}

function barText(step: string, { phase, attempt, from, to }: Bar): string {
  const number = attempt === undefined ? "" : ` (attempt ${attempt})`;
  return `${step === "" ? "" : `${step}: `}${BAR_PHASES[phase]}${number}, ${duration(to - from)}`;
}

/** Whole units of time, such as `90s` or `2m`. */
function tickText(ms: number): string {
  return ms === 0 ? "0" : duration(ms).replace(/(?<=[mhd])00[smh]$|\.0(?=s$)/, "");
}

function legend(bars: Bar[]): Markup {
  const known = Object.entries(BAR_PHASES).filter(([phase]) => bars.some((bar) => bar.phase === phase));
  const items = known.map(([phase, words]) => markup`<li><span class="key ${phase}"></span>${words}</li>`);
  return markup`<ul class="legend">${items}</ul>
`;
}

function eventList(run: RunSheet, start: number): Markup {
  const rows = timeline(run).map(
    ({
      at,
      step,
      text,
      took,
    }) => markup`<tr><td class="number">+${duration(at - start)}</td><td>${step}</td><td>${oneLine(text)}</td><td class="number">${took === undefined ? "" : duration(took)}</td></tr>
`,
  );
  return markup`<details><summary>Every event (${rows.length})</summary>
<div class="wide"><table><thead><tr><th scope="col" class="number">Since start</th><th scope="col">Step</th><th scope="col">Event</th><th scope="col" class="number">Took</th></tr></thead>
<tbody>${rows}</tbody></table></div></details>
`;
}
