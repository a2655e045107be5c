import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mismatch, type Param, paramValues, parseParam, typedValue } from "../orchestrator/spec/params.ts";
import { fill, readTemplate, textOf } from "../orchestrator/spec/template.ts";

const param = (type: Param["type"], more: Partial<Param> = {}): Param => ({ type, ...more });

describe("paramValues()", () => {
  test("takes what is given, else the default", () => {
    const declared = { day: param("date", { default: "2020-01-01" }), k: param("int", { default: "3" }) };
    expect(paramValues(declared, { k: "5" })).toEqual({ values: { day: "2020-01-01", k: "5" }, findings: [] });
  });

  test.for<[string, Record<string, Param>, Record<string, string>, string]>([
    [
      "nobody declared it",
      { asOf: param("date", { default: "2020-01-01" }) },
      { asof: "2020-01-01" },
      'unknown parameter "asof"; did you mean "asOf"?',
    ],
    ["none are declared", {}, { x: "1" }, 'unknown parameter "x"; it has none'],
    ["no value", { asOf: param("date") }, {}, 'parameter "asOf" has no value'],
    [
      "no day of the calendar",
      { asOf: param("date") },
      { asOf: "2017-02-29" },
      'parameter "asOf": expected a day such as 2017-11-15, found "2017-02-29"',
    ],
    ["no whole number", { k: param("int") }, { k: "1.5" }, 'parameter "k": expected a whole number, found "1.5"'],
    [
      "a number beyond what is exact",
      { k: param("int") },
      { k: "9007199254740993" },
      'parameter "k": expected a whole number below 2^53, found "9007199254740993"',
    ],
    ["no number", { x: param("number") }, { x: "0x10" }, 'parameter "x": expected a number, found "0x10"'],
    [
      "an endless number",
      { x: param("number") },
      { x: "1e999" },
      'parameter "x": expected a finite number, found "1e999"',
    ],
    ["no boolean", { b: param("boolean") }, { b: "yes" }, 'parameter "b": expected true or false, found "yes"'],
    [
      "outside the enum",
      { m: param("string", { enum: ["a", "b"] }) },
      { m: "c" },
      'parameter "m": expected one of "a", "b", found "c"',
    ],
    ["a name of every object", {}, { constructor: "1" }, 'unknown parameter "constructor"; it has none'],
  ])("%s", ([, declared, given, message]) => {
    expect(paramValues(declared, given).findings.map((finding) => finding.message)).toEqual([message]);
  });
});

test("typedValue() has the declared type", () => {
  const types = { int: "number", number: "number", boolean: "boolean", string: "string", date: "string" } as const;
  const texts = fc.oneof(
    fc.integer().map(String),
    fc.double({ noNaN: true }).map(String),
    fc.constantFrom("true", "false", "2020-01-01"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.constantFrom(...(Object.keys(types) as Param["type"][])), texts, (type, text) => {
      if (mismatch(param(type), text) === undefined) expect(typeof typedValue(param(type), text)).toBe(types[type]);
    }),
  );
});

describe("templates", () => {
  const known: Record<string, string> = { "params.x": "1", "params.y": "${params.x}", "params.z": "a$" };
  const filled = (text: string): string => textOf(fill(readTemplate(text).parts, (reference) => known[reference]));

  test.for([
    ["a", "a"],
    ["${params.x}", "1"],
    ["<${params.x}${params.x}>", "<11>"],
    ["$${params.x}", "${params.x}"],
    ["$$${params.x}", "$${params.x}"],
    ["$5 and $", "$5 and $"],
    ["a value is not read again: ${params.y}", "a value is not read again: ${params.x}"],
    ["${run.id}/${params.x}", "${run.id}/1"],
  ])("%s -> %s", ([text, expected]) => expect(filled(text ?? "")).toBe(expected));

  test("filling in two goes gives what filling at once gives", () => {
    const piece = fc.oneof(
      fc.constantFrom("${run.id}", "${params.x}", "${params.y}", "${params.z}", "$${", "$", "{", "}"),
      fc.string({ maxLength: 3 }),
    );
    const texts = fc.array(piece).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(texts, (text) => {
        const { parts, error } = readTemplate(text);
        if (error !== undefined) return;
        const all = (reference: string): string | undefined => (reference === "run.id" ? "r-1" : known[reference]);
        const later = fill(
          fill(parts, (reference) => known[reference]),
          all,
        );
        expect(textOf(later)).toBe(textOf(fill(parts, all)));
      }),
      { numRuns: 2000 },
    );
  });
});

test("parseParam() splits at the first =", () => {
  expect(parseParam("k=a=b")).toEqual(["k", "a=b"]);
  expect(parseParam("k=")).toEqual(["k", ""]);
  expect(parseParam("k")).toBeUndefined();
  expect(parseParam("=v")).toBeUndefined();
});
