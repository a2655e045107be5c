/** @module What is said about an error: the message and what to do next; a stack only for a fault of ours. */
import { InvalidSpecError, RejectedError, UnavailableError } from "../errors.ts";
import { problemLines } from "../report/problems.ts";
import { counted, harmless, type Paint } from "../report/text.ts";

const USER_ERRORS = [
  "ConflictError",
  "UnavailableError",
  "JobFailedError",
  "TimedOutError",
  "TimeoutError",
  "InterruptedError",
  "AbortError",
];

/** What the machine refused: remedies by the system's code. */
const REFUSED: Record<string, { why: string; remedy: string }> = {
  EACCES: {
    why: "no permission",
    remedy: "Make it readable and writable for this user, or choose another place with --store",
  },
  EPERM: { why: "not permitted", remedy: "Make it writable for this user, or choose another place with --store" },
  EROFS: { why: "the file system is read-only", remedy: "Choose another place with --store" },
  ENOSPC: { why: "the disk is full", remedy: "Free some space (sparkwright gc helps) and type the command again" },
  EDQUOT: {
    why: "the disk quota is used up",
    remedy: "Free some space (sparkwright gc helps) and type the command again",
  },
  ENOTDIR: { why: "a part of the path is no folder", remedy: "Choose another place with --store" },
  ENAMETOOLONG: { why: "the path is too long", remedy: "Choose a shorter one with --store" },
  EMFILE: { why: "too many open files", remedy: "Raise the limit with ulimit -n" },
};

/** The lines for standard error, and the name that decides about the exit code. */
export function messageOf(error: unknown, paint: Paint): { text: string; name: string } {
  if (error instanceof InvalidSpecError) {
    const count = paint("bad", `${counted(error.problems.length, "problem")}`);
    return { text: `${problemLines(error.problems, paint)}${count}\n`, name: error.name };
  }
  if (error instanceof RejectedError || error instanceof UnavailableError)
    return { text: lines(error.message, error.remedy), name: error.name };
  if (!(error instanceof Error)) return { text: bug(String(error)), name: "" };
  if (USER_ERRORS.includes(error.name)) return { text: lines(error.message, undefined), name: error.name };
  const refused = REFUSED[systemCode(error) ?? ""];
  if (refused !== undefined) {
    const path = "path" in error && typeof error.path === "string" ? error.path : "the store";
    return { text: lines(`Cannot use ${path}: ${refused.why}`, refused.remedy), name: "RejectedError" };
  }
  return { text: bug(error.stack ?? error.message), name: error.name };
}

function systemCode(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function lines(message: string, remedy: string | undefined): string {
  return `${harmless(message)}\n${remedy === undefined ? "" : `  ${harmless(remedy)}\n`}`;
}

function bug(stack: string): string {
  return `${harmless(stack)}\nThis is a fault in Sparkwright. Please report it with the lines above and the output of \`sparkwright version\`\n`;
}
