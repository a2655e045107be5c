import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { digestsOf } from "../../scripts/passed-before.mjs";

const SUITES = [
  { name: "code", reads: (path: string) => path.endsWith(".ts") },
  { name: "all", reads: () => true },
  { name: "always" },
];

function checkout(): { folder: string; write: (path: string, text: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), "sparkwright-passed-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  execFileSync("git", ["init", "-q", folder]);
  const write = (path: string, text: string) => writeFileSync(join(folder, path), text);
  write("a.ts", "a");
  write("b.md", "b");
  write(".gitignore", "made\n");
  execFileSync("git", ["-C", folder, "add", "."]);
  return { folder, write };
}

test.for([
  ["a file it reads", "a.ts", ["code", "all"]],
  ["a new file that Git does not know", "c.ts", ["code", "all"]],
  ["a file that only others read", "b.md", ["all"]],
  ["an ignored file", "made", []],
] as const)("%s changes the digests of who reads it", ([, path, changed]) => {
  const { folder, write } = checkout();
  const before = digestsOf(SUITES, folder);

  write(path, "changed");

  const after = digestsOf(SUITES, folder);
  expect([...after.keys()].filter((name) => after.get(name) !== before.get(name))).toEqual(changed);
});

test("a file that was deleted counts as changed", () => {
  const { folder } = checkout();
  const before = digestsOf(SUITES, folder);

  rmSync(join(folder, "a.ts"));

  expect(digestsOf(SUITES, folder).get("code")).not.toBe(before.get("code"));
});

test("a suite that does not say what it reads, and a folder without Git, have none", () => {
  const { folder } = checkout();
  rmSync(join(folder, ".git"), { recursive: true });

  expect([...digestsOf(SUITES, folder)]).toEqual([]);
  expect([...digestsOf(SUITES).keys()]).toEqual(["code", "all"]);
});
