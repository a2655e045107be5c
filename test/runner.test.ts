/** Whole runs: the real loop, store and local backend; only spark-submit is stood in for. */
import { writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ConflictError, RejectedError } from "../orchestrator/errors.ts";
import type { DriveOptions } from "../orchestrator/runner/drive.ts";
import { retryRun } from "../orchestrator/runner/retry.ts";
import { Bench, HOME, one, phases } from "./stand-in/bench.ts";
import { NAMESPACE, options, planWith, stepOf } from "./stand-in/plan.ts";

afterAll(() => rm(HOME, { recursive: true, force: true, maxRetries: 5 }));

describe("a run", () => {
  test("makes versions, commits and pointers, each step from what the run itself made", async () => {
    const bench = new Bench();
    const status = await bench.run(bench.chain());
    expect(phases(status)).toEqual({ first: "Succeeded", second: "Succeeded", third: "Succeeded" });
    for (const dataset of ["first", "second", "third"])
      expect(await bench.published(dataset)).toBe(status.steps[dataset]?.outputs?.[dataset]);
    expect(status.steps["second"]?.inputs).toEqual({
      first: { dataset: "first", version: status.steps["first"]?.outputs?.["first"] },
    });
    const params = await bench.store.readParams("walk-1", "second", 1);
    expect(params?.inputs["first"]?.files[0]?.path).toBe(
      join(bench.store.root, "data/default/walk-1/first/1/first/model.json"),
    );
    expect(await bench.store.readResult("walk-1", "second", 1)).toMatchObject({ metrics: { n: 1 } });
  });

  test("of which a live process is the driver admits no second one", async () => {
    const bench = new Bench();
    const run = await bench.start(one({ attempts: ["hang"] }));
    const stop = new AbortController();
    const first = bench.drive(run, { cancel: stop.signal, onChange: () => undefined });
    await expect.poll(() => bench.store.driverOf(run), { timeout: 10_000 }).toBeDefined();
    await expect(bench.drive(run)).rejects.toThrow(`process ${process.pid} holds it`);
    stop.abort();
    expect((await first).phase).toBe("Cancelled");
  });

  test("that does not exist cannot be driven", async () => {
    await expect(new Bench().drive("nothing-1")).rejects.toBeInstanceOf(RejectedError);
  });

  test("under a given name is one run, however often it is started", async () => {
    const bench = new Bench();
    const plan = bench.chain();
    expect(await bench.start(plan, { name: "mine" })).toBe("mine");
    expect(await bench.start(plan, { name: "mine" })).toBe("mine");
    await expect(bench.start(one({}), { name: "mine" })).rejects.toBeInstanceOf(ConflictError);
    expect(await bench.store.listRuns()).toHaveLength(1);
  });

  test("ends although the clock jumps while it is driven", async () => {
    const bench = new Bench();
    let calls = 0;
    const clock = () => Date.now() - 3_600_000 * (calls++ % 5);
    const run = await bench.start(one({ attempts: ["error", "succeed"] }), { clock });
    const status = await bench.drive(run, { clock });
    expect(status.phase).toBe("Succeeded");
    expect(bench.starts()).toEqual(["only/1", "only/2"]);
  });

  test("ends although the clock is set back an hour before it is resumed", async () => {
    const bench = new Bench();
    const run = await bench.start(one({ attempts: ["error", "succeed"] }));
    const leave = new AbortController();
    const ahead = () => Date.now() + 3_600_000;
    const onChange: DriveOptions["onChange"] = ({ status }) =>
      void (status.steps["only"]?.phase === "Backoff" && leave.abort(new Error("left")));
    await expect(bench.drive(run, { clock: ahead, leave: leave.signal, onChange })).rejects.toThrow("left");
    expect((await bench.drive(run)).phase).toBe("Succeeded");
  });

  test("shows Spark's progress and leaves no process behind when it is cancelled", async () => {
    const bench = new Bench();
    const run = await bench.start(one({ attempts: ["hang"] }));
    const stages: (string | undefined)[] = [];
    const stop = new AbortController();
    const status = await bench.drive(run, {
      cancel: stop.signal,
      onChange: ({ seen }) => {
        const stage = Object.values(seen)[0]?.progress?.stage;
        stages.push(stage);
        if (stage !== undefined) stop.abort();
      },
    });
    expect(stages).toContain("hanging");
    expect(status.steps["only"]).toMatchObject({
      phase: "Cancelled",
      attempts: [{ phase: "Ended", failure: { class: "Cancelled" } }],
    });
  });
});

