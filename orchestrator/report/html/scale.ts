/** @module Scales of charts: where values lie on a line, and the round values that are written at it. */

export interface Scale {
  /** Place of a value, in units of the drawing. */
  at: (value: number) => number;
  ticks: number[];
}

/** From `low`..`high` to `start`..`end`, with about `most` ticks at round values within. Equal bounds are set apart. */
export function numberScale([low, high]: [number, number], [start, end]: [number, number], most = 6): Scale {
  // Of bounds that are too far apart for a number, or none at all, any scale is as good.
  const [from, to] = Number.isFinite(high - low) ? apart(low, high) : [-1, 1];
  const step = roundStep((to - from) / most);
  return { at: placed(from, to, start, end), ticks: multiples(step, from, to) };
}

/** Outside of every drawing, and still a length. */
const FARTHEST = 1e5;
const MOST_TICKS = 20;
const SECOND = 1000;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** From 0..`ms` of time to `start`..`end`, with ticks at round seconds, minutes, hours or days. */
export function timeScale(ms: number, [start, end]: [number, number], most = 7): Scale {
  const whole = Math.max(ms, SECOND);
  const step = STEPS.find((seconds) => whole / SECOND / seconds <= most);
  const days = Math.max(1, roundStep(whole / SECOND / 86_400 / most));
  return { at: placed(0, whole, start, end), ticks: multiples((step ?? days * 86_400) * SECOND, 0, whole) };
}

function apart(low: number, high: number): [number, number] {
  if (low < high) return [low, high];
  const margin = low === 0 ? 1 : Math.abs(low) / 10;
  return [low - margin, low + margin];
}

function placed(from: number, to: number, start: number, end: number): (value: number) => number {
  return (value) => {
    const place = start + ((value - from) / (to - from)) * (end - start);
    return Math.min(FARTHEST, Math.max(-FARTHEST, place));
  };
}

/** The next of 1, 2, 5, 10, … times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

/** Of bounds so close or so far apart that numbers end there may be fewer, or none. */
function multiples(step: number, from: number, to: number): number[] {
  const first = Math.ceil(from / step - 1e-9);
  const count = Math.min(MOST_TICKS, Math.floor(to / step + 1e-9) - first + 1);
  const slack = (to - from) * 1e-6;
  return Array.from({ length: Math.max(0, count) }, (_, at) => Number(((first + at) * step).toPrecision(12))).filter(
    (tick) => tick >= from - slack && tick <= to + slack,
  );
}
