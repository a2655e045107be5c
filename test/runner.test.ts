/** Whole runs: the real loop, store and local backend; only spark-submit is stood in for. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { systemClock } from "../orchestrator/clock.ts";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import { ConflictError, RejectedError } from "../orchestrator/errors.ts";
import type { Json } from "../orchestrator/json.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import { drive, type DriveOptions } from "../orchestrator/runner/drive.ts";
import { retryRun } from "../orchestrator/runner/retry.ts";
import { startRun, type StartOptions } from "../orchestrator/runner/start.ts";
import { openFolder, type FolderStore } from "../orchestrator/storage/folder.ts";
import { chain, NAMESPACE, options, packageFolder, planWith, starts, stepOf } from "./stand-in/plan.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-runner-"));
afterAll(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));

class Bench {
  readonly folder = mkdtempSync(join(home, "case-"));
  readonly store: FolderStore = openFolder(join(this.folder, "store"));
  readonly log = join(this.folder, "starts");
  readonly raw = join(this.folder, "raw.csv");

  start(plan: Plan, change: Partial<StartOptions> = {}): Promise<string> {
    return startRun(this.store, plan, { clock: systemClock, packageFolder, ...change }).then((run) => run.name);
  }

  drive(run: string, change: Partial<DriveOptions> = {}): Promise<RunStatus> {
    return drive(run, { ...options(this.store, this.log), ...change });
  }

  async run(plan: Plan, change: Partial<StartOptions> = {}): Promise<RunStatus> {
    return this.drive(await this.start(plan, change));
  }

  chain(settings: Record<string, { [key: string]: Json }> = {}): Plan {
    return chain(this.folder, settings);
  }

  async published(dataset: string): Promise<string | undefined> {
    return (await this.store.readPointer(NAMESPACE, dataset))?.version;
  }

  starts(): string[] {
    return starts(this.log);
  }
}

function phases(status: RunStatus): Record<string, string> {
  return Object.fromEntries(Object.entries(status.steps).map(([name, step]) => [name, step.phase]));
}

const one = (settings: { [key: string]: Json }, change: Parameters<typeof stepOf>[1] = {}) => planWith([stepOf("only", { ...change, settings })]);

describe("a run", () => {
  test("makes versions, commits and pointers, each step from what the run itself made", async () => {
    const bench = new Bench();
    const status = await bench.run(bench.chain());
    expect(phases(status)).toEqual({ first: "Succeeded", second: "Succeeded", third: "Succeeded" });
    for (const dataset of ["first", "second", "third"]) expect(await bench.published(dataset)).toBe(status.steps[dataset]?.outputs?.[dataset]);
    expect(status.steps["second"]?.inputs).toEqual({ first: { dataset: "first", version: status.steps["first"]?.outputs?.["first"] } });
    const params = await bench.store.readParams("walk-1", "second", 1);
    expect(params?.inputs["first"]?.files[0]?.path).toBe(join(bench.store.root, "data/default/walk-1/first/1/first/model.json"));
    expect(await bench.store.readResult("walk-1", "second", 1)).toMatchObject({ metrics: { n: 1 } });
  });

  test("of which a live process is the driver admits no second one", async () => {
    const bench = new Bench();
    const run = await bench.start(one({ attempts: ["hang"] }));
    const stop = new AbortController();
    const first = bench.drive(run, { cancel: stop.signal, onChange: () => undefined });
    await expect.poll(() => bench.store.driverOf(run)).toBeDefined();
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

  test("ends although the clock is set back an hour again and again", async () => {
    const bench = new Bench();
    let calls = 0;
    const clock = () => Date.now() - 3_600_000 * (calls++ % 5);
    const run = await bench.start(one({ attempts: ["error", "succeed"] }), { clock });
    const status = await bench.drive(run, { clock });
    expect(status.phase).toBe("Succeeded");
    expect(bench.starts()).toEqual(["only/1", "only/2"]);
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
    expect(status.steps["only"]).toMatchObject({ phase: "Cancelled", attempts: [{ phase: "Ended", failure: { class: "Cancelled" } }] });
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
  ])("%s: the step fails with its class, nothing is published, dependants are skipped", async ([, attempts, expected, count]) => {
    const bench = new Bench();
    const status = await bench.run(planWith([stepOf("only", { settings: { attempts } }), stepOf("after", { reads: { only: "only" } })]));
    expect(phases(status)).toEqual({ only: "Failed", after: "Skipped" });
    expect(status.phase).toBe("Failed");
    expect(status.steps["only"]?.attempts.map((attempt) => attempt.failure?.class)).toEqual(Array.from({ length: count }, () => expected));
    expect(await bench.published("only")).toBeUndefined();
    expect(await bench.store.listVersions(NAMESPACE, "only")).toEqual([]);
  });

  test("an attempt after OutOfMemory gets more memory, and may succeed", async () => {
    const status = await new Bench().run(one({ attempts: ["memory", "succeed"] }));
    expect(status.steps["only"]?.attempts.map((attempt) => attempt.memoryFactor)).toEqual([1, 1.5]);
    expect(status.phase).toBe("Succeeded");
  });

  test("past its deadline an attempt is removed and the next begins", async () => {
    const bench = new Bench();
    const deadlines = { queuedMs: 60_000, submittedMs: 60_000, pendingMs: 60_000, runningMs: 300 };
    const status = await bench.run(one({ attempts: ["hang", "succeed"] }, { deadlines }));
    expect(status.steps["only"]?.attempts[0]?.failure?.class).toBe("DeadlineExceeded");
    expect(status.phase).toBe("Succeeded");
  });

  test("a retry runs what did not succeed as new attempts of the same run, and nothing else", async () => {
    const bench = new Bench();
    const plan = planWith([stepOf("fine"), stepOf("only", { settings: { attempts: ["error", "error", "error", "succeed"] } }), stepOf("after", { reads: { only: "only" } })]);
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
    const backend = { ...options(bench.store, bench.log).backend, submit: () => Promise.reject(new RejectedError("Cannot run Spark: there is no java", { remedy: "Install Java 17" })) };
    const run = await bench.start(one({}));
    const status = await bench.drive(run, { backend });
    expect(status.steps["only"]?.attempts).toMatchObject([{ phase: "Ended", failure: { class: "ConfigError", cause: "Cannot run Spark: there is no java", remedy: "Install Java 17" } }]);
  });

  test("data from outside that changes while it is used is not taken for what was pinned", async () => {
    const bench = new Bench();
    const run = await bench.start(bench.chain());
    writeFileSync(bench.raw, "a;b\n9;9\n");
    const status = await bench.drive(run);
    expect(status.steps["first"]?.attempts[0]?.failure).toMatchObject({ class: "ConfigError", cause: expect.stringContaining("raw.csv of dataset raw changed") });
    expect(await bench.published("first")).toBeUndefined();
  });
});

describe("cancel, leave, resume", () => {
  test("a request of another process cancels; what was done stays; a retry goes on", async () => {
    const bench = new Bench();
    const plan = planWith([stepOf("fine"), stepOf("only", { reads: { fine: "fine" }, settings: { attempts: ["hang", "succeed"] } })]);
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
    expect((await bench.store.readStatus(run))?.steps["only"]?.attempts).toMatchObject([{ number: 1, phase: "Running" }]);
    const stop = new AbortController();
    const status = await bench.drive(run, { cancel: stop.signal, onChange: ({ seen }) => void (Object.values(seen).some((there) => there?.phase === "Running") && stop.abort()) });
    expect(status.phase).toBe("Cancelled");
    expect(bench.starts()).toEqual(["only/1"]);
  });
});

describe("cache", () => {
  test("an unchanged run starts nothing; touch, memory, retry and comments change nothing", async () => {
    const bench = new Bench();
    const first = await bench.run(bench.chain());
    utimesSync(bench.raw, 1, 1);
    const plan = bench.chain();
    const target = { ...plan.target, spec: { ...plan.target.spec, sizes: { small: { ...plan.target.spec.sizes["small"], driver: { cores: 4, memory: "8g" } } } } } as Plan["target"];
    const steps = plan.steps.map((step) => ({ ...step, retry: { attempts: 9, backoffMs: 1, memoryFactor: 2 } }));
    const second = await bench.run({ ...plan, target, steps });
    expect(phases(second)).toEqual({ first: "Cached", second: "Cached", third: "Cached" });
    expect(second.steps["third"]).toMatchObject({ reason: "unchanged since walk-1", outputs: first.steps["third"]?.outputs, attempts: [] });
    expect(await bench.store.readPointer(NAMESPACE, "third")).toMatchObject({ run: "walk-2", attempt: 0, sequence: 2 });
    expect(bench.starts()).toHaveLength(3);
  });

  test("replaced data runs what depends on it; the old data again runs nothing and is published again", async () => {
    const bench = new Bench();
    const independent = stepOf("independent");
    const plan = () => ({ ...bench.chain(), steps: [...bench.chain().steps, independent] });
    const first = await bench.run(plan());
    const old = readFileSync(bench.raw);
    writeFileSync(bench.raw, "a;b\n3;4\n");
    expect(phases(await bench.run(plan()))).toEqual({ first: "Succeeded", second: "Succeeded", third: "Succeeded", independent: "Cached" });
    writeFileSync(bench.raw, old);
    expect(phases(await bench.run(plan()))).toEqual({ first: "Cached", second: "Cached", third: "Cached", independent: "Cached" });
    expect(await bench.published("third")).toBe(first.steps["third"]?.outputs?.["third"]);
  });

  test("a changed setting runs the step and, when its output changes, its dependants", async () => {
    const bench = new Bench();
    await bench.run(bench.chain());
    expect(phases(await bench.run(bench.chain({ second: { text: "new" } })))).toEqual({ first: "Cached", second: "Succeeded", third: "Succeeded" });
    expect(phases(await bench.run(bench.chain({ second: { text: "new", unused: 1 } })))).toEqual({ first: "Cached", second: "Succeeded", third: "Cached" });
  });

  test("an edited module, another environment or a sample runs all; cache: false runs always", async () => {
    const bench = new Bench();
    const code = mkdtempSync(join(home, "code-"));
    writeFileSync(join(code, "job.py"), "import part\n");
    writeFileSync(join(code, "part.py"), "VALUE = 1\n");
    const plan = (change: Partial<Plan> = {}) => planWith([stepOf("only", { code })], change);
    expect(phases(await bench.run(plan()))).toEqual({ only: "Succeeded" });
    expect(phases(await bench.run(plan()))).toEqual({ only: "Cached" });
    writeFileSync(join(code, "part.py"), "VALUE = 2\n");
    expect(phases(await bench.run(plan()))).toEqual({ only: "Succeeded" });
    expect(phases(await bench.drive(await bench.start(plan()), { environment: "python-other" }))).toEqual({ only: "Succeeded" });
    expect(phases(await bench.run(plan({ sample: { fraction: 0.05, seed: 7 } })))).toEqual({ only: "Succeeded" });
    const uncached = planWith([stepOf("only", { code, cache: false })]);
    expect(phases(await bench.run(uncached))).toEqual({ only: "Succeeded" });
    expect(phases(await bench.run(uncached))).toEqual({ only: "Succeeded" });
  });

  test("what was cached but is gone is made again", async () => {
    const bench = new Bench();
    const first = await bench.run(one({}));
    const version = first.steps["only"]?.outputs?.["only"] ?? "";
    const [file] = (await bench.store.readManifest(NAMESPACE, "only", version))?.files ?? [];
    rmSync(file?.path ?? "");
    const second = await bench.run(one({}));
    expect(second.steps["only"]).toMatchObject({ phase: "Succeeded", outputs: { only: version } });
    expect((await bench.store.readManifest(NAMESPACE, "only", version))?.files[0]?.path).toContain("walk-2");
    expect(phases(await bench.run(one({})))).toEqual({ only: "Cached" });
  });

  test("what fell back on the version published before stands only while that is published", async () => {
    const bench = new Bench();
    const falling = () => one({ fallsBack: "only" });
    await bench.run(one({ text: "old" }));
    expect(phases(await bench.run(falling()))).toEqual({ only: "Succeeded" });
    // It published a version of its own, so what it fell back on is not published any more.
    expect(phases(await bench.run(falling()))).toEqual({ only: "Succeeded" });
    expect(phases(await bench.run(falling()))).toEqual({ only: "Cached" });
  });
});

describe("publishing", () => {
  test("two runs of one pipeline at once both succeed; the later begun is published", async () => {
    const bench = new Bench();
    const runs = [await bench.start(bench.chain()), await bench.start(bench.chain())];
    const statuses = await Promise.all(runs.map((run) => bench.drive(run)));
    expect(statuses.map((status) => status.phase)).toEqual(["Succeeded", "Succeeded"]);
    expect(statuses[0]?.steps["third"]?.outputs).toEqual(statuses[1]?.steps["third"]?.outputs);
    expect((await bench.store.readPointer(NAMESPACE, "third"))?.run).toBe("walk-2");
    expect(readdirSync(bench.store.layout.commits(NAMESPACE))).toHaveLength(3);
  });

  test("an older run that ends later does not move the pointer, and says so", async () => {
    const bench = new Bench();
    const older = await bench.start(one({ text: "older" }));
    const newer = await bench.run(one({ text: "newer" }));
    const status = await bench.drive(older);
    expect(status).toMatchObject({ phase: "Succeeded", steps: { only: { unpublished: { only: expect.stringContaining("run walk-2, which began later") } } } });
    expect(await bench.published("only")).toBe(newer.steps["only"]?.outputs?.["only"]);
  });

  test("a sample is never published, and no run on all data starts from it", async () => {
    const bench = new Bench();
    const sampled = { ...bench.chain(), sample: { fraction: 0.05, seed: 7 } };
    const status = await bench.run(sampled);
    expect(status.steps["third"]?.unpublished).toEqual({ third: "a sample is never published" });
    expect(await bench.published("third")).toBeUndefined();
    const tail = planWith([stepOf("third", { reads: { first: "", second: "" } })]);
    await expect(bench.start(tail, { from: "walk-1" })).rejects.toThrow(/saw only a sample/);
    expect(phases(await bench.run({ ...tail, sample: sampled.sample }, { from: "walk-1" }))).toEqual({ third: "Succeeded" });
  });

  test("a part of a pipeline reads what was published when it began, or what the named run made", async () => {
    const bench = new Bench();
    const tail = planWith([stepOf("third", { reads: { first: "", second: "" } })]);
    await expect(bench.start(tail)).rejects.toThrow(/dataset first has no published version/);
    const old = await bench.run(bench.chain());
    const waiting = await bench.start(tail);
    writeFileSync(bench.raw, "a;b\n7;7\n");
    const fresh = await bench.run(bench.chain());
    const versions = (status: RunStatus) => Object.values(status.steps["third"]?.inputs ?? {}).map((input) => input.version);
    const made = (status: RunStatus) => ["first", "second"].map((name) => status.steps[name]?.outputs?.[name]);
    expect(versions(await bench.drive(waiting))).toEqual(made(old));
    expect(versions(await bench.run(tail))).toEqual(made(fresh));
    expect(versions(await bench.run(tail, { from: "walk-1" }))).toEqual(made(old));
    await expect(bench.start(tail, { from: "walk-99" })).rejects.toThrow(/none of this name/);
  });
});
