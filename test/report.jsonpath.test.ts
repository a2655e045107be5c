import fc from "fast-check";
import { expect, test } from "vitest";
import { RejectedError } from "../orchestrator/errors.ts";
import type { Json } from "../orchestrator/json.ts";
import { jsonpath } from "../orchestrator/report/jsonpath.ts";

const RUNS: Json = {
  kind: "RunList",
  items: [
    {
      metadata: { name: "a-1", labels: { "sparkwright.dev/run": "a" } },
      status: { phase: "Failed", revision: 3, steps: [] },
    },
    {
      metadata: { name: "a-2", labels: { "sparkwright.dev/run": "a" } },
      status: { phase: "Succeeded", revision: 12, cancelRequested: true },
    },
  ],
};

// The same templates give the same text in kubectl 1.3x, save where noted.
test.for([
  ["{.kind}", "RunList"],
  ["{$.kind}", "RunList"],
  ["kind: {.kind}!", "kind: RunList!"],
  ["{.items[0].metadata.name}", "a-1"],
  ["{.items[-1].metadata.name}", "a-2"],
  ["{.items[*].metadata.name}", "a-1 a-2"],
  ["{.items[0:1].metadata.name}", "a-1"],
  ["{.items[1:].metadata.name}", "a-2"],
  ["{..name}", "a-1 a-2"],
  ["{.items[0].metadata.labels.sparkwright\\.dev/run}", "a"],
  ["{.items[0].metadata.labels['sparkwright.dev/run']}", "a"],
  ['{.items[?(@.status.phase == "Failed")].metadata.name}', "a-1"],
  ["{.items[?(@.status.phase!='Failed')].metadata.name}", "a-2"],
  ["{.items[?(@.status.revision > 3)].metadata.name}", "a-2"],
  ["{.items[?(@.status.revision <= 3)].metadata.name}", "a-1"],
  ["{.items[?(@.status.cancelRequested)].metadata.name}", "a-2"],
  ["{.items[?(@.status.cancelRequested == true)].metadata.name}", "a-2"],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}', "a-1\tFailed\na-2\tSucceeded\n"],
  ["{.items[0].status.steps}", "[]"],
  ["{.items[0].metadata.labels}", '{"sparkwright.dev/run":"a"}'],
  ["{.nothing.here}", ""],
  ["{.items[7].metadata.name}", ""],
  ["{.constructor}", ""],
  ["{.metadata.*}", ""],
] as const)("jsonpath %s prints %j", ([template, text]) => {
  expect(jsonpath(template)(RUNS)).toBe(text);
});

test.for([
  ["{.items[*}", "is not understood"],
  ["{.items", "no partner"],
  ["{range .items[*]}{.name}", "without {end}"],
  ["{end}", "without {range"],
  ["{.items[?(@.a = 1)]}", "is not understood"],
  ["{.items[?(@.a == b)]}", "must be a number"],
  ["{.a b}", "is not understood"],
] as const)("jsonpath %s is refused: %s", ([template, why]) => {
  expect(() => jsonpath(template)).toThrow(RejectedError);
  expect(() => jsonpath(template)).toThrow(why);
});

test("jsonpath with quoted fields reaches every field, whatever its name", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }), fc.integer(), (names, value) => {
      const object = names.reduceRight<Json>((inner, name) => Object.fromEntries([[name, inner]]), value);
      const path = names.map((name) => `['${name.replaceAll(/[\\']/g, "\\$&")}']`).join("");
      expect(jsonpath(`{${path}}`)(object)).toBe(String(value));
    }),
  );
});
