import { describe, expect, test } from "vitest";
import { adjustedRand, agreement, type RunFacts, sameVersions } from "../../bench/agreement.ts";

const facts = (more: Partial<RunFacts> = {}): RunFacts => ({
  name: "a",
  specs: { features: "1", offers: "2" },
  code: { features: "c", offers: "c" },
  versions: { lines: "v-1", offers: "v-2" },
  metrics: {
    "train/txt.recall10": 0.42,
    "train/seconds.fit": 9,
    "train/train.visits_per_s": 9000,
    "sweep/sweep.seconds": 80,
    "offers/rows_per_s": 80,
  },
  segments: pairs(200, (at) => `s${at % 3}`),
  topOffers: pairs(200, (at) => `c ${at % 7}`),
  ...more,
});

function pairs(count: number, value: (at: number) => string): Map<string, string> {
  return new Map(Array.from({ length: count }, (_, at) => [`e${at}`, value(at)]));
}

/** Names of the checks that do not pass. */
const failed = (b: RunFacts) =>
  agreement(facts(), b)
    .filter(({ passed }) => !passed)
    .map(({ name }) => name);

describe("agreement()", () => {
  test("two runs that came to the same pass, however long they took and whatever segments are called", () => {
    const slower = {
      "train/txt.recall10": 0.4249,
      "train/seconds.fit": 90,
      "train/train.visits_per_s": 8000,
      "sweep/sweep.seconds": 90,
      "offers/rows_per_s": 8,
    };
    const renamed = facts({ metrics: slower, segments: pairs(200, (at) => `t${(at + 1) % 3}`) });
    expect(agreement(facts(), renamed).map(({ name, passed }) => [name, passed])).toEqual([
      ["spec hashes", true],
      ["code digests", true],
      ["segments", true],
      ["top offers", true],
      ["metrics", true],
    ]);
  });

  test.for<[string, Partial<RunFacts>, string]>([
    ["another spec", { specs: { features: "1", offers: "3" } }, "spec hashes"],
    ["a step that one lacks", { specs: { features: "1" } }, "spec hashes"],
    ["other code", { code: { features: "d", offers: "c" } }, "code digests"],
    [
      "two in a hundred in another segment",
      { segments: pairs(200, (at) => `s${at < 4 ? 2 - (at % 3) : at % 3}`) },
      "segments",
    ],
    ["an entity that one lacks", { segments: pairs(199, (at) => `s${at % 3}`) }, "segments"],
    [
      "three in two hundred with another offer",
      { topOffers: pairs(200, (at) => `c ${at < 3 ? 9 : at % 7}`) },
      "top offers",
    ],
    ["a metric further off", { metrics: { "train/txt.recall10": 0.4251 } }, "metrics"],
    ["a metric that one lacks", { metrics: { "train/other": 1 } }, "metrics"],
    ["a metric that is no number", { metrics: { "train/txt.recall10": Number.NaN } }, "metrics"],
  ])("%s fails", ([, more, name]) => {
    expect(failed(facts(more))).toEqual([name]);
  });

  test("one in a hundred with another top offer passes", () => {
    expect(failed(facts({ topOffers: pairs(200, (at) => `c ${at < 2 ? 9 : at % 7}`) }))).toEqual([]);
  });

  test("says which and by how much", () => {
    const says = agreement(
      facts(),
      facts({ metrics: { "train/txt.recall10": 0.5 }, code: { features: "x", offers: "c" } }),
    );
    expect(says.map((check) => check.says)).toContain("0 of 1 within 0.005, not train/txt.recall10 0.42 and 0.5");
    expect(says.map((check) => check.says)).toContain("1 of 2 steps equal, not features");
  });
});

test("a pipeline without segments and offers is compared by the rest", () => {
  const bare = facts({ segments: new Map(), topOffers: new Map() });
  expect(agreement(bare, bare).map(({ name }) => name)).toEqual(["spec hashes", "code digests", "metrics"]);
});

test("sameVersions() tells datasets of the same bytes from others", () => {
  expect(sameVersions(facts(), facts({ versions: { lines: "v-1", offers: "v-3" } }))).toEqual({
    same: ["lines"],
    different: ["offers"],
  });
});

test.for<[string, string[], string[], number]>([
  ["the same", ["a", "a", "b", "b"], ["x", "x", "y", "y"], 1],
  ["one for all", ["a", "a", "a"], ["x", "x", "x"], 1],
  // Worked out by hand: 1 pair together in both, 3 and 2 in each, of 10: (1 - 0.6) / (2.5 - 0.6).
  ["others", ["a", "a", "a", "b", "c"], ["x", "x", "y", "y", "z"], 0.2105],
])("adjustedRand() of %s", ([, a, b, expected]) => {
  expect(adjustedRand(a, b)).toBeCloseTo(expected, 3);
});
