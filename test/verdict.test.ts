import { describe, expect, test } from "vitest";
import type { FailureClass } from "../orchestrator/engine/failure.ts";
import { verdict } from "../orchestrator/engine/verdict.ts";
import type { Observation } from "../orchestrator/spark-app.ts";

const ended = (rest: Partial<Observation>): Observation => ({ phase: "Ended", ...rest });

const BIND =
  "java.net.BindException: Address already in use: Service 'SparkUI' failed after 16 retries (starting from 4040)! Consider explicitly setting";

const CASES: [string, Observation, FailureClass, RegExp][] = [
  ["exit 52", ended({ exitCode: 52 }), "OutOfMemory", /exit code 52/],
  ["exit 137", ended({ exitCode: 137 }), "OutOfMemory", /exit code 137/],
  [
    "OutOfMemoryError in the log",
    ended({ exitCode: 1, logTail: "java.lang.OutOfMemoryError: Java heap space\n\tat X" }),
    "OutOfMemory",
    /Java heap space/,
  ],
  ["MemoryError of Python", ended({ exitCode: 1, logTail: "Traceback\nMemoryError" }), "OutOfMemory", /no memory/],
  [
    "OutOfMemoryError, then killed",
    ended({ signal: "SIGKILL", logTail: "x java.lang.OutOfMemoryError: GC overhead" }),
    "OutOfMemory",
    /GC overhead/,
  ],
  ["killed", ended({ signal: "SIGKILL", logTail: "all well" }), "ApplicationError", /SIGKILL/],
  ["told to end", ended({ signal: "SIGTERM" }), "ApplicationError", /SIGTERM/],
  ["port in use", ended({ exitCode: 1, logTail: BIND }), "ConfigError", /port 4040 and the 16 after it .* SparkUI/],
  [
    "disk full",
    ended({ exitCode: 1, logTail: "java.io.IOException: No space left on device" }),
    "ConfigError",
    /no space/,
  ],
  [
    "no permission",
    ended({ exitCode: 1, logTail: "PermissionError: [Errno 13] Permission denied: '/x'" }),
    "ConfigError",
    /'\/x'/,
  ],
  ["no Java", ended({ exitCode: 1, logTail: "JAVA_HOME is not set" }), "ConfigError", /no Java/],
  [
    "exit 2 without last words",
    ended({ exitCode: 2, logTail: "python: can't open file 'x.py'" }),
    "ConfigError",
    /exit code 2/,
  ],
  [
    "an exception in the log",
    ended({ exitCode: 1, logTail: "a\npyspark.errors.AnalysisException: no column\nb" }),
    "ApplicationError",
    /no column/,
  ],
  ["the end was not seen", ended({ where: "pid 7" }), "StatusLost", /nobody saw/],
  [
    "never started",
    ended({ exitCode: 127, logTail: "Cannot start spark-submit: no such file" }),
    "SubmissionFailed",
    /Cannot start/,
  ],
  [
    "last words win over the log",
    ended({
      exitCode: 2,
      termination: { class: "ConfigError", type: "InputError", message: "column a is missing", remedy: "Add it" },
      logTail: "java.lang.OutOfMemoryError",
    }),
    "ConfigError",
    /^column a is missing$/,
  ],
  [
    "last words of an unknown class",
    ended({ exitCode: 1, termination: { class: "Weird", type: "ValueError", message: "x" } }),
    "ApplicationError",
    /ValueError: x/,
  ],
  [
    "a class every object has",
    ended({ exitCode: 1, termination: { class: "constructor", message: "x" } }),
    "ApplicationError",
    /x/,
  ],
];

describe("verdict()", () => {
  test.for(CASES)("%s", ([, seen, expected, cause]) => {
    const failure = verdict(seen);
    expect(failure?.class).toBe(expected);
    expect(failure?.cause).toMatch(cause);
  });

  test("exit 0 may be a success, whatever the log says", () => {
    expect(verdict(ended({ exitCode: 0, logTail: "java.lang.OutOfMemoryError" }))).toBeUndefined();
  });

  test("a result document stands for an end that nobody saw, never for one that was seen to be bad", () => {
    expect(verdict(ended({ hasResult: true, where: "a driver whose pod is gone" }))).toBeUndefined();
    expect(verdict(ended({ hasResult: true, exitCode: 1 }))?.class).toBe("ApplicationError");
    expect(verdict(ended({ hasResult: true, exitCode: 137 }))?.class).toBe("OutOfMemory");
  });

  test("evidence names the end and stays small", () => {
    const failure = verdict(
      ended({ exitCode: 1, logTail: Array.from({ length: 500 }, (_, at) => `${at} ${"x".repeat(2000)}`).join("\n") }),
    );
    expect(failure?.evidence[0]).toBe("exit code 1");
    expect(JSON.stringify(failure).length).toBeLessThan(6000);
  });

  test("the remedy of the job is kept", () => {
    expect(
      verdict(ended({ exitCode: 2, termination: { class: "ConfigError", message: "m", remedy: "Do this" } }))?.remedy,
    ).toBe("Do this");
  });
});
