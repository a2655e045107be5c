import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generated } from "../orchestrator/generate.ts";
import { explain, fieldRows } from "../orchestrator/kinds/field-rows.ts";
import { KIND_NAMES } from "../orchestrator/kinds/index.ts";

const ROOT = join(import.meta.dirname, "..");
const made = generated();

test.for(Object.keys(made))("%s is up to date (npm run generate)", (path) => {
  expect(existsSync(join(ROOT, path)), `${path} is missing`).toBe(true);
  expect(readFileSync(join(ROOT, path), "utf8")).toBe(made[path]);
});

test("no schema of a kind that is gone is left behind", () => {
  const schemas = Object.keys(made).filter((path) => path.startsWith("job-specs/schema/"));
  expect(
    readdirSync(join(ROOT, "job-specs/schema"))
      .map((name) => `job-specs/schema/${name}`)
      .toSorted(),
  ).toEqual(schemas.toSorted());
});

test("every kind has a schema that the choosing one names", () => {
  const chooser = JSON.parse(made["job-specs/schema/sparkwright.json"] ?? "") as {
    allOf: { then: { $ref: string } }[];
  };
  expect(chooser.allOf.map((rule) => `job-specs/schema/${rule.then.$ref}`).toSorted()).toEqual(
    Object.keys(made)
      .filter((path) => path.startsWith("job-specs/schema/") && !path.endsWith("sparkwright.json"))
      .toSorted(),
  );
});

test.for(KIND_NAMES)("%s says what each of its fields means", (kind) => {
  expect(
    fieldRows(kind)
      .filter((row) => row.meaning === "")
      .map((row) => row.field),
  ).toEqual([]);
});

describe("explain()", () => {
  test("a field and those below it", () => {
    expect(explain("FeatureJob.spec.zones")).toEqual({
      kind: "FeatureJob",
      path: "zones",
      type: "map",
      meaning: "IANA time zones.",
      rows: [
        { field: "source", type: "text", required: false, default: '"UTC"', meaning: "Zone of the raw timestamps." },
        {
          field: "business",
          type: "text",
          required: true,
          meaning: "Zone in which days and hours count for the business.",
        },
      ],
    });
  });

  test("plural, lower case, and entries of a list with or without index", () => {
    expect(explain("featurejobs.dayparts.until")).toMatchObject({ type: "whole number, from 0 to 24" });
    expect(explain("featurejob.dayparts[0].until")).toMatchObject({ type: "whole number, from 0 to 24" });
    expect(explain("target.sizes.small.driver")).toMatchObject({ kind: "Target", type: "map" });
  });

  test("what is unknown, and what is known there", () => {
    expect(explain("FeaturJob")).toMatchObject({ unknown: "FeaturJob" });
    expect(explain("FeatureJob.zones.busines")).toEqual({ unknown: "busines", known: ["source", "business"] });
  });
});
