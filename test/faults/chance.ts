/** Chance that can be repeated: the same seed gives the same numbers. */

export interface Chance {
  /** From 0 to below 1. */
  number(): number;
  /** From `least` to `most`, both possible. */
  integer(least: number, most: number): number;
  /** Whether something of this probability happens. */
  happens(probability: number): boolean;
  one<T>(of: readonly T[]): T;
}

/** By a 32-bit generator (mulberry32): short, fast, and good enough to choose among faults. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const number = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    number,
    integer: (least, most) => least + Math.floor(number() * (most - least + 1)),
    happens: (probability) => number() < probability,
    one<T>(of: readonly T[]): T {
      const found = of[Math.floor(number() * of.length)];
      if (found === undefined) throw new RangeError("There is nothing to choose from");
      return found;
    },
  };
}
