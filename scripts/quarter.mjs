/**
 * Long matrices of tests (a kill after each write, each failure class on real pods) run in quarters, so that the gate on a developer's
 * machine ends within a coffee. CI and `npm run test:full` run all of each. The quarter stands in SPARKWRIGHT_QUARTER (1 to 4), so that
 * Python's tests and the testbed keep to it, too.
 */
import { MissingError } from "./missing.mjs";

export const QUARTERS = 4;
export const VARIABLE = "SPARKWRIGHT_QUARTER";

/**
 * Every fourth of the cases, beginning at the quarter's; all of them when none is set.
 * @template T
 * @param {readonly T[]} cases
 * @param {string | undefined} quarter "1" to "4", by default that of the environment
 * @returns {T[]}
 * @throws {MissingError} for another quarter
 */
export function quarterOf(cases, quarter = process.env[VARIABLE]) {
  if (quarter === undefined || quarter === "") return [...cases];
  if (!/^[1-4]$/.test(quarter))
    throw new MissingError(`Cannot take quarter ${quarter} of the long matrices`, "Give 1, 2, 3 or 4");
  return cases.filter((_, at) => at % QUARTERS === Number(quarter) - 1);
}

/**
 * The quarter a run of the gate takes: the one asked for, none (all) in CI and when everything is asked for, else one by chance.
 * @param {{ asked: string | undefined, full: boolean, ci: boolean }} of
 * @returns {string | undefined}
 */
export function chosenQuarter({ asked, full, ci }) {
  if (asked !== undefined || full || ci) return asked;
  return String(1 + Math.floor(Math.random() * QUARTERS));
}
