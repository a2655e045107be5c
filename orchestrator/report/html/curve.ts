/** @module How a loss goes with the epochs of a training: found in tables by their columns, drawn as lines. */
import { figure } from "../measure.ts";
import { cut, oneLine } from "../text.ts";
import { markup, type Markup } from "./markup.ts";
import { numberScale } from "./scale.ts";
import type { ResultTable } from "./table.ts";

export interface Curve {
  label: string;
  points: { epoch: number; value: number }[];
}

export interface CurveChart {
  title: string;
  curves: Curve[];
}

/** Curves that can be told from each other by their line. */
const MOST_CURVES = 4;

/** Of a table whose first column is `epoch`, rising whole numbers: a line for each column of numbers with `loss` in its title. */
export function curveChart({ title, columns, rows }: ResultTable): CurveChart | undefined {
  const epochs = rows.map((row) => row[0]).filter((cell) => typeof cell === "number" && Number.isInteger(cell));
  const rises = epochs.every((epoch, at) => at === 0 || Number(epoch) > Number(epochs[at - 1]));
  if (columns[0]?.trim().toLowerCase() !== "epoch" || epochs.length !== rows.length || !rises) return undefined;
  const curves = columns.flatMap((label, at): Curve[] => {
    const points = rows.flatMap((row, number) => {
      const value = row[at];
      return typeof value === "number" && Number.isFinite(value) ? [{ epoch: Number(epochs[number]), value }] : [];
    });
    const isNumbers = rows.every((row) => typeof row[at] !== "string");
    return at > 0 && /\bloss\b/i.test(label) && isNumbers && points.length > 1 ? [{ label, points }] : [];
  });
  return curves.length === 0 ? undefined : { title, curves: curves.slice(0, MOST_CURVES) };
}

const WIDTH = 760;
const HEIGHT = 240;
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 150, 10, 36];

/** The chart; `id` is unique in its page and made of letters, digits and dashes. */
export function curveDrawing({ title, curves }: CurveChart, id: string): Markup {
  const points = curves.flatMap((curve) => curve.points);
  const epochs = points.map(({ epoch }) => epoch);
  const values = points.map(({ value }) => value);
  const x = numberScale([Math.min(...epochs), Math.max(...epochs)], [LEFT + 8, WIDTH - RIGHT], 10);
  const y = numberScale([Math.min(...values), Math.max(...values)], [HEIGHT - BOTTOM - 6, TOP + 6], 5);
  const across = y.ticks.map(
    (tick) => markup`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y.at(tick)}" y2="${y.at(tick)}"/>
<text class="tick at-left" x="${LEFT - 8}" y="${y.at(tick) + 4}">${figure(tick)}</text>
`,
  );
  const along = x.ticks.filter(Number.isInteger).map(
    (tick) => markup`<text class="tick" x="${x.at(tick)}" y="${HEIGHT - 20}">${figure(tick)}</text>
`,
  );
  const lines = curves.map(
    (
      curve,
      at,
    ) => markup`<polyline class="curve line-${at + 1}" points="${curve.points.map((point) => `${rounded(x.at(point.epoch))},${rounded(y.at(point.value))}`).join(" ")}"/>
${curve.points.map((point) => markup`<circle class="dot line-${at + 1}" cx="${x.at(point.epoch)}" cy="${y.at(point.value)}" r="4"><title>${oneLine(curve.label)} after epoch ${figure(point.epoch)}: ${figure(point.value)}</title></circle>`)}
<text class="label" x="${WIDTH - RIGHT + 12}" y="${y.at(curve.points.at(-1)?.value ?? 0) + 4}">${cut(oneLine(curve.label), 16)} ${figure(curve.points.at(-1)?.value ?? 0)}</text>
`,
  );
  const words = curves.map(({ label, points }) => `${label}: ${points.map(({ value }) => figure(value)).join(", ")}`);
  return markup`<figure><figcaption>${oneLine(title)}: ${oneLine(curves.map(({ label }) => label).join(", "))}</figcaption>
<div class="wide"><svg class="chart" role="img" aria-labelledby="${id}-title ${id}-desc" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
<title id="${id}-title">${oneLine(curves.map(({ label }) => label).join(", "))} after each epoch</title>
<desc id="${id}-desc">${oneLine(words.join("; "))}</desc>
${across}${along}<text class="tick" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 4}">epoch</text>
${lines}</svg></div></figure>
`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
