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

const BYTES: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** A Kubernetes quantity as a number: bytes of `1408Mi`, cores of `500m`. NaN for any other text. */
export function bytesOf(quantity: string): number {
  const [, digits = "", unit = ""] = /^([0-9.]+(?:e[0-9]+)?)(m|k|[KMGTP]i?)?$/.exec(quantity) ?? [];
  if (unit === "m") return Number(digits) / 1000;
  return digits === "" ? Number.NaN : Number(digits) * (BYTES[unit] ?? Number.NaN);
}

/** Bytes for people, in MiB or GiB; `unknown` for NaN. */
export function humanBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return "unknown size";
  const gib = bytes / 2 ** 30;
  return gib >= 10 || (gib >= 1 && Number.isInteger(gib)) ? `${round(gib)} GiB` : `${round(bytes / 2 ** 20)} MiB`;
}

function round(value: number): number {
  return value >= 10 ? Math.round(value) : Math.round(value * 10) / 10;
}
