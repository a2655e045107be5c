import fc from "fast-check";
import { expect, test } from "vitest";
import { unifiedDiff } from "../orchestrator/compare/unified-diff.ts";

const NAMES = { a: "a", b: "b" };
const numbers = (last: number) => Array.from({ length: last }, (_, at) => `${at + 1}\n`);

test("unifiedDiff() writes what diff -u writes", () => {
  const a = numbers(20);
  const b = a.with(1, "two\n").toSpliced(15, 1);
  expect(unifiedDiff(a.join(""), b.join(""), { a: "old.py", b: "new.py" })).toBe(
    [
      "--- old.py",
      "+++ new.py",
      "@@ -1,5 +1,5 @@",
      " 1",
      "-2",
      "+two",
      " 3",
      " 4",
      " 5",
      "@@ -13,7 +13,6 @@",
      " 13",
      " 14",
      " 15",
      "-16",
      " 17",
      " 18",
      " 19",
      "",
    ].join("\n"),
  );
});

test.for([
  ["equal texts", "a\n", "a\n", ""],
  ["a text that was not there", "", "a\n", "--- a\n+++ b\n@@ -0,0 +1 @@\n+a\n"],
  ["a text that is gone", "a\nb\n", "", "--- a\n+++ b\n@@ -1,2 +0,0 @@\n-a\n-b\n"],
  [
    "an end without a line break",
    "a\nb",
    "a\nb\n",
    "--- a\n+++ b\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n",
  ],
] as const)("unifiedDiff(): %s", ([, a, b, expected]) => expect(unifiedDiff(a, b, NAMES)).toBe(expected));

/** What `patch` makes of a text. */
function patched(text: string, diff: string): string {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const made: string[] = [];
  let at = 0;
  for (const hunk of diff.split(/^(?=@@)/m).slice(1)) {
    const [, first = "0", length = "1"] = /^@@ -(\d+)(?:,(\d+))?/.exec(hunk) ?? [];
    const start = length === "0" ? Number(first) : Number(first) - 1;
    made.push(...lines.slice(at, start));
    at = start;
    const body = hunk.replaceAll("\n\\ No newline at end of file\n", "").match(/[^\n]*\n|[^\n]+$/g) ?? [];
    for (const line of body.slice(1)) {
      const rest = line.slice(1);
      if (line.startsWith("+")) made.push(rest);
      else {
        expect(rest).toBe(lines[at]);
        at += 1;
        if (line.startsWith(" ")) made.push(rest);
      }
    }
  }
  return [...made, ...lines.slice(at)].join("");
}

const text = fc
  .tuple(fc.array(fc.constantFrom("a\n", "b\n", "c\n", "\n"), { maxLength: 40 }), fc.constantFrom("", "end"))
  .map(([lines, end]) => lines.join("") + end);

test("a diff makes the second text of the first", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      // A last line without a break is followed by other lines in a diff of two such ends.
      fc.pre(a.endsWith("end") === b.endsWith("end"));
      expect(patched(a, unifiedDiff(a, b, NAMES))).toBe(b);
    }),
    { numRuns: 2000 },
  );
});

test("texts with nothing in common beyond the most changes are replaced whole", () => {
  const [a, b] = [numbers(3000), numbers(3000).map((line) => `x${line}`)];
  expect(patched(a.join(""), unifiedDiff(a.join(""), b.join(""), NAMES))).toBe(b.join(""));
});