describe("failures", () => {
  test.for<[string, string[], string, number]>([
    ["error", ["error", "error"], "ApplicationError", 2],
    ["bad data", ["config"], "ConfigError", 1],
    ["no result", ["silent", "silent"], "OutputMissing", 2],
    ["a cut file", ["cut", "cut"], "OutputMissing", 2],
    ["a deleted file", ["delete", "delete"], "OutputMissing", 2],
    ["killed", ["kill", "kill"], "ApplicationError", 2],
    ["out of memory", ["memory", "memory"], "OutOfMemory", 2],
  ])(
    "%s: the step fails with its class, nothing is published, dependants are skipped",
    async ([, attempts, expected, count]) => {
      const bench = new Bench();
      const status = await bench.run(
        planWith([stepOf("only", { settings: { attempts } }), stepOf("after", { reads: { only: "only" } })]),
      );
      expect(phases(status)).toEqual({ only: "Failed", after: "Skipped" });
      expect(status.phase).toBe("Failed");
      expect(status.steps["only"]?.attempts.map((attempt) => attempt.failure?.class)).toEqual(
        Array.from({ length: count }, () => expected),
      );
      expect(await bench.published("only")).toBeUndefined();
      expect(await bench.store.listVersions(NAMESPACE, "only")).toEqual([]);
    },
  );

  test("an attempt after OutOfMemory gets more memory, and may succeed", async () => {
    const status = await new Bench().run(one({ attempts: ["memory", "succeed"] }));
    expect(status.steps["only"]?.attempts.map((attempt) => attempt.memoryFactor)).toEqual([1, 1.5]);
    expect(status.phase).toBe("Succeeded");
  });

  test("past its deadline an attempt is removed and the next begins", async () => {
    const bench = new Bench();
    const deadlines = { queuedMs: 60_000, submittedMs: 60_000, pendingMs: 60_000, runningMs: 2000 };
    const status = await bench.run(one({ attempts: ["hang", "succeed"] }, { deadlines }));
    expect(status.steps["only"]?.attempts[0]?.failure?.class).toBe("DeadlineExceeded");
    expect(status.phase).toBe("Succeeded");
  });

  test("a retry runs what did not succeed as new attempts of the same run, and nothing else", async () => {
    const bench = new Bench();
    const plan = planWith([
      stepOf("fine"),
      stepOf("only", { settings: { attempts: ["error", "error", "error", "succeed"] } }),
      stepOf("after", { reads: { only: "only" } }),
    ]);
    const run = await bench.start(plan);
    expect(phases(await bench.drive(run))).toEqual({ fine: "Succeeded", only: "Failed", after: "Skipped" });
    await expect(retryRun(bench.store, run, { steps: ["fine"] })).rejects.toThrow(/step fine is Succeeded/);
    await retryRun(bench.store, run, { steps: ["only"] });
    expect(phases(await bench.drive(run))).toEqual({ fine: "Succeeded", only: "Succeeded", after: "Succeeded" });
    expect(bench.starts().toSorted()).toEqual(["after/1", "fine/1", "only/1", "only/2", "only/3", "only/4"]);
    await expect(retryRun(bench.store, run)).rejects.toThrow(/all its steps succeeded/);
  });

  test("code that is refused before it starts says why", async () => {
    const bench = new Bench();
    const backend = {
      ...options(bench.store, bench.log).backend,
      submit: () =>
        Promise.reject(new RejectedError("Cannot run Spark: there is no java", { remedy: "Install Java 17" })),
    };
    const run = await bench.start(one({}));
    const status = await bench.drive(run, { backend });
    expect(status.steps["only"]?.attempts).toMatchObject([
      {
        phase: "Ended",
        failure: { class: "ConfigError", cause: "Cannot run Spark: there is no java", remedy: "Install Java 17" },
      },
    ]);
  });

  test("data from outside that changes while it is used is not taken for what was pinned", async () => {
    const bench = new Bench();
    const run = await bench.start(bench.chain());
    writeFileSync(bench.raw, "a;b\n9;9\n");
    const status = await bench.drive(run);
    expect(status.steps["first"]?.attempts[0]?.failure).toMatchObject({
      class: "ConfigError",
      cause: expect.stringContaining("raw.csv of dataset raw changed"),
    });
    expect(await bench.published("first")).toBeUndefined();
  });
});

describe("cancel, leave, resume", () => {
  test("a request of another process cancels; what was done stays; a retry goes on", async () => {
    const bench = new Bench();
    const plan = planWith([
      stepOf("fine"),
      stepOf("only", { reads: { fine: "fine" }, settings: { attempts: ["hang", "succeed"] } }),
    ]);
    const run = await bench.start(plan);
    const status = await bench.drive(run, {
      onChange: ({ seen }) => {
        if (Object.values(seen).some((one_) => one_?.progress !== undefined)) void bench.store.requestCancel(run);
      },
    });
    expect(phases(status)).toEqual({ fine: "Succeeded", only: "Cancelled" });
    await retryRun(bench.store, run);
    expect(phases(await bench.drive(run))).toEqual({ fine: "Succeeded", only: "Succeeded" });
  });

  test("a cancel of a run nobody drives is done by whoever drives it next", async () => {
    const bench = new Bench();
    const run = await bench.start(bench.chain());
    await bench.store.requestCancel(run);
    expect((await bench.drive(run)).phase).toBe("Cancelled");
    expect(bench.starts()).toEqual([]);
  });

  test("leaving gives the lock back at once; the application goes on and is found again", async () => {
    const bench = new Bench();
    const run = await bench.start(one({ attempts: ["hang", "succeed"] }));
    const leave = new AbortController();
    const left = bench.drive(run, {
      leave: leave.signal,
      onChange: ({ seen }) => {
        if (Object.values(seen).some((there) => there?.progress !== undefined)) leave.abort(new Error("left"));
      },
    });
    await expect(left).rejects.toThrow("left");
    expect(await bench.store.driverOf(run)).toBeUndefined();
    expect((await bench.store.readStatus(run))?.steps["only"]?.attempts).toMatchObject([
      { number: 1, phase: "Running" },
    ]);
    const stop = new AbortController();
    const status = await bench.drive(run, {
      cancel: stop.signal,
      onChange: ({ seen }) => void (Object.values(seen).some((there) => there?.phase === "Running") && stop.abort()),
    });
    expect(status.phase).toBe("Cancelled");
    expect(bench.starts()).toEqual(["only/1"]);
  });
});
