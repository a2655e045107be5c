/** Durations and sizes as the kinds write them: `30s`, `10m`, `2h`; `512m`, `4g`. */
const MILLISECONDS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as `10m`. The schema has checked the text; anything else is a bug and throws RangeError. */
export function milliseconds(duration: string): number {
  const factor = MILLISECONDS[duration.slice(-1)];
  const count = Number(duration.slice(0, -1));
  if (factor === undefined || !Number.isInteger(count)) throw new RangeError(`Cannot read duration "${duration}"`);
  return count * factor;
}

/** Mebibytes of a memory size such as `4g`, as Spark counts it. Throws RangeError on any other text. */
export function mebibytes(memory: string): number {
  const count = Number(memory.slice(0, -1));
  const unit = memory.slice(-1);
  if ((unit !== "m" && unit !== "g") || !Number.isInteger(count))
    throw new RangeError(`Cannot read memory size "${memory}"`);
  return unit === "g" ? count * 1024 : count;
}

/** A memory size times a factor, rounded up to whole mebibytes: `4g` × 1.5 = `6g`, `1g` × 1.1 = `1127m`. */
export function timesMemory(memory: string, factor: number): string {
  if (factor === 1) return memory;
  const result = Math.ceil(mebibytes(memory) * factor);
  return result % 1024 === 0 ? `${result / 1024}g` : `${result}m`;
}
