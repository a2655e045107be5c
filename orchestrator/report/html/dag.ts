/** @module The steps of a run as a drawing: boxes that lead to their sections, and lines from what they need. */
import { duration } from "../measure.ts";
import { stepRows, tookMs, toneOf, type RunSheet, type StepRow } from "../run.ts";
import { cut } from "../text.ts";
import { layOut, type Place } from "./dag-layout.ts";
import { markup, NOTHING, type Markup } from "./markup.ts";

/** Room for a letter, also of a wide font. */
const LETTER = 8;
const MOST_LETTERS = 26;
const HEIGHT = 48;
const MARGIN = 4;

/** Anchor of a step's section: by its place in the plan, so that no name stands in an address. */
export function anchorOf(run: RunSheet, step: string): string {
  return `step-${run.plan.steps.findIndex(({ name }) => name === step) + 1}`;
}

/** The drawing; nothing for a run without steps. `now` ends what still runs, in epoch milliseconds. */
export function dagDrawing(run: RunSheet, now: number): Markup {
  const rows = stepRows(run);
  if (rows.length === 0) return NOTHING;
  const letters = Math.max(
    ...rows.map((row) => Math.max(Math.min(MOST_LETTERS, row.step.name.length), stateOf(row, now).length)),
  );
  const size = { width: Math.ceil(letters * LETTER) + 24, height: HEIGHT };
  const layout = layOut(run.plan.steps, size);
  const [width, height] = [layout.width + 2 * MARGIN, layout.height + 2 * MARGIN];
  const boxes = layout.boxes.flatMap((place) => {
    const row = rows.find(({ step }) => step.name === place.name);
    return row === undefined ? [] : [box(run, row, place, size.width, now)];
  });
  const words = rows.map(({ step, status }) => {
    const needs = step.needs.length === 0 ? "" : `, needs ${step.needs.join(", ")}`;
    return `${step.name}: ${status.phase}${needs}`;
  });
  return markup`<div class="wide"><svg class="dag" role="group" aria-labelledby="dag-title dag-desc" width="${width}" height="${height}" viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}">
<title id="dag-title">Steps and what they need</title>
<desc id="dag-desc">${words.join("; ")}</desc>
${layout.edges.map(
  ({ points }) => markup`<path class="edge" d="${curve(points)}"/>
`,
)}${boxes}</svg></div>
`;
}

function box(run: RunSheet, { step, status }: StepRow, { x, y }: Place, width: number, now: number): Markup {
  const state = stateOf({ step, status }, now);
  return markup`<a href="#${anchorOf(run, step.name)}"><g class="box ${toneOf(status.phase)}"><title>${step.name}: ${state}</title>
<rect x="${x}" y="${y}" width="${width}" height="${HEIGHT}" rx="6"/>
<text class="name" x="${x + 12}" y="${y + 20}">${cut(step.name, MOST_LETTERS)}</text>
<text x="${x + 12}" y="${y + 37}">${state}</text></g></a>
`;
}

function stateOf({ status }: StepRow, now: number): string {
  const took = tookMs(status, now);
  return took === undefined ? status.phase : `${status.phase}, ${duration(took)}`;
}

/** A line that leaves and arrives horizontally. */
function curve(points: Place[]): string {
  const [first, ...rest] = points;
  let before = first ?? { x: 0, y: 0 };
  const parts = rest.map((point) => {
    const half = (before.x + point.x) / 2;
    const part = `C${half} ${before.y} ${half} ${point.y} ${point.x} ${point.y}`;
    before = point;
    return part;
  });
  return `M${first?.x ?? 0} ${first?.y ?? 0}${parts.join("")}`;
}
