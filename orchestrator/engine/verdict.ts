/** @module Whether an application that ended may have succeeded, and if not, in which failure class and on what evidence. A table, first match wins. */
import type { Observation } from "../spark-app.ts";
import { FAILURES, type FailureClass } from "./failure.ts";
import { endedInCluster } from "./pod-verdict.ts";
import type { Failure } from "./run-state.ts";
import { oneLine } from "./words.ts";

const EVIDENCE_LINES = 12;
const LOG_LINES = 200;

/** Exit codes of Spark: 52 is an OutOfMemoryError of the JVM, 137 a container killed for memory. */
const OUT_OF_MEMORY_CODES = [52, 137];
/** Exit code of a job that rejects its spec or data, and of Python when it cannot open its program. */
const CONFIG_ERROR_CODE = 2;
/** Exit code of a shell that found no such program. */
const NO_PROGRAM_CODE = 127;

interface Sign {
  /** Looked for in each line. */
  pattern: RegExp;
  class: FailureClass;
  cause: (match: RegExpExecArray, line: string) => string;
  remedy: string;
}

/** What the driver's log gives away when the job left no last words of its own. */
const SIGNS: Sign[] = [
  {
    pattern: /java\.lang\.OutOfMemoryError(?:: (.+))?/,
    class: "OutOfMemory",
    cause: (match) => `the driver ran out of memory${match[1] === undefined ? "" : ` (${match[1].trim()})`}`,
    remedy: "Choose a larger size for the job, or raise the memory of its size in the target",
  },
  {
    pattern:
      /^MemoryError\b|\.MemoryError\b|ArrayMemoryError\b|Cannot allocate memory|There is insufficient memory for the Java Runtime/,
    class: "OutOfMemory",
    cause: () => "the machine had no memory left",
    remedy: "Choose a smaller size, or run fewer applications at once (parallelism of the target)",
  },
  {
    pattern:
      /(?:Address already in use|Failed to bind to \S+): Service '([^']+)' failed after (\d+) retries \(starting from (\d+)\)/,
    class: "ConfigError",
    cause: ([, service, retries, port]) =>
      `port ${port} ${retries === "0" ? "is" : `and the ${retries} after it are`} in use, wanted by ${service}`,
    remedy: "Stop what holds the port, or give Spark another one (spark.ui.port in the target's conf)",
  },
  {
    pattern: /Address already in use/,
    class: "ConfigError",
    cause: (_match, line) => `a port is in use: ${line}`,
    remedy: "Stop what holds the port, or configure another one in the target's conf",
  },
  {
    pattern: /No space left on device|Disk quota exceeded/,
    class: "ConfigError",
    cause: (_match, line) => `no space is left on the disk: ${line}`,
    remedy: "Free space (sparkwright gc --dry-run shows what is not needed), or choose another storage root",
  },
  {
    pattern: /Permission denied|Read-only file system/,
    class: "ConfigError",
    cause: (_match, line) => `a file may not be read or written: ${line}`,
    remedy: "Give the user who runs Sparkwright the right to it, or choose another storage root",
  },
  {
    pattern:
      /JAVA_HOME is not set|Unable to locate a Java Runtime|java: (?:command )?not found|UnsupportedClassVersionError/,
    class: "ConfigError",
    cause: (_match, line) => `Spark found no Java it can use (${line})`,
    remedy: "Install Java 17 or newer and set JAVA_HOME",
  },
  {
    pattern: /exceeded quota: .*/,
    class: "QuotaExceeded",
    cause: (match) => `executors were not created: ${match[0]}`,
    remedy: "Choose a smaller size, run fewer applications at once, or have the namespace's quota raised",
  },
  {
    pattern: /Max number of executor failures/,
    class: "ExecutorsFailed",
    cause: (_match, line) => line,
    remedy: "Look at the log of the first executor that failed",
  },
];

/**
 * The failure of an application that ended, or undefined when it may have succeeded: its outputs decide then.
 * Exit code 0 comes first, then the result document of a driver whose end nobody saw, then what pods show, then the job's termination document, then exit codes and signs in the log, then
 * the signal.
 */
