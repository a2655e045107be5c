/** What runs again and what does not, and what readers get to see. The real loop, store and local backend; only spark-submit is stood in for. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import type { Plan } from "../orchestrator/plan/plan.ts";
import { Bench, HOME, one, phases } from "./stand-in/bench.ts";
import { NAMESPACE, planWith, stepOf } from "./stand-in/plan.ts";

afterAll(() => rm(HOME, { recursive: true, force: true, maxRetries: 5 }));

describe("cache", () => {
  test("an unchanged run starts nothing; touch, memory, retry and comments change nothing", async () => {
    const bench = new Bench();
    const first = await bench.run(bench.chain());
    utimesSync(bench.raw, 1, 1);
    const plan = bench.chain();
    const target = {
      ...plan.target,
      spec: {
        ...plan.target.spec,
        sizes: { small: { ...plan.target.spec.sizes["small"], driver: { cores: 4, memory: "8g" } } },
      },
    } as Plan["target"];
    const steps = plan.steps.map((step) => ({ ...step, retry: { attempts: 9, backoffMs: 1, memoryFactor: 2 } }));
    const second = await bench.run({ ...plan, target, steps });
    expect(phases(second)).toEqual({ first: "Cached", second: "Cached", third: "Cached" });
    expect(second.steps["third"]).toMatchObject({
      reason: "unchanged since walk-1",
      outputs: first.steps["third"]?.outputs,
      attempts: [],
    });
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
    expect(phases(await bench.run(plan()))).toEqual({
      first: "Succeeded",
      second: "Succeeded",
      third: "Succeeded",
      independent: "Cached",
    });
    writeFileSync(bench.raw, old);
    expect(phases(await bench.run(plan()))).toEqual({
      first: "Cached",
      second: "Cached",
      third: "Cached",
      independent: "Cached",
    });
    expect(await bench.published("third")).toBe(first.steps["third"]?.outputs?.["third"]);
  });

  test("a step that was renamed is found, and says under which name", async () => {
    const bench = new Bench();
    await bench.run(bench.chain());
    const plan = bench.chain();
    const steps = plan.steps.map((step) => (step.name === "first" ? { ...step, name: "renamed" } : step));
    const needing = steps.map((step) => ({
      ...step,
      needs: step.needs.map((need) => (need === "first" ? "renamed" : need)),
    }));
    const inputs = needing.map((step) => ({
      ...step,
      inputs: Object.fromEntries(
        Object.entries(step.inputs).map(([role, port]) => [
          role,
          port.step === "first" ? { ...port, step: "renamed" } : port,
        ]),
      ),
    }));
    const second = await bench.run({ ...plan, steps: inputs });
    expect(second.steps["renamed"]?.cachedFrom).toEqual({ run: "walk-1", step: "first", attempt: 1 });
    expect(second.steps["second"]?.cachedFrom).toEqual({ run: "walk-1", attempt: 1 });
  });

  test("a changed setting runs the step and, when its output changes, its dependants", async () => {
    const bench = new Bench();
    await bench.run(bench.chain());
    expect(phases(await bench.run(bench.chain({ second: { text: "new" } })))).toEqual({
      first: "Cached",
      second: "Succeeded",
      third: "Succeeded",
    });
    expect(phases(await bench.run(bench.chain({ second: { text: "new", unused: 1 } })))).toEqual({
      first: "Cached",
      second: "Succeeded",
      third: "Cached",
    });
  });

  test("an edited module, another environment or a sample runs all; cache: false runs always", async () => {
    const bench = new Bench();
    const code = mkdtempSync(join(HOME, "code-"));
    writeFileSync(join(code, "job.py"), "import part\n");
    writeFileSync(join(code, "part.py"), "VALUE = 1\n");
    const plan = (change: Partial<Plan> = {}) => planWith([stepOf("only", { code })], change);
    expect(phases(await bench.run(plan()))).toEqual({ only: "Succeeded" });
    expect(phases(await bench.run(plan()))).toEqual({ only: "Cached" });
    writeFileSync(join(code, "part.py"), "VALUE = 2\n");
    expect(phases(await bench.run(plan()))).toEqual({ only: "Succeeded" });
    expect(phases(await bench.drive(await bench.start(plan()), { environment: "python-other" }))).toEqual({
      only: "Succeeded",
    });
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
    expect(status).toMatchObject({
      phase: "Succeeded",
      steps: { only: { unpublished: { only: expect.stringContaining("run walk-2, which began later") } } },
    });
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
    expect(phases(await bench.run({ ...tail, sample: sampled.sample }, { from: "walk-1" }))).toEqual({
      third: "Cached",
    });
  });

  test("a part of a pipeline reads what was published when it began, or what the named run made", async () => {
    const bench = new Bench();
    const tail = planWith([stepOf("third", { reads: { first: "", second: "" } })]);
    await expect(bench.start(tail)).rejects.toThrow(/dataset first has no published version/);
    const old = await bench.run(bench.chain());
    const waiting = await bench.start(tail);
    writeFileSync(bench.raw, "a;b\n7;7\n");
    const fresh = await bench.run(bench.chain());
    const versions = (status: RunStatus) =>
      Object.values(status.steps["third"]?.inputs ?? {}).map((input) => input.version);
    const made = (status: RunStatus) => ["first", "second"].map((name) => status.steps[name]?.outputs?.[name]);
    expect(versions(await bench.drive(waiting))).toEqual(made(old));
    expect(versions(await bench.run(tail))).toEqual(made(fresh));
    expect(versions(await bench.run(tail, { from: "walk-1" }))).toEqual(made(old));
    await expect(bench.start(tail, { from: "walk-99" })).rejects.toThrow(/none of this name/);
  });
});
