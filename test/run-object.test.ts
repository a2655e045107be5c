/** A run and its status as an object of a cluster, and back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AttemptStatus, Failure, RunStatus, StepStatus } from "../orchestrator/engine/run-state.ts";
import { digest } from "../orchestrator/json.ts";
import { runDefinition } from "../orchestrator/kinds/definition.ts";
import { LONGEST_SPEC, RunObjectStatus, RunSpec } from "../orchestrator/kinds/run.ts";
import { objectOf, recordOf, statusObjectOf, statusOf } from "../orchestrator/storage/run-object.ts";
import type { RunRecord } from "../orchestrator/storage/store.ts";
import { planWith, statusOf as statusWith, stepOf } from "./stand-in/plan.ts";

const record = (more: Partial<RunRecord> = {}): RunRecord => ({
  name: "walk-1",
  sequence: 1,
  plan: planWith([stepOf("one"), stepOf("two")]),
  createdAt: Date.UTC(2026, 10, 23),
  date: "2026-11-23",
  drivenBy: "cli",
  ...more,
});
const created = { creationTimestamp: "2026-11-23T00:00:00Z" };
const DRIVER = { holder: "here/1/0a", term: 3 };

const time = fc.integer({ min: 0, max: 4e12 });
const text = fc.string({ maxLength: 20 });
const failure: fc.Arbitrary<Failure> = fc.record(
  {
    class: fc.constantFrom("OutOfMemory", "NodeLost"),
    cause: text,
    evidence: fc.array(text, { maxLength: 3 }),
    remedy: text,
  },
  { requiredKeys: ["class", "cause", "evidence"] },
);
const attempt: fc.Arbitrary<AttemptStatus> = fc.record(
  {
    number: fc.integer({ min: 1, max: 9 }),
    application: text,
    phase: fc.constantFrom("Recorded", "Submitted", "Pending", "Running", "Ended"),
    recordedAt: time,
    submittedAt: time,
    pendingAt: time,
    startedAt: time,
    endedAt: time,
    since: time,
    memoryFactor: fc.constantFrom(1, 1.5, 2.25),
    failure,
  },
  { requiredKeys: ["number", "application", "phase", "recordedAt", "since", "memoryFactor"] },
);
const step: fc.Arbitrary<StepStatus> = fc.record(
  {
    phase: fc.constantFrom("Waiting", "Running", "Backoff", "Publishing", "Succeeded", "Cached", "Failed", "Skipped"),
    attempts: fc.array(attempt, { maxLength: 3 }),
    cacheKey: text,
    inputs: fc.dictionary(text, fc.record({ dataset: text, version: text }), { maxKeys: 2, noNullPrototype: true }),
    outputs: fc.dictionary(text, text, { maxKeys: 2, noNullPrototype: true }),
    cachedFrom: fc.record({ run: text, attempt: fc.integer({ min: 0, max: 3 }) }),
    unpublished: fc.dictionary(text, text, { maxKeys: 2, noNullPrototype: true }),
    readyAt: time,
    earlierAttempts: fc.integer({ min: 0, max: 3 }),
    notBefore: time,
    failure,
    reason: text,
    startedAt: time,
    endedAt: time,
  },
  { requiredKeys: ["phase", "attempts"] },
);
const status: fc.Arbitrary<RunStatus> = fc.record(
  {
    phase: fc.constantFrom("Running", "Succeeded", "Failed", "Cancelled"),
    startedAt: time,
    endedAt: time,
    revision: fc.integer({ min: 1, max: 1e6 }),
    cancelRequested: fc.boolean(),
    steps: fc.record({ one: step, two: step }),
    pinned: fc.constant({ raw: "v-1" }),
    code: fc.constant({ one: "c1" }),
  },
  { requiredKeys: ["phase", "startedAt", "revision", "steps", "pinned", "code"] },
);

/** As the API server hands it out again. */
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe("a Run object", () => {
  test("holds any status without loss, evidence apart, and within its definition", () => {
    fc.assert(
      fc.property(status, (given) => {
        const { object } = objectOf(record(), given, "s3a://bucket");
        const { status: written, documents } = statusObjectOf(given, DRIVER);
        expect(RunObjectStatus.safeParse(stored(written)).error).toBeUndefined();
        const run = stored({ ...object, metadata: { ...object.metadata, ...created }, status: written });
        const evidence = (name: string) => documents.get(name) as string[];
        expect(stored(statusOf(run, record().plan, evidence))).toEqual(stored(given));
        expect(JSON.stringify(written)).not.toContain('"evidence":[');
      }),
    );
  });

  test("gives back the record it was made of", () => {
    const made = record({ from: "walk-0" });
    const { object, documents } = objectOf(made, statusWith({}), "s3a://bucket/offers");
    expect(documents.size).toBe(0);
    expect(RunSpec.safeParse(stored(object.spec)).error).toBeUndefined();
    expect(recordOf(stored({ ...object, metadata: { ...object.metadata, ...created } }))).toEqual(made);
  });

  test("that nobody has driven yet waits in all steps of its plan", () => {
    const { object } = objectOf(record(), statusWith({}, { pinned: { raw: "v-1" }, code: { one: "c" } }), "s3a://b");
    const term = { driver: { holder: "a", term: 1 } };
    expect(
      statusOf({ ...object, metadata: { ...object.metadata, ...created }, status: term }, record().plan, () => []),
    ).toEqual({
      phase: "Running",
      startedAt: record().createdAt,
      revision: 1,
      pinned: { raw: "v-1" },
      code: { one: "c" },
      steps: { one: { phase: "Waiting", attempts: [] }, two: { phase: "Waiting", attempts: [] } },
    });
  });

  test("leaves a plan that is too long to the store", () => {
    const long = planWith([stepOf("one", { settings: { text: "x".repeat(LONGEST_SPEC) } })]);
    const { object, documents } = objectOf(record({ plan: long }), statusWith({}), "s3a://b");
    expect(object.spec.plan).toBeUndefined();
    expect([...documents]).toEqual([[digest(long), long]]);
    expect(JSON.stringify(object).length).toBeLessThan(2000);
    const read = { ...object, metadata: { ...object.metadata, ...created } };
    expect(recordOf(read, long).plan).toEqual(long);
    expect(() => recordOf(read)).toThrow(/its plan is not in the store/);
  });

  test("whose plan is another one, or for another namespace, is refused", () => {
    const { object } = objectOf(record(), statusWith({}), "s3a://b");
    const other = { ...object, spec: { ...object.spec, plan: JSON.stringify(planWith([stepOf("three")])) } };
    expect(() => recordOf(other)).toThrow(/not the one it was created with/);
    expect(() => recordOf({ ...object, metadata: { ...object.metadata, namespace: "theirs" } })).toThrow(
      /its plan is for namespace default/,
    );
  });
});

test("the definition is structural: no closed maps, no references, no unions", () => {
  const words = JSON.stringify(runDefinition());
  for (const word of ['additionalProperties":false', "$ref", "$schema", "anyOf", "oneOf", "propertyNames"])
    expect(words).not.toContain(word);
  expect(words).toContain("self == oldSelf");
});