export function verdict(seen: Observation): Failure | undefined {
  if (seen.exitCode === 0) return undefined;
  // Written last of all, and checked before it counts: who wrote it had done what it was for.
  if (seen.exitCode === undefined && seen.signal === undefined && seen.hasResult === true) return undefined;
  return endedInCluster(seen) ?? lastWords(seen) ?? fromLog(seen) ?? fromCode(seen) ?? fromSignal(seen) ?? unseen(seen);
}

function lastWords(seen: Observation): Failure | undefined {
  const words = seen.termination;
  if (words === undefined) return undefined;
  const known = words.class !== undefined && Object.hasOwn(FAILURES, words.class);
  const message = words.message ?? "the job left no message";
  const evidence = [...endOf(seen), ...linesOf(words.traceback)];
  return {
    class: known ? (words.class as FailureClass) : "ApplicationError",
    // The type of an error that the job itself words for people says nothing more.
    cause: oneLine(
      known && words.class !== "ApplicationError" ? message : [words.type, message].filter(Boolean).join(": "),
    ),
    evidence,
    ...(words.remedy ? { remedy: words.remedy } : {}),
  };
}

/** The first sign of the table that any line shows: what is written first in a log need not be the cause. */
function fromLog(seen: Observation): Failure | undefined {
  const lines = (seen.logTail ?? "").split("\n").slice(-LOG_LINES).map(oneLine);
  for (const sign of SIGNS) {
    for (const line of lines) {
      const match = sign.pattern.exec(line);
      if (match !== null) {
        return {
          class: sign.class,
          cause: oneLine(sign.cause(match, line)),
          evidence: [...endOf(seen), ...linesOf(seen.logTail)],
          remedy: sign.remedy,
        };
      }
    }
  }
  return undefined;
}

function fromCode(seen: Observation): Failure | undefined {
  const { exitCode } = seen;
  if (exitCode === undefined) return undefined;
  const evidence = [...endOf(seen), ...linesOf(seen.logTail)];
  if (OUT_OF_MEMORY_CODES.includes(exitCode)) {
    return {
      class: "OutOfMemory",
      cause: `the driver ended with exit code ${exitCode}`,
      evidence,
      remedy: "Choose a larger size for the job",
    };
  }
  if (exitCode === NO_PROGRAM_CODE) {
    return {
      class: "SubmissionFailed",
      cause: linesOf(seen.logTail).at(-1) ?? "the program to start was not found",
      evidence,
    };
  }
  const cause = lastException(seen.logTail) ?? `the driver ended with exit code ${exitCode}`;
  return {
    class: exitCode === CONFIG_ERROR_CODE ? "ConfigError" : "ApplicationError",
    cause: oneLine(cause),
    evidence,
  };
}

function fromSignal(seen: Observation): Failure | undefined {
  if (seen.signal === undefined) return undefined;
  const evidence = [...endOf(seen), ...linesOf(seen.logTail)];
  const remedy =
    seen.signal === "SIGKILL"
      ? "If the kernel killed it for memory (dmesg says so), choose a larger size; else find out who killed it"
      : "Find out who stopped it";
  return { class: "ApplicationError", cause: `the driver was killed by ${seen.signal}`, evidence, remedy };
}

function unseen(seen: Observation): Failure {
  return {
    class: "StatusLost",
    cause: "the driver is gone and nobody saw how it ended",
    evidence: [...(seen.where === undefined ? [] : [`last seen: ${seen.where}`]), ...linesOf(seen.logTail)],
    remedy:
      seen.cluster === undefined
        ? "The machine may have been restarted, or the supervisor killed; look at the log"
        : "Somebody may have deleted its pod, or its node went; kubectl get events may still tell",
  };
}

/** How the process ended, as evidence. */
function endOf(seen: Observation): string[] {
  if (seen.exitCode !== undefined) return [`exit code ${seen.exitCode}`];
  return seen.signal === undefined ? [] : [`signal ${seen.signal}`];
}

/** The last line that looks like an exception with its message, from Python or the JVM. */
function lastException(log: string | undefined): string | undefined {
  return linesOf(log, LOG_LINES).findLast((line) => /^(?:Caused by: )?[\w$.]*(?:Error|Exception)(?:: |$)/.test(line));
}

function linesOf(text: string | undefined, most = EVIDENCE_LINES): string[] {
  return (text ?? "")
    .split("\n")
    .map(oneLine)
    .filter((line) => line !== "")
    .slice(-most);
}
