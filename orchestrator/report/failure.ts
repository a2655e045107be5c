/** @module Why a step failed, for people: cause, evidence, remedy, and the next command to type. */
import { FAILURES } from "../engine/failure.ts";
import type { Failure } from "../engine/run-state.ts";
import { stepRows, type RunSheet, type StepRow } from "./run.ts";
import { cut, harmless, indent, oneLine, type Paint } from "./text.ts";

/** Evidence lines shown; the rest is in the log. */
const MOST_EVIDENCE = 14;
const WIDEST = 400;

/** The steps that failed of themselves, not those skipped because of them. */
export function failedSteps(run: RunSheet): StepRow[] {
  return stepRows(run).filter((row) => row.status.phase === "Failed");
}

/** Several lines about the failure of a step; empty when it did not fail. */
export function failureText(run: RunSheet, row: StepRow, { paint, suffix }: { paint: Paint; suffix: string }): string {
  const failure = row.status.attempts.at(-1)?.failure;
  if (failure === undefined) {
    return row.status.phase === "Failed"
      ? `${paint("bad", row.step.name)}: ${oneLine(row.status.reason ?? "failed")}\n`
      : "";
  }
  const evidence = failure.evidence.flatMap((text) => harmless(text).trimEnd().split("\n")).filter(tells(failure));
  const left = evidence.length - MOST_EVIDENCE;
  return [
    `${paint("bad", `${row.step.name}: ${failure.class}`)} (${FAILURES[failure.class].cause})`,
    `  cause     ${oneLine(failure.cause)}`,
    ...evidence
      .slice(0, MOST_EVIDENCE)
      .map((text, number) => indent(cut(text, WIDEST), number === 0 ? "  evidence  " : "            ")),
    ...(left > 0 ? [`            … ${left} more, see the log`] : []),
    ...(failure.remedy === undefined ? [] : [`  remedy    ${oneLine(failure.remedy)}`]),
    `  next      ${nextCommand(failure, run.name, row.step.name)}${suffix}`,
    "",
  ].join("\n");
}

const ENDED = /^(exit code|signal|last seen)\b/;
const JAVA_FRAME = /^\s*(at [\w.$/<>]+\(.*\)|[~^]+|\.\.\. \d+ more)$/;

/** A person who is to mend spec or data is told what is wrong with them; where in the code that was noticed is in the log. */
function tells(failure: Failure): (line: string) => boolean {
  return failure.class === "ConfigError" ? (line) => ENDED.test(line) : (line) => !JAVA_FRAME.test(line);
}

/** The command the failure's class suggests, with run and step filled in. */
export function nextCommand(failure: Failure, run: string, step: string): string {
  return FAILURES[failure.class].next.replace("RUN", run).replace("STEP", step);
}
