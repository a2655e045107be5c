/** What a person gets back for each sort of mistake: the place, and words that can be acted upon. */
import { describe, expect, test } from "vitest";
import { dataset, doc, problemsOf, sparkJob, TARGET, textOf } from "./specs.ts";

const LETTERS = "abcdefghij";
const ALIAS_BOMB = [...LETTERS]
  .map(
    (letter, index) =>
      `${letter}: &${letter} [${Array(9)
        .fill(index === 0 ? "1" : `*${LETTERS[index - 1]}`)
        .join(",")}]`,
  )
  .join("\n");

describe("texts that are no spec", () => {
  test.for([
    ["not YAML", "a: b: c", "1:4 not YAML: Nested mappings are not allowed in compact mappings"],
    ["a tag nobody knows", "a: !ruby/object x", "1:4 not YAML: Unresolved tag: !ruby/object"],
    ["100,000 nested brackets", "[".repeat(100_000), "1:65 nested more than 64 levels deep"],
    ["1,000 closed brackets", "[".repeat(1000) + "]".repeat(1000), "1:65 nested more than 64 levels deep"],
    ["lists within lists on one line", "- ".repeat(1000), "1:129 nested more than 64 levels deep"],
    [
      "maps within maps by indentation",
      Array.from({ length: 70 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
      "65:65 nested more than 64 levels deep",
    ],
    ["an alias bomb", ALIAS_BOMB, "5:8 e[0]: aliases expand to more than 10000 values"],
    ["an alias within itself", "a: &a [*a]", "1:8 a[0][0]: the alias stands inside what it points to"],
    ["an alias to nothing", "a: *b", "1:4 a: the alias *b points to nothing before it"],
    ["5 MB", "#".repeat(5_000_000), "0:0 the file has 4.8 MiB, more than the 1 MiB a spec file may have"],
    ["a million words", "- a\n".repeat(130_000), "50001:1 more than 200000 words and signs in one file"],
    ["a control character", "a: \u001b[31m", "1:4 control character U+001B in the text"],
    ["duplicate keys", "kind: Dataset\nkind: Target\n", '2:1 kind: duplicate key "kind"'],
    ["duplicate keys deep down", "a:\n  - b: 1\n    b: 2\n", '3:5 a[0].b: duplicate key "b"'],
    ["an unrendered value", "metadata:\n  name: {{ .Release.Name }}\n", "2:9 unrendered template {{ .Release.Name }}"],
    ["an unrendered text", "a: 'x {{ y }}'", "1:7 unrendered template {{ y }}"],
    ["an unrendered block", "{% if x %}\na: 1\n{% endif %}\n", "1:1 unrendered template {% if x %}"],
    ["a key that is a list", "? [a]\n: 1", "1:3 a key must be plain text"],
    ["a key that reaches the prototype", "__proto__: { x: 1 }", '1:1 __proto__: the key "__proto__" is not allowed'],
    ["infinity", "a: .inf", "1:4 a: .inf is not a number, text, true, false or null"],
    ["nothing", "# only a comment\n", "1:1 no document in this file"],
    ["a list", "[1]", "1:1 expected a document with apiVersion, kind, metadata and spec"],
  ])("%s", ([, text, problem]) => {
    expect(problemsOf(text ?? "")).toEqual([problem]);
  });

  test("a template in a comment is no template", () => {
    expect(problemsOf(`# {{ rendered elsewhere }}\n${dataset("x")}`)).toEqual([]);
  });
});

describe("the envelope", () => {
  test.for([
    [
      "unknown apiVersion",
      dataset("d").replace("v1alpha1", "v1"),
      '1:13 apiVersion: unknown apiVersion "sparkwright.dev/v1"; did you mean "sparkwright.dev/v1alpha1"?',
    ],
    ["unknown kind", doc("FeaturJob", "d", "a: 1"), '2:7 kind: unknown kind "FeaturJob"; did you mean "FeatureJob"?'],
    [
      "a bad name",
      dataset("X_1"),
      '4:9 metadata.name: expected lower-case letters, digits and dashes, beginning with a letter, found "X_1"',
    ],
    [
      "a name that every object has",
      dataset("constructor"),
      '4:9 metadata.name: this word is reserved; choose another name, found "constructor"',
    ],
    ["no name", dataset("d").replace("name: d", "labels: {}"), '3:1 metadata.name: missing field "name"'],
    [
      "no spec",
      "apiVersion: sparkwright.dev/v1alpha1\nkind: Dataset\nmetadata: { name: d }\n",
      '1:1 spec: missing field "spec"',
    ],
    ["unknown key", `${dataset("d")}specs: {}\n`, '7:1 specs: unknown field "specs"; did you mean "spec"?'],
  ])("%s", ([, text, problem]) => {
    expect(problemsOf(text ?? "")).toEqual([problem]);
  });
});

const SHAPES = textOf(dataset("raw", "source: shop\npath: raw.csv"), dataset("clean"), dataset("feats"), TARGET);
const FEATURES = `inputs: { lines: raw }
outputs: { lines: clean, features: feats }
zones: { business: Europe/Berlin }
columns: { entity: a, visit: b, time: c, item: d, amount: e }
`;

/** Problems of a FeatureJob; lines are counted from the line after the common fields. */
function featureProblems(more: string, common = FEATURES): string[] {
  const start = SHAPES.split("\n").length + 5 + common.split("\n").length - 1;
  return problemsOf(textOf(SHAPES, doc("FeatureJob", "features", common + more))).map((problem) =>
    problem.replace(/^\d+/, (line) => String(Number(line) - start)),
  );
}

describe("fields", () => {
  test("several mistakes are told at once, each with its place", () => {
    expect(
      featureProblems(
        'asOf: "2020-02-30"\nwindows: [0, 1.5, many]\ncache: maybe\nsize: 3\nwindow: [3]\nretry: { attemps: 1 }',
      ),
    ).toEqual([
      "1:9 spec.asOf: no such day in the calendar",
      "2:13 spec.windows[0]: expected at least 1, found 0",
      "2:16 spec.windows[1]: expected a whole number, found 1.5",
      '2:21 spec.windows[2]: expected a number, found text "many"',
      '3:10 spec.cache: expected true or false, found text "maybe"',
      "4:9 spec.size: expected text, found 3",
      '5:3 spec.window: unknown field "window"; did you mean "windows"?',
      '6:12 spec.retry.attemps: unknown field "attemps"; did you mean "attempts"?',
    ]);
  });

  test("a missing field points to its nearest present parent", () => {
    expect(featureProblems("")).toEqual(['-4:1 spec.asOf: missing field "asOf": expected text']);
    expect(featureProblems('asOf: "2020-01-01"\ndayparts:\n  - { name: x, from: 1 }')).toEqual([
      '3:7 spec.dayparts[0].until: missing field "until": expected a number',
    ]);
  });

  test("a value outside an enum is answered with the nearest", () => {
    expect(problemsOf(dataset("d", "format: parket"))).toEqual([
      '6:11 spec.format: expected one of "parquet", "csv", "model", found "parket"; did you mean "parquet"?',
    ]);
  });

  test("an unknown time zone is answered with the nearest", () => {
    expect(featureProblems('asOf: "2020-01-01"', FEATURES.replace("Berlin", "Berln"))).toEqual([
      '-1:22 spec.zones.business: unknown time zone "Europe/Berln"; did you mean "Europe/Berlin"?',
    ]);
  });

  test("segments are followed over time only with a history and its day", () => {
    const shapes = textOf(
      dataset("model", "format: model"),
      ...["feats", "found", "like", "past", "moved"].map((name) => dataset(name)),
      TARGET,
    );
    const problems = (outputs: string, more = "") =>
      problemsOf(
        textOf(
          shapes,
          doc(
            "SegmentationJob",
            "s",
            `inputs: { features: feats }\noutputs: { model: model, segments: found, profile: like${outputs} }\nfeatures: [spend]\n${more}`,
          ),
        ),
      ).map((problem) => problem.replace(/^\S+ /, ""));
    expect(problems("")).toEqual([]);
    expect(problems(", history: past", 'asOf: "2020-01-01"')).toEqual([]);
    expect(problems(", history: past")).toEqual(["spec.outputs.history: its rows are of a day; name it in asOf"]);
    expect(problems(", moves: moved", 'asOf: "2020-01-01"')).toEqual([
      "spec.outputs.moves: moves are told from history; name outputs.history as well",
    ]);
    expect(problems("", "update: refit")).toEqual([
      'spec.update: expected one of "fit", "retrain", "assign", found "refit"; did you mean "fit"?',
    ]);
  });

  test("context that is never hidden in training is refused: unknown context would score by chance", () => {
    const shapes = textOf(...["clean", "model", "scorer", "found"].map((name) => dataset(name)), TARGET);
    const job = doc(
      "TrainingJob",
      "t",
      `inputs: { lines: clean }\noutputs: { model: model, scorer: scorer, evaluation: found }
split: { tune: "2020-01-01", test: "2020-02-01", end: "2020-03-01" }\nhyperparameters: { contextDropout: 0 }`,
    );
    expect(problemsOf(textOf(shapes, job)).map((problem) => problem.replace(/^\S+ /, ""))).toEqual([
      "spec.hyperparameters.contextDropout: expected more than 0, found 0",
    ]);
  });

  test("a column that its dataset does not declare is answered with the nearest", () => {
    const shapes = textOf(
      dataset("raw", "source: shop\npath: raw.csv\ncolumns: [{ name: customer, type: string }]"),
      dataset("clean"),
      dataset("feats"),
      TARGET,
    );
    const job = doc(
      "FeatureJob",
      "f",
      `${FEATURES.replace("entity: a, visit: b, time: c, item: d, amount: e", "entity: custmer, visit: customer, time: customer, item: customer, amount: customer")}asOf: "2020-01-01"`,
    );
    expect(problemsOf(textOf(shapes, job))).toEqual([
      '43:22 spec.columns.entity: dataset "raw" has no column "custmer"; did you mean "customer"?',
    ]);
  });
});

describe("parameters in a file", () => {
  test.for([
    [
      "default of the wrong type",
      "params: { asOf: { type: date, default: soon } }\nasOf: ${params.asOf}",
      '1:42 spec.params.asOf.default: parameter "asOf": expected a day such as 2017-11-15, found "soon"',
    ],
    [
      "default outside its enum",
      'params: { asOf: { enum: [a, b], default: c } }\nasOf: "2020-01-01"',
      '1:44 spec.params.asOf.default: parameter "asOf": expected one of "a", "b", found "c"',
    ],
    [
      "unknown",
      "params: { asOf: { type: date } }\nasOf: ${params.asof}",
      '2:9 spec.asOf: unknown parameter "asof"; did you mean "asOf"?',
    ],
    [
      "in a number",
      'params: { n: { type: int, default: "3" } }\nasOf: "2020-01-01"\nretry: { attempts: "${params.n}" }',
      '3:22 spec.retry.attempts: expected a number, found text "3"',
    ],
    [
      "bound beyond the limit",
      'params: { n: { type: int, default: "99" } }\nasOf: "2020-01-01"\nbind: { retry.attempts: n }',
      '3:11 spec.bind["retry.attempts"]: retry.attempts: expected at most 10, found 99',
    ],
    [
      "bound to an unknown field",
      'params: { n: { type: int, default: "9" } }\nasOf: "2020-01-01"\nbind: { retry.attemps: n }',
      '3:11 spec.bind["retry.attemps"]: unknown field "retry.attemps"; did you mean "attempts"?',
    ],
    [
      "bound to an unknown parameter",
      'params: { num: { type: int, default: "9" } }\nasOf: "2020-01-01"\nbind: { retry.attempts: nun }',
      '3:11 spec.bind["retry.attempts"]: unknown parameter "nun"; did you mean "num"?',
    ],
    [
      "bound beyond a list",
      'params: { n: { type: int, default: "9" } }\nasOf: "2020-01-01"\nwindows: [7]\nbind: { "windows[1]": n }',
      '4:11 spec.bind["windows[1]"]: "windows[1]" is not in a list that is written here',
    ],
    ["not closed", "asOf: ${params.asOf", '1:9 spec.asOf: "${" without "}"; write $${ for a literal ${'],
    [
      "another reference",
      "asOf: ${env.HOME}",
      '1:9 spec.asOf: unknown reference ${env.HOME}; known: "run.id", "run.date"; write $${ for a literal ${',
    ],
    [
      "the run's name where the plan needs a value",
      'asOf: "2020-01-01"\nsize: ${run.id}',
      "2:9 spec.size: ${run.id} is known only when the run starts; it may stand in the job's own settings, not in size",
    ],
  ])("%s", ([, more, problem]) => {
    expect(featureProblems(more ?? "")).toEqual([problem]);
  });

  test("references are filled in jobs only", () => {
    expect(problemsOf(dataset("x", "description: ${params.x}"))).toEqual([
      "6:16 spec.description: references are filled in jobs only, not in a Dataset",
    ]);
  });

  test("a key is never filled", () => {
    expect(problemsOf(textOf(dataset("x"), sparkJob("a", [], ["x"], 'settings: { "${params.k}": 1 }')))).toEqual([
      '16:15 spec.settings["${params.k}"]: references cannot stand in a key',
    ]);
  });
});
