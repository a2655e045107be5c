/** Steps do not wait for each other: what takes long about one of them holds up no other. */
import { rmSync } from "node:fs";
import { afterAll, describe, expect, test, vi } from "vitest";
import type { Backend } from "../orchestrator/backends/backend.ts";
import type { Report } from "../orchestrator/engine/advance.ts";
import { hands } from "../orchestrator/runner/hands.ts";
import { Bench, HOME, phases } from "./stand-in/bench.ts";
import { planWith, standIn, stepOf } from "./stand-in/plan.ts";

afterAll(() => rmSync(HOME, { recursive: true, force: true, maxRetries: 5 }));

const report: Report = { report: "removed", step: "one", attempt: 1 };

describe("hands()", () => {
  test("a step is busy until what came of it was handed out", async () => {
    const work = hands();
    const gate = Promise.withResolvers<Report>();
    work.begin("one", () => gate.promise);
    expect([work.areBusy("one"), work.areBusy("two"), work.reports()]).toEqual([true, false, []]);
    const news = work.hasNews();
    gate.resolve(report);
    await news;
    expect(work.areBusy("one")).toBe(true);
    expect(work.reports()).toEqual([report]);
    expect([work.areBusy("one"), work.reports()]).toEqual([false, []]);
  });

  test("what has to be tried again is no news, and leaves the step free", async () => {
    const work = hands();
    work.begin("one", async () => undefined);
    await vi.waitFor(
      () => {
        expect(work.reports()).toEqual([]);
        expect(work.areBusy("one")).toBe(false);
      },
      { timeout: 10_000 },
    );
  });

  test("what goes wrong is thrown where reports are asked for", async () => {
    const work = hands();
    work.begin("one", () => Promise.reject(new Error("no such thing")));
    await work.hasNews();
    expect(() => work.reports()).toThrow("no such thing");
  });
});

test("a removal that takes long holds up no other step", { timeout: 60_000 }, async () => {
  const bench = new Bench();
  const base = standIn(bench.log);
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const backend: Backend = {
    ...base,
    async remove(app, signal) {
      asked += 1;
      await gate.promise;
      await base.remove(app, signal);
    },
  };
  const stuck = stepOf("stuck", {
    settings: { attempts: ["hang"] },
    retry: { attempts: 1, backoffMs: 20, memoryFactor: 1.5 },
    deadlines: { queuedMs: 60_000, submittedMs: 60_000, pendingMs: 60_000, runningMs: 50 },
  });
  const run = await bench.start(
    planWith([stuck, stepOf("other"), stepOf("last", { reads: { other: "other" } })], { parallelism: 3 }),
  );
  const driven = bench.drive(run, { backend });
  await vi.waitFor(
    async () => {
      const status = await bench.store.readStatus(run);
      expect(status && phases(status)).toEqual({ stuck: "Running", other: "Succeeded", last: "Succeeded" });
      expect(asked).toBe(1);
    },
    { timeout: 40_000 },
  );
  gate.resolve();
  const status = await driven;
  expect([status.phase, phases(status)["stuck"]]).toEqual(["Failed", "Failed"]);
  expect(status.steps["stuck"]?.attempts[0]?.failure?.class).toBe("DeadlineExceeded");
  expect(asked).toBe(1);
});
