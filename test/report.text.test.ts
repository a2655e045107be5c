import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { age, bytes, duration, figure } from "../orchestrator/report/measure.ts";
import { problemLines } from "../orchestrator/report/problems.ts";
import { quoted, renderedText } from "../orchestrator/report/rendered.ts";
import { table } from "../orchestrator/report/table.ts";
import { cut, harmless, oneLine, painter } from "../orchestrator/report/text.ts";
import { spawnSync } from "node:child_process";

const SECOND = 1000;
const HOUR = 3_600_000;

test.for([
  [-5 * SECOND, "0.0s"],
  [0, "0.0s"],
  [1234, "1.2s"],
  [9949, "9.9s"],
  [9950, "10s"],
  [59_400, "59s"],
  [59_600, "1m00s"],
  [125 * SECOND, "2m05s"],
  [HOUR - 1, "1h00m"],
  [26 * HOUR, "1d02h"],
] as const)("duration(%d) is %s", ([ms, text]) => {
  expect(duration(ms)).toBe(text);
});

test("age(), bytes() and figure() keep to one unit", () => {
  expect([age(-1), age(119_000), age(2 * HOUR), age(72 * HOUR)]).toEqual(["0s", "119s", "2h", "3d"]);
  expect([bytes(0), bytes(1023), bytes(1024), bytes(1_500_000)]).toEqual(["0 B", "1023 B", "1.0 KiB", "1.4 MiB"]);
  expect([figure(1_469_307), figure(0.123456), figure(12.5)]).toEqual(["1,469,307", "0.1235", "12.5"]);
});

describe("text from elsewhere", () => {
  test("harmless() leaves no control character but line break and tab", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(harmless(text)).not.toMatch(/[^\P{Cc}\t\n]/u);
      }),
    );
    expect(harmless("a\u001b[2Jb\r\n")).toBe("a\\x1b[2Jb\n");
  });

  test("a problem stays on its line, whatever its file is called", () => {
    const problem = { file: "a\nb.yaml", line: 3, column: 5, path: "spec.\u001b[1mx", message: "wrong\nreally" };
    expect(
      problemLines([problem, { file: "c.yaml", line: 0, column: 0, path: "", message: "empty", remedy: "fill it" }]),
    ).toBe("a b.yaml:3:5: spec.\\x1b[1mx: wrong really\nc.yaml: empty\n  fill it\n");
  });

  test("cut() counts characters, not code units", () => {
    expect([cut("🛒🛒🛒", 3), cut("🛒🛒🛒🛒", 3)]).toEqual(["🛒🛒🛒", "🛒🛒…"]);
  });
});

describe("table()", () => {
  const columns = [
    { title: "NAME", value: (row: string[]) => row[0] ?? "" },
    { title: "N", value: (row: string[]) => row[1] ?? "", align: "right" as const },
    { title: "MORE", value: (row: string[]) => row[2] ?? "", wide: true },
  ];

  test("aligns columns and leaves no trailing blanks", () => {
    expect(
      table(columns, [
        ["a", "1"],
        ["long name", "100"],
        ["", ""],
      ]),
    ).toBe("NAME          N\na             1\nlong name   100\n-\n");
  });

  test("shows wide columns when asked, and a sentence when there are no rows", () => {
    expect(table(columns, [["a", "1", "x\ny"]], { wide: true })).toBe("NAME   N   MORE\na      1   x y\n");
    expect(table(columns, [], { empty: "Nothing" })).toBe("Nothing\n");
  });

  test("every cell begins where its title does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,12}$/), fc.stringMatching(/^[a-z]{1,5}$/)), { minLength: 1 }),
        (rows) => {
          const left = [columns[0], { title: "SECOND", value: (row: string[]) => row[1] ?? "" }].filter(
            (column) => column !== undefined,
          );
          const [head = "", ...lines] = table(left, rows).trimEnd().split("\n");
          const at = head.indexOf("SECOND");
          lines.forEach((line, number) => expect(line.slice(at)).toBe(rows[number]?.[1]));
        },
      ),
    );
  });

  test("colours do not move columns", () => {
    const paint = painter({ isTTY: true, environ: {} });
    const coloured = table(
      [
        { title: "A", value: () => "x", tone: () => "bad" as const },
        { title: "B", value: () => "y" },
      ],
      [[""]],
      { paint },
    );
    // oxlint-disable-next-line no-control-regex -- colours are control sequences
    expect(coloured.replaceAll(/\u001b\[\d+m/g, "")).toBe("A   B\nx   y\n");
    expect(coloured).toContain("\u001b[31mx\u001b[39m   y");
  });
});

test.for([
  [{ isTTY: true, environ: {} }, true],
  [{ isTTY: false, environ: {} }, false],
  [{ isTTY: true, environ: { NO_COLOR: "1" } }, false],
  [{ isTTY: true, environ: { NO_COLOR: "" } }, true],
  [{ isTTY: true, environ: { TERM: "dumb" } }, false],
  [{ isTTY: false, environ: { FORCE_COLOR: "1" } }, true],
  [{ isTTY: true, environ: { FORCE_COLOR: "0" } }, false],
] as const)("painter(%j) colours: %s", ([choice, colours]) => {
  expect(painter(choice)("bad", "x") !== "x").toBe(colours);
});

test("quoted() words come out of a shell as they went in", () => {
  const words = ["plain", "", "two words", "it's", "$HOME", "a\nb", "*", "spark.x=1"];
  const { stdout } = spawnSync("sh", ["-c", `printf '%s\\0' ${words.map(quoted).join(" ")}`], { encoding: "utf8" });
  expect(stdout.split("\0").slice(0, -1)).toEqual(words);
});

test("renderedText() gives a command line that a shell accepts", () => {
  const text = renderedText([
    { step: "a", sent: { command: ["true", "--conf", "a=b c", "x.py"], env: { V: "1 2" }, workingDirectory: "/" } },
  ]);
  expect(text).toBe("# a\ncd / &&\nV='1 2' true \\\n  --conf 'a=b c' \\\n  x.py\n\n");
  expect(spawnSync("sh", ["-c", text]).status).toBe(0);
});

test("oneLine() joins lines", () => {
  expect(oneLine(" a\n\tb ")).toBe("a b");
});
