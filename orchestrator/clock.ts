/** Milliseconds since the epoch. Passed in wherever time matters, so that tests own it. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/**
 * The time by `clock` when this is called, and from then on what has passed since by a clock that nobody sets and that stands
 * still while the machine sleeps. Deadlines measured with it neither come early nor late.
 */
export function steadyFrom(clock: Clock, passed: () => number = () => performance.now()): Clock {
  const [begun, before] = [clock(), passed()];
  return () => Math.round(begun + passed() - before);
}

/** ISO 8601 in UTC with seconds, as Kubernetes writes times. */
export function timestamp(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}
