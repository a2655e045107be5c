/** Errors are named by what the caller must do. Only `cli.ts` turns them into exit codes. */
import type { Problem } from "./problem.ts";

/** The user must change something; trying again cannot help. Exit 2. */
export class RejectedError extends Error {
  override readonly name: string = "RejectedError";
  readonly remedy: string | undefined;
  constructor(message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.remedy = options.remedy;
  }
}

/** Spec files hold problems; all of them are carried, in order of file and line. Exit 2. */
export class InvalidSpecError extends RejectedError {
  override readonly name = "InvalidSpecError";
  readonly problems: Problem[];
  constructor(problems: Problem[]) {
    super(`Cannot use the spec files: ${problems.length} ${problems.length === 1 ? "problem" : "problems"}`);
    this.problems = problems;
  }
}

/** Nothing is wrong with the request; try again. Exit 3. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  readonly remedy: string | undefined;
  constructor(message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.remedy = options.remedy;
  }
}

/** What is allowed in all is used up now: try again when others have ended. Exit 3. */
export class QuotaExceededError extends UnavailableError {}

/** A compare-and-set lost: somebody else wrote first. */
export class ConflictError extends Error {
  override readonly name = "ConflictError";
}

/** A job of the run failed. Exit 1. */
export class JobFailedError extends Error {
  override readonly name = "JobFailedError";
}

/** A limit the caller set has passed. Exit 124. */
export class TimedOutError extends Error {
  override readonly name = "TimedOutError";
}

/** The person at the terminal has interrupted it. Exit 130. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}
