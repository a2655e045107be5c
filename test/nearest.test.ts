import { expect, test } from "vitest";
import { nearest, suggestion } from "../orchestrator/nearest.ts";

test.for([
  ["executorz", ["executor", "executors"], "executors"],
  ["exectors", ["executor", "executors"], "executors"],
  ["FeatrueJob", ["FeatureJob", "TrainingJob"], "FeatureJob"],
  ["QUEUE", ["queue", "image"], "queue"],
  ["wholly-other", ["queue", "image"], undefined],
  ["", ["a"], undefined],
] as const)("nearest to %j among %j is %j", ([word, known, expected]) => {
  expect(nearest(word, known)).toBe(expected);
});

test("without a near name all are told when they are few", () => {
  expect(suggestion("xyz", ["alpha", "beta"])).toBe('; known: "alpha", "beta"');
  expect(suggestion("xyz", [])).toBe("");
});
