/** A measured figure and its bound, as one line of text. */

export interface Figure {
  /** `group.what`, the same for ever: the history is read by it. */
  name: string;
  value: number;
  /** s, ratio, rows/s, share; empty for a plain number. */
  unit: string;
  /** What it must keep to; absent: it is told, not judged. */
  bound?: { atMost: number } | { atLeast: number };
}

/** `name  value  unit  bound`, separated by tabs; four significant digits. */
export function lineOf(figure: Figure): string {
  return [figure.name, rounded(figure.value), figure.unit, boundOf(figure)].join("\t");
}

/** Whether the figure keeps to its bound; one that is no number never does. */
export function keeps({ value, bound }: Figure): boolean {
  if (Number.isNaN(value)) return false;
  if (bound === undefined) return true;
  return "atMost" in bound ? value <= bound.atMost : value >= bound.atLeast;
}

/** The middle one, or the mean of the middle two; NaN for none. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The value below which this share of them lies; NaN for none. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function boundOf({ bound }: Figure): string {
  if (bound === undefined) return "-";
  return "atMost" in bound ? `<=${rounded(bound.atMost)}` : `>=${rounded(bound.atLeast)}`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}
