import { describe, expect, test } from "vitest";
import { chooseRun } from "../orchestrator/commands/runs.ts";
import type { RunStatus, StepStatus } from "../orchestrator/engine/run-state.ts";
import { describeRun, nextCommands } from "../orchestrator/report/describe.ts";
import { endingText } from "../orchestrator/report/ending.ts";
import { canvas, changes, frame, progressText, type Scene } from "../orchestrator/report/live.ts";
import { phaseOf, runObject, stepsTable, type RunSheet } from "../orchestrator/report/run.ts";
import { noPaint } from "../orchestrator/report/text.ts";
import type { RunRecord } from "../orchestrator/storage/store.ts";
import { clusterTarget } from "./sample-app.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

const AT = Date.UTC(2026, 0, 1);
const PLAN = planWith([stepOf("clean"), stepOf("score", { reads: { clean: "clean" } })], {
  definition: "shop",
  publish: ["score"],
});

const attempt = {
  number: 1,
  application: "shop-1-clean-1-0a0a0a0a",
  phase: "Running" as const,
  recordedAt: AT,
  since: AT,
  memoryFactor: 1,
  startedAt: AT + 1000,
};
const failure = {
  class: "OutOfMemory" as const,
  cause: "the heap was full",
  evidence: ["java.lang.OutOfMemoryError\n\u001b[31mred"],
  remedy: "Choose a larger size",
};
const FAILED: StepStatus = {
  phase: "Failed",
  attempts: [{ ...attempt, phase: "Ended", endedAt: AT + 5000, failure }],
  startedAt: AT,
  endedAt: AT + 5000,
  reason: "OutOfMemory: the heap was full",
};

function sheet(steps: Record<string, StepStatus>, change: Partial<RunStatus> = {}): RunSheet & { status: RunStatus } {
  return {
    name: "shop-1",
    createdAt: AT,
    plan: PLAN,
    status: { phase: "Running", startedAt: AT, revision: 1, pinned: {}, code: {}, steps, ...change },
  };
}

const failed = sheet(
  { clean: FAILED, score: { phase: "Skipped", attempts: [], reason: "it needs clean, which is Failed" } },
  { phase: "Failed", endedAt: AT + 10_000 },
);

test("phaseOf() tells a run that nobody drives from one that goes on", () => {
  const going = sheet({});
  expect([
    phaseOf({ ...going, driven: true }),
    phaseOf({ ...going, driven: false }),
    phaseOf({ ...failed, driven: false }),
  ]).toEqual(["Running", "Interrupted", "Failed"]);
});

test("stepsTable() gives time and share of the run's time", () => {
  expect(stepsTable(failed, AT + 60_000, noPaint)).toBe(
    [
      "STEP    KIND       PHASE     ATTEMPT   TIME   SHARE   REASON",
      "clean   SparkJob   Failed    1/2       5.0s     50%   OutOfMemory: the heap was full",
      "score   SparkJob   Skipped   -            -       -   it needs clean, which is Failed",
      "",
    ].join("\n"),
  );
});

test("runObject() writes times as UTC and keeps no undefined field", () => {
  expect(runObject(failed)).toMatchObject({
    kind: "Run",
    status: {
      phase: "Failed",
      startedAt: "2026-01-01T00:00:00Z",
      steps: [{ name: "clean", attempts: [{ endedAt: "2026-01-01T00:00:05Z" }] }, { name: "score" }],
    },
  });
});

test("endingText() of a failed run says cause, evidence, remedy and what to type", () => {
  const text = endingText({ run: failed, published: [], results: [], now: AT, suffix: " --store x" }, noPaint);
  expect(text).toContain(
    [
      "  clean: OutOfMemory (the driver or an executor ran out of memory)",
      "    cause     the heap was full",
      "    evidence  java.lang.OutOfMemoryError",
      "              \\x1b[31mred",
      "    remedy    Choose a larger size",
      "    next      sparkwright retry shop-1 --store x",
    ].join("\n"),
  );
  expect(text.trimEnd().split("\n").slice(-3)).toEqual([
    "  sparkwright logs shop-1 clean --store x",
    "  sparkwright retry shop-1 --store x",
    "  sparkwright describe shop-1 --store x",
  ]);
});

test("endingText() of a good run shows notes and tables of its jobs and where the data is", () => {
  const good = sheet(
    { clean: { phase: "Succeeded", attempts: [] }, score: { phase: "Succeeded", attempts: [] } },
    { phase: "Succeeded", endedAt: AT + 1 },
  );
  const results = [
    {
      step: "clean",
      metrics: { n: 1 },
      tables: [
        {
          title: "Recall@10",
          columns: ["scorer", "value"],
          rows: [
            ["txt", 0.41234],
            ["baseline", null],
          ] as (string | number | null)[][],
        },
      ],
      notes: ["gate refused the model: no gain"],
    },
  ];
  const text = endingText(
    {
      run: good,
      results,
      published: [
        { dataset: "score", version: "v-1", rows: 2000, path: "/s", unpublished: "a sample is never published" },
      ],
      now: AT,
      suffix: "",
    },
    noPaint,
  );
  expect(text).toContain(
    "clean\n  gate refused the model: no gain\n\n  Recall@10\n    SCORER      VALUE\n    txt        0.4123\n    baseline\n",
  );
  expect(text).toContain(
    "  score     v-1       2,000   /s\n  score is not what readers see: a sample is never published\n",
  );
});

