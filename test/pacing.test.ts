/** How fast applications go to a cluster, and who waits. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crowdOf, operatorHealth, type Known } from "../orchestrator/backends/kubeflow-health.ts";
import { decide, wantsPlace } from "../orchestrator/engine/decide.ts";
import { allowance } from "../orchestrator/engine/pacing.ts";
import { queueOf } from "../orchestrator/engine/queue.ts";
import { isLive } from "../orchestrator/kubernetes/lease.ts";
import { news } from "../orchestrator/report/news.ts";
import { planWith, statusOf, stepOf } from "./stand-in/plan.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

describe("allowance()", () => {
  test.for<[string, number, number, number[], number]>([
    ["nothing there", 0, 0, [], 8],
    ["three in the last minute", 3, 0, [1000, 30_000, 59_999, 60_000, 600_000], 5],
    ["all of the last minute", 8, 0, Array.from({ length: 8 }, () => 10_000), 0],
    ["the operator is behind", 9, 6, [], 2],
    ["the operator is down", 20, 20, [], 0],
    ["nearly as many as the namespace bears", 99, 0, [], 1],
    ["more than the namespace bears", 200, 0, [], 0],
  ])("%s", ([, live, untaken, ages, expected]) => {
    expect(allowance({ perMinute: 8, most: 100 }, { live, untaken, ages })).toBe(expected);
  });

  test("of whatever is there, no minute sees more than its share", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 60 }), (pauses) => {
        const made: number[] = [];
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          const ages = made.map((at) => now - at);
          const places = allowance({ perMinute: 8, most: 1000 }, { live: 0, untaken: 0, ages });
          for (let count = 0; count < Math.min(places, 5); count += 1) made.push(now);
          expect(made.filter((at) => now - at < 60_000).length).toBeLessThanOrEqual(8);
        }
      }),
    );
  });
});

describe("decide()", () => {
  const plan = planWith([stepOf("one"), stepOf("two"), stepOf("three")], { parallelism: 3 });
  const ready = { inputs: {}, cacheKey: "k" };
  const status = statusOf({ one: ready, two: ready, three: ready });
  const doing = (allowed: number) => decide(plan, status, {}, NOW, allowed).map((action) => action.do);

  test("submits no more than is allowed; the others queue", () => {
    expect(doing(2)).toEqual(["submit", "submit", "queue"]);
    expect(doing(0)).toEqual(["queue", "queue", "queue"]);
    expect(doing(9)).toEqual(["submit", "submit", "submit"]);
  });

  test("asks for places only when a step could take one", () => {
    expect(wantsPlace(plan, status, NOW)).toBe(true);
    const busy = statusOf({
      one: { phase: "Running" },
      two: { phase: "Backoff", notBefore: NOW + 1 },
      three: { phase: "Failed" },
    });
    expect(wantsPlace(plan, busy, NOW)).toBe(false);
    expect(wantsPlace(plan, busy, NOW + 1)).toBe(true);
  });
});

test("queueOf(): who has waited longest is first; runs that are over or cancelled do not wait", () => {
  const waits = (readyAt: number) => ({ phase: "Waiting" as const, readyAt });
  const runs = [
    { name: "b", status: statusOf({ one: waits(5), two: waits(2), three: {} }) },
    { name: "a", status: statusOf({ one: waits(5) }) },
    { name: "c", status: statusOf({ one: waits(1) }, { phase: "Failed" }) },
    { name: "d", status: statusOf({ one: waits(1) }, { cancelRequested: true }) },
    { name: "e" },
  ];
  expect(queueOf(runs).map(({ run, step }) => `${run}/${step}`)).toEqual(["b/two", "a/one", "b/one"]);
});

describe("what applications tell of their operator", () => {
  const known = (name: string, age: number, state?: string, reacted?: number): Known => ({
    metadata: { name, creationTimestamp: ago(age) },
    status: {
      ...(state === undefined ? {} : { applicationState: { state } }),
      ...(reacted === undefined ? {} : { lastSubmissionAttemptTime: ago(reacted), terminationTime: null }),
    },
  });

  test.for<[string, Known[], object]>([
    ["none", [], { is: "unknown" }],
    ["one that is new", [known("a", 60)], { is: "unknown" }],
    ["one that waits long", [known("a", 60), known("b", 300)], { is: "silent", application: "b", sinceMs: 300_000 }],
    ["one that it took up", [known("a", 60, "RUNNING", 50)], { is: "alive", application: "a", agoMs: 50_000 }],
    [
      "one taken up, another that waits long",
      [known("a", 600, "RUNNING", 590), known("b", 300)],
      { is: "silent", application: "b", sinceMs: 300_000 },
    ],
  ])("%s", ([, applications, expected]) => {
    expect(operatorHealth(applications, NOW)).toEqual(expected);
  });

  test("crowdOf() counts what has not ended, and what it has not looked at", () => {
    const all = [known("a", 10, "COMPLETED"), known("b", 20, "RUNNING"), known("c", 30), known("d", 90, "FAILED")];
    expect(crowdOf(all, NOW)).toEqual({ live: 2, untaken: 1, ages: [10_000, 20_000, 30_000, 90_000] });
  });
});

describe("a Lease is live", () => {
  const lease = (holderIdentity: string, written: number | undefined, renewTime: string) => ({
    metadata: {
      name: "l",
      ...(written === undefined ? {} : { managedFields: [{ time: ago(999) }, { time: ago(written) }] }),
    },
    spec: { holderIdentity, leaseDurationSeconds: 15, renewTime },
  });
  test.for<[string, ReturnType<typeof lease>, boolean]>([
    ["just renewed", lease("a", 0, ago(0)), true],
    ["by the server's clock, whatever the holder's shows", lease("a", 1, ago(86_400)), true],
    ["within the grain of its times", lease("a", 16, ago(0)), true],
    ["no more after that", lease("a", 17, ago(-86_400)), false],
    ["not when it was given back", lease("", 0, ago(0)), false],
    ["by its own word where the server has none", lease("a", undefined, ago(3)), true],
    ["not by its own word after that", lease("a", undefined, ago(60)), false],
  ])("%s", ([, given, expected]) => {
    expect(isLive(given, NOW)).toBe(expected);
  });
});

describe("news()", () => {
  const view = (rows: [string, string][]) => ({ object: { rows }, names: [], rows, table: () => "" });
  const shown = (rows: [string, string][], age: string) =>
    `NAME PHASE AGE\n${rows.map(([name, phase]) => `${name} ${phase} ${age}\n`).join("")}`;

  test("of a table only new lines, below its head once", () => {
    const [one, two] = [
      view([["a", "Running"]]),
      view([
        ["a", "Running"],
        ["b", "Running"],
      ]),
    ];
    expect(news(one, shown([["a", "Running"]], "1s"), undefined)).toBe("NAME PHASE AGE\na Running 1s\n");
    expect(news(one, shown([["a", "Running"]], "2s"), one)).toBe("");
    expect(
      news(
        two,
        shown(
          [
            ["a", "Running"],
            ["b", "Running"],
          ],
          "3s",
        ),
        one,
      ),
    ).toBe("b Running 3s\n");
  });

  test("the head comes with the first line", () => {
    const empty = view([]);
    expect(news(empty, "No runs\n", undefined)).toBe("No runs\n");
    expect(news(empty, "No runs\n", empty)).toBe("");
    const one = view([["a", "Running"]]);
    expect(news(one, shown([["a", "Running"]], "1s"), empty)).toBe("NAME PHASE AGE\na Running 1s\n");
  });

  test("of any other form everything, when anything is new", () => {
    const [one, two] = [view([["a", "Running"]]), view([["a", "Failed"]])];
    expect(news(one, "{ 1 }\n", one)).toBe("");
    expect(news(two, "{ 2 }\n", one)).toBe("{ 2 }\n");
  });
});
