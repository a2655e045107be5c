/** What a run makes of answers that do not come, on the real store and backend with a stand-in for Spark. */
import { rmSync } from "node:fs";
import { afterAll, expect, test, vi } from "vitest";
import type { Backend } from "../orchestrator/backends/backend.ts";
import { QuotaExceededError, UnavailableError } from "../orchestrator/errors.ts";
import type { FolderStore } from "../orchestrator/storage/folder.ts";
import type { Observation } from "../orchestrator/spark-app.ts";
import { Bench, HOME, one, phases } from "./stand-in/bench.ts";
import { standIn } from "./stand-in/plan.ts";

afterAll(() => rmSync(HOME, { recursive: true, force: true, maxRetries: 5 }));

/** The stand-in's backend with some of its members replaced. */
const changed = (bench: Bench, change: (real: Backend) => Partial<Backend>): Backend => {
  const real = standIn(bench.log);
  return { ...real, ...change(real) };
};

/** Fails the first `times` calls. */
const failing = (times: number, error: () => Error, real: Backend): Backend["submit"] => {
  let left = times;
  return (app, signal) => (left-- > 0 ? Promise.reject(error()) : real.submit(app, signal));
};

test("a server that does not answer a submission costs no attempt", async () => {
  const bench = new Bench();
  const run = await bench.start(one({}));
  const backend = changed(bench, (real) => ({
    submit: failing(3, () => new UnavailableError("Cannot create: no answer"), real),
  }));
  const status = await bench.drive(run, { backend });
  expect(phases(status)).toEqual({ only: "Succeeded" });
  expect(status.steps["only"]?.attempts).toHaveLength(1);
});

test.for<[string, Observation | undefined]>([
  ["has left nothing behind", undefined],
  // The operator's object is still there, and what it says of the end is no evidence.
  ["has left its application behind", { phase: "Ended", where: "a driver whose pod is gone" }],
])(
  "an application that came and went while the answer to its submission was lost, and %s, is judged by its result",
  async ([, left]) => {
    const bench = new Bench();
    const run = await bench.start(one({}));
    let submissions = 0;
    const backend = changed(bench, (real) => ({
      async submit(app, signal) {
        submissions += 1;
        await real.submit(app, signal);
        await vi.waitFor(async () => expect((await real.observe(app, signal))?.phase).toBe("Ended"), {
          timeout: 20_000,
        });
        throw new UnavailableError("Cannot create: the answer was lost");
      },
      observe: () => Promise.resolve(submissions === 0 ? undefined : left),
    }));
    const { steps } = await bench.drive(run, { backend });
    expect(steps["only"]).toMatchObject({ phase: "Succeeded", attempts: [{ number: 1 }] });
    expect(submissions).toBe(1);
  },
);

test("a quota that is used up is a failure of its own class, and is tried again", async () => {
  const bench = new Bench();
  const run = await bench.start(one({}));
  const words = "Cannot create: exceeded quota: apps, used: 9, limited: 9";
  const backend = changed(bench, (real) => ({
    submit: failing(1, () => new QuotaExceededError(words), real),
  }));
  const { steps, phase } = await bench.drive(run, { backend });
  expect(phase).toBe("Succeeded");
  expect(steps["only"]?.attempts.map(({ failure }) => failure?.class)).toEqual(["QuotaExceeded", undefined]);
});

test.for<[string, boolean]>([
  ["is gone with everything that told of it", true],
  ["is gone, and nobody saw how it ended", false],
])("a driver that %s has succeeded when its result document and outputs are there", async ([, isAbsent]) => {
  const bench = new Bench();
  const run = await bench.start(one({}));
  const backend = changed(bench, (real) => ({
    async observe(app, signal) {
      const seen = await real.observe(app, signal);
      if (seen?.phase !== "Ended") return seen;
      return isAbsent ? undefined : { phase: "Ended", where: "a pod that is gone" };
    },
  }));
  const { steps } = await bench.drive(run, { backend });
  expect(steps["only"]).toMatchObject({ phase: "Succeeded", attempts: [{ number: 1 }] });
});

test("without a result document it is lost", async () => {
  const bench = new Bench();
  const run = await bench.start(one({ attempts: ["silent", "silent"] }));
  const backend = changed(bench, (real) => ({
    async observe(app, signal) {
      const seen = await real.observe(app, signal);
      return seen?.phase === "Ended" ? undefined : seen;
    },
  }));
  const { steps } = await bench.drive(run, { backend });
  expect(steps["only"]?.attempts.map(({ failure }) => failure?.class)).toEqual(["StatusLost", "StatusLost"]);
});

/** The bench's store, which answers no write of a status from the second one on, so many times. */
const silent = (bench: Bench, times: number): FolderStore => {
  let [writes, left] = [0, times];
  return {
    ...bench.store,
    writeStatus(lock, status) {
      writes += 1;
      if (writes > 1 && left-- > 0) return Promise.reject(new UnavailableError("Cannot write the status: no answer"));
      return bench.store.writeStatus(lock, status);
    },
  };
};

test("a store that does not answer for a while is waited for, and who drives is told once", async () => {
  const bench = new Bench();
  const run = await bench.start(one({}));
  const told: string[] = [];
  const onTrouble = ({ message }: Error) => void told.push(message);
  const status = await bench.drive(run, { store: silent(bench, 3), patienceMs: 200, onTrouble, every: 5 });
  expect(phases(status)).toEqual({ only: "Succeeded" });
  expect(status.steps["only"]?.attempts).toHaveLength(1);
  expect(told).toEqual(["Cannot write the status: no answer"]);
});

test("a store that does not answer for longer than somebody waits leaves the run to be resumed", async () => {
  const bench = new Bench();
  const run = await bench.start(one({}));
  const store = silent(bench, Number.POSITIVE_INFINITY);
  await expect(bench.drive(run, { store, patienceMs: 50 })).rejects.toBeInstanceOf(UnavailableError);
  expect(phases(await bench.drive(run))).toEqual({ only: "Succeeded" });
});