test("describeRun() has the timeline with durations", () => {
  const text = describeRun(failed, { now: AT, paint: noPaint, results: [], logs: {}, suffix: "" });
  expect(text).toContain("  +5.0s  clean  attempt 1 failed: OutOfMemory: the heap was full (4.0s)\n");
  expect(text).toContain("   +10s         run failed (10s)\n");
});

test("a pod whose node's clock is behind runs no earlier than it was seen", () => {
  const target = { name: "cluster", spec: clusterTarget() };
  const pod = { ...attempt, submittedAt: AT + 500, pendingAt: AT + 1800, startedAt: AT + 1000 };
  const run = sheet({ clean: { phase: "Running", attempts: [pod], startedAt: AT } });
  const text = describeRun(
    { ...run, plan: { ...PLAN, target } },
    { now: AT, paint: noPaint, results: [], logs: {}, suffix: "" },
  );
  const lines = text.split("\n").filter((line) => line.includes("attempt 1 "));
  expect(lines.map((line) => line.trim())).toEqual([
    "+0.0s  clean  attempt 1 submitted as shop-1-clean-1-0a0a0a0a",
    "+0.5s  clean  attempt 1 accepted by the cluster (0.5s)",
    "+1.8s  clean  attempt 1 has a driver pod (1.3s)",
    "+1.8s  clean  attempt 1 running (0.0s)",
  ]);
});

test("nextCommands() follow the phase", () => {
  expect(nextCommands({ ...sheet({}), driven: false }, "")[0]).toBe("sparkwright resume shop-1");
  expect(nextCommands({ ...sheet({}), driven: true }, "")[0]).toBe("sparkwright wait shop-1");
  expect(nextCommands(failed, "")[0]).toBe("sparkwright logs shop-1 clean");
});

describe("live view", () => {
  const progress = { stage: "reading lines", stages_done: 3, stages_active: 1, tasks_done: 7, tasks_total: 12 };
  const scene = (status: StepStatus, change: Partial<Scene> = {}): Scene => ({
    name: "shop-1",
    plan: PLAN,
    status: sheet({ clean: status }).status,
    progress: {},
    now: AT + 12_000,
    ...change,
  });
  const running: StepStatus = { phase: "Running", attempts: [attempt], startedAt: AT };

  test("frame() shows step, elapsed and Spark's progress, no wider than the terminal", () => {
    const lines = frame(scene(running, { progress: { clean: progress } }), { columns: 80, rows: 24 }, noPaint);
    expect(lines).toEqual([
      "clean  Running         12s  reading lines: stage 4, 7/12 tasks",
      "score  Waiting",
      "shop-1  12s  Ctrl-C cancels",
    ]);
    const narrow = frame(scene(running, { progress: { clean: progress } }), { columns: 30, rows: 24 }, noPaint);
    expect(Math.max(...narrow.map((line) => line.length))).toBe(29);
  });

  test("frame() of a run with more steps than rows keeps those that go on", () => {
    const steps = Array.from({ length: 50 }, (_, number) => stepOf(`s${number}`));
    const many = {
      ...scene(running),
      plan: planWith(steps),
      status: sheet({ s40: running, s0: { phase: "Succeeded", attempts: [] } }).status,
    };
    const lines = frame(many, { columns: 80, rows: 10 }, noPaint);
    expect(lines.length).toBeLessThan(10);
    expect(lines.some((line) => line.startsWith("s40  Running"))).toBe(true);
    expect(lines.some((line) => line.startsWith("s0 "))).toBe(false);
    expect(lines.at(-1)).toContain("43 more steps");
  });

  test("changes() gives a line for what is new and none for what is not", () => {
    const first = scene(running);
    const second = scene(running, { progress: { clean: progress } });
    expect(changes(undefined, first)).toEqual(["[12s] clean: Running"]);
    expect(changes(first, first)).toEqual([]);
    expect(changes(first, second)).toEqual(["[12s] clean: reading lines"]);
    expect(changes(second, scene(FAILED))).toEqual(["[12s] clean: Failed in 5.0s (OutOfMemory: the heap was full)"]);
  });

  test("canvas() rewrites what it wrote, and leaves nothing", () => {
    const written: string[] = [];
    const view = canvas((text) => void written.push(text));
    view.show(["a", "b"]);
    view.show(["c"]);
    view.clear();
    expect(written).toEqual(["a\nb\n", "\u001b[2A\u001b[0Jc\n", "\u001b[1A\u001b[0J"]);
  });

  test("progressText() is silent about what Spark has not said", () => {
    expect(progressText({ stages_done: 0, stages_active: 0, tasks_done: 0, tasks_total: 0 })).toBe("");
    expect(progressText({ stage: "a", stages_done: 2, stages_active: 0, tasks_done: 0, tasks_total: 0 })).toBe(
      "a: stage 2",
    );
  });
});

describe("chooseRun()", () => {
  const records = ["shop-1", "shop-2", "shop-20", "nightly-3"].map((name) => ({ name }) as RunRecord);

  test.for([
    ["shop-2", "shop-2"],
    ["night", "nightly-3"],
    ["shop-20", "shop-20"],
    ["@latest", "nightly-3"],
  ] as const)("%s means %s", ([asked, name]) => {
    expect(chooseRun(records, asked, "/s", "").name).toBe(name);
  });

  test.for([
    ["shop", 'Cannot find run "shop": it may be shop-1, shop-2, shop-20'],
    ["nighty-3", 'Cannot find run "nighty-3": did you mean "nightly-3"?'],
    ["zzz", 'Cannot find run "zzz": the latest is nightly-3'],
  ] as const)("%s is refused", ([asked, message]) => {
    expect(() => chooseRun(records, asked, "/s", "")).toThrow(message);
  });
});
