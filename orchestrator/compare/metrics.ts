/** @module Metrics of one step in two runs. Where NAME.lower and NAME.upper stand beside NAME, the three are one measure with its interval. */

export interface Measure {
  value: number;
  /** Bounds of its interval, both or neither. */
  lower?: number;
  upper?: number;
}

export interface MetricDifference {
  metric: string;
  same: boolean;
  a?: Measure;
  b?: Measure;
  /** B - A, where both have it. */
  difference?: number;
  /** Whether the intervals have a point in common, where both have one. */
  overlap?: boolean;
}

/** Every metric that either has, in the order of A, then what only B has. */
export function compareMetrics(a: Record<string, number>, b: Record<string, number>): MetricDifference[] {
  const [ofA, ofB] = [measuresOf(a), measuresOf(b)];
  return [...new Set([...ofA.keys(), ...ofB.keys()])].map((metric) =>
    compared(metric, ofA.get(metric), ofB.get(metric)),
  );
}

/** Each metric, or measure with its interval, by name; bounds of an interval do not stand by themselves. */
export function measuresOf(metrics: Record<string, number>): Map<string, Measure> {
  const found = new Map<string, Measure>();
  const bounds = new Set<string>();
  for (const [name, value] of Object.entries(metrics)) {
    const [lower, upper] = [metrics[`${name}.lower`], metrics[`${name}.upper`]];
    const hasInterval = lower !== undefined && upper !== undefined;
    found.set(name, { value, ...(hasInterval ? { lower, upper } : {}) });
    if (hasInterval) [`${name}.lower`, `${name}.upper`].forEach((bound) => bounds.add(bound));
  }
  for (const bound of bounds) found.delete(bound);
  return found;
}

function compared(metric: string, a: Measure | undefined, b: Measure | undefined): MetricDifference {
  if (a === undefined || b === undefined)
    return { metric, same: false, ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) };
  const same = a.value === b.value && a.lower === b.lower && a.upper === b.upper;
  const overlap = overlapping(a, b);
  return { metric, same, a, b, difference: b.value - a.value, ...(overlap === undefined ? {} : { overlap }) };
}

function overlapping(a: Measure, b: Measure): boolean | undefined {
  if (a.lower === undefined || a.upper === undefined || b.lower === undefined || b.upper === undefined)
    return undefined;
  return a.lower <= b.upper && b.lower <= a.upper;
}
