import { expect, test } from "vitest";
import { blocksOf, differences, trimmed, withOutputs } from "../../scripts/readme-blocks.mjs";

const PAGE = [
  "# Page",
  "```sh",
  "one",
  "```",
  "```text",
  "1 line",
  "```",
  "```sh",
  "two",
  "```",
  "words",
  "```python",
  "three",
  "```",
  "",
].join("\n");

test("blocksOf() pairs each command with the output right after it", () => {
  const blocks = blocksOf(PAGE);
  expect(blocks.map(({ command, expected }) => [command, expected])).toEqual([
    ["one", "1 line"],
    ["two", undefined],
  ]);
});

test("withOutputs() changes nothing but the outputs", () => {
  const outputs = new Map(blocksOf(PAGE).map((block) => [block, "new\noutput"]));
  expect(withOutputs(PAGE, outputs)).toBe(PAGE.replace("1 line", "new\noutput"));
});

test("trimmed() drops what npm says before the program speaks", () => {
  expect(trimmed("\n> sparkwright@0.1.0 demo\n> node scripts/demo.mjs\n\nSTEP  PHASE\n")).toBe("STEP  PHASE");
});

test.for([
  ["a time", "features Succeeded 41s", "features Succeeded 1m 12s"],
  ["a time without blanks", "offers-1 Succeeded in 8m03s", "offers-1 Succeeded in 1h02m09s"],
  ["a time and its share", "features Succeeded 1/2         55s     11%", "features Succeeded 1/2       1m01s      9%"],
  ["a version", "offers v-0123456789ab", "offers v-fedcba987654"],
  ["a moment", "at 2026-11-22T20:15:46Z", "at 2026-12-01T00:00:00Z"],
  ["the width of a column", "STEP      PHASE", "STEP PHASE"],
  ["a metric by a tenth", "txt 0.4101 [0.4050]", "txt 0.4190 [0.4001]"],
] as const)("differences() lets %s differ", ([, shown, seen]) => {
  expect(differences(shown, seen)).toEqual([]);
});

test.for([
  ["a share of something else", "s1 16% of all", "s1 17% of all"],
  ["a count", "offers 9000 rows", "offers 9001 rows"],
  ["a word", "train Succeeded", "train Failed"],
  ["a metric by more", "txt 0.41", "txt 0.31"],
  ["a missing line", "one\ntwo", "one"],
] as const)("differences() shows %s", ([, shown, seen]) => {
  expect(differences(shown, seen)).not.toEqual([]);
});
