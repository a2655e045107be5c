/** @module Times, shares and sizes as people read them. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds as `0.4s`, `42s`, `3m05s`, `2h07m` or `3d04h`; below zero (a clock set back) counts as zero. */
export function duration(ms: number): string {
  const time = Math.max(0, ms);
  if (time < 9_950) return `${(time / SECOND).toFixed(1)}s`;
  const rounded = Math.round(time / SECOND) * SECOND;
  if (rounded < MINUTE) return `${rounded / SECOND}s`;
  if (rounded < HOUR) return `${Math.floor(rounded / MINUTE)}m${two((rounded % MINUTE) / SECOND)}s`;
  if (rounded < DAY) return `${Math.floor(rounded / HOUR)}h${two((rounded % HOUR) / MINUTE)}m`;
  return `${Math.floor(rounded / DAY)}d${two((rounded % DAY) / HOUR)}h`;
}

/** How long ago, in one unit as kubectl does: `12s`, `5m`, `3h`, `2d`. */
export function age(ms: number): string {
  const time = Math.max(0, ms);
  if (time < 2 * MINUTE) return `${Math.floor(time / SECOND)}s`;
  if (time < 2 * HOUR) return `${Math.floor(time / MINUTE)}m`;
  if (time < 2 * DAY) return `${Math.floor(time / HOUR)}h`;
  return `${Math.floor(time / DAY)}d`;
}

/** A share between 0 and 1 as whole percent. */
export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** Bytes in powers of 1024: `512 B`, `31 MiB`. */
export function bytes(size: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  const power = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(size) / 10));
  const value = size / 1024 ** power;
  return `${power === 0 || value >= 100 ? value.toFixed(0) : value.toPrecision(2)} ${units[power] ?? "B"}`;
}

/** Whole numbers with thousands marked, others with four significant digits. */
export function figure(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en-US") : String(Number(value.toPrecision(4)));
}

function two(value: number): string {
  return String(Math.floor(value)).padStart(2, "0");
}
