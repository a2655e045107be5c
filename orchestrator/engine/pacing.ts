/** @module How many applications may be submitted to a namespace now: no faster than its operator takes them up, no more than it bears. */

export interface Pace {
  /** Applications that the operator takes up in a minute. */
  perMinute: number;
  /** Applications that may be there without having ended, whoever made them. */
  most: number;
}

/** What is there of a namespace's applications, whoever made them. */
export interface Crowd {
  /** That have not ended. */
  live: number;
  /** Of these, those that the operator has not looked at yet. */
  untaken: number;
  /** Ages in ms, of those that are still there. */
  ages: readonly number[];
}

const MINUTE_MS = 60_000;

/** Submissions that may follow at once; at least one when nothing is under way. */
export function allowance({ perMinute, most }: Pace, { live, untaken, ages }: Crowd): number {
  const recent = ages.filter((age) => age < MINUTE_MS).length;
  return Math.max(0, Math.min(perMinute - recent, perMinute - untaken, most - live));
}
