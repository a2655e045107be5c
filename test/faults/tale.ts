/**
 * What shall happen to a small pipeline, and what may be concluded from it. Plain data: the oracle judges by it and shares nothing else
 * with the program under test.
 */

/** What the driver of an attempt does. */
export type Deed =
  /** Writes its outputs and ends well. */
  | "succeeds"
  /** Ends with an exception. */
  | "fails"
  /** Finds its data wrong, which no further attempt can mend. */
  | "rejects"
  /** Is killed for memory. */
  | "starves"
  /** Ends well and has written nothing. */
  | "forgets"
  /** Ends well, and then a file of its output loses its end. */
  | "is cut"
  /** Is evicted by its node. */
  | "is evicted"
  /** Never starts: there is no such image. */
  | "has no image"
  /** Writes its outputs; then its pod is gone before anybody saw the end. */
  | "succeeds unseen"
  /** Its pod is gone in the middle of its work. */
  | "vanishes";

/** What operator and cluster make of it. */
export type Conduct =
  | "plain"
  /** Submits late. */
  | "late"
  /** Says everything late. */
  | "tardy"
  /** Submits and says nothing. */
  | "mute"
  /** Says SUBMITTED and nothing more. */
  | "stuck"
  /** FAILED while the driver runs. */
  | "claims FAILED"
  /** COMPLETED, whatever the driver does. */
  | "claims COMPLETED"
  /** Submits a second time and says FAILED because of that. */
  | "resubmits"
  /** Deletes everything at the end, before anybody may have looked. */
  | "cleans up"
  /** Never takes it up. */
  | "ignores"
  /** Cannot submit it. */
  | "refuses"
  /** Cannot submit it for want of quota. */
  | "lacks quota";

export interface Attempt {
  deed: Deed;
  conduct: Conduct;
}

export interface Step {
  name: string;
  needs: string[];
  /** As many as the step is allowed. */
  attempts: Attempt[];
}

export interface Tale {
  /** Name of the run. */
  run: string;
  steps: Step[];
  /** Somebody asks to cancel it. */
  isCancelled: boolean;
}

const OK = "ok";
const UNSEEN = "StatusLost";
const CLASSES: Record<Deed, string> = {
  succeeds: OK,
  fails: "ApplicationError",
  rejects: "ConfigError",
  starves: "OutOfMemory",
  forgets: "OutputMissing",
  "is cut": "OutputMissing",
  "is evicted": "Evicted",
  "has no image": "ImagePull",
  // The outputs are there, whole and with a result document that was written last: that is what success is.
  "succeeds unseen": OK,
  vanishes: UNSEEN,
};
/** After these there is no further attempt. */
const FINAL: Deed[] = ["rejects", "has no image"];
const UNSTARTED: Conduct[] = ["ignores", "refuses", "lacks quota"];

/** Conducts that a deed can meet. What an operator says of a driver that never comes to its end is its own matter. */
export function mayMeet(deed: Deed, conduct: Conduct): boolean {
  if (UNSTARTED.includes(conduct)) return deed === "fails";
  if (deed === "has no image") return !["cleans up", "claims FAILED", "claims COMPLETED"].includes(conduct);
  // Whether it is tried again would depend on whether its last words were heard.
  if (deed === "rejects") return conduct !== "cleans up";
  // No state and no pod: nothing tells that there ever was a driver, short of the deadline.
  if (deed === "vanishes" || deed === "succeeds unseen") return conduct !== "mute";
  return true;
}

/** Verdicts that are right about an attempt: `ok`, or classes of failure. */
export function rightVerdicts({ deed, conduct }: Attempt): string[] {
  if (conduct === "ignores") return ["SubmissionFailed", "DeadlineExceeded"];
  if (conduct === "refuses") return ["SubmissionFailed"];
  if (conduct === "lacks quota") return ["QuotaExceeded"];
  const right = CLASSES[deed];
  // Without a pod an operator that says COMPLETED, or that it could not submit, is not contradicted by anything.
  if (deed === "vanishes" && conduct === "claims COMPLETED") return [right, "OutputMissing"];
  if (deed === "vanishes" && conduct === "resubmits") return [right, "SubmissionFailed"];
  // Gone with everything that tells: who looks too late knows no more than that.
  return conduct === "cleans up" && deed !== "succeeds" && deed !== "is cut" ? [right, UNSEEN] : [right];
}

/** Whether nothing may be left that tells of an attempt, so that after a lost answer it looks as if it had never been. */
export function leavesNoTrace(attempt: Attempt): boolean {
  return attempt.conduct === "cleans up" && rightVerdicts(attempt).includes(UNSEEN);
}

export interface Ending {
  phase: "Succeeded" | "Failed" | "Skipped";
  attempts: number;
}

/** How each step has to end. */
export function endings({ steps }: Tale): Record<string, Ending> {
  const found: Record<string, Ending> = {};
  for (const { name, needs, attempts } of steps) {
    const isSkipped = needs.some((need) => found[need]?.phase !== "Succeeded");
    found[name] = isSkipped ? { phase: "Skipped", attempts: 0 } : endingOf(attempts);
  }
  return found;
}

function endingOf(attempts: Attempt[]): Ending {
  const last = attempts.findIndex((one) => rightVerdicts(one).includes(OK) || isFinal(one));
  const ended = attempts[last];
  if (ended === undefined) return { phase: "Failed", attempts: attempts.length };
  return { phase: isFinal(ended) ? "Failed" : "Succeeded", attempts: last + 1 };
}

function isFinal({ deed, conduct }: Attempt): boolean {
  return FINAL.includes(deed) && !UNSTARTED.includes(conduct);
}

/** Whether an attempt has a driver at all. */
export function hasDriver({ conduct }: Attempt): boolean {
  return !UNSTARTED.includes(conduct);
}
