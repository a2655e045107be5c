/** `runs compare` on runs that have not ended well, or not ended. */
import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureBuilt, makePlace, run } from "./program.ts";
import { Bench, HOME } from "./stand-in/bench.ts";

beforeAll(ensureBuilt, 60_000);
afterAll(() => rmSync(HOME, { recursive: true, force: true }));

async function compare(bench: Bench, ...words: string[]) {
  const place = makePlace("compare");
  const { code, stdout, stderr } = await run(place, ["runs", "compare", ...words, "--store", bench.store.root]);
  return { code, stdout, stderr: stderr.replaceAll(bench.store.root, "[STORE]") };
}

test("a run from which nothing has come yet is not compared; one with some results is", async () => {
  const bench = new Bench();
  await bench.run(bench.chain());
  await bench.start(bench.chain());
  expect(await compare(bench, "walk-1", "walk-2")).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "Cannot compare run walk-2: it is Interrupted and has no results yet\n  sparkwright resume walk-2 --store [STORE]\n",
  });
  await bench.drive("walk-2");
  expect(await compare(bench, "walk-1", "walk-2", "-o", "jsonpath={.differs}")).toMatchObject({
    code: 0,
    stdout: "false",
  });
});

test("a run that failed is compared as far as it came", async () => {
  const bench = new Bench();
  await bench.run(bench.chain());
  await bench.run(bench.chain({ second: { attempts: ["config"] } }));
  const { code, stdout, stderr } = await compare(bench, "walk-1", "walk-2");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^phase +Succeeded +Failed$/m);
  expect(stdout).toMatch(/^ {2}second +attempts +- +\["config"\]$/m);
  expect(stdout).toMatch(/^ {2}second +second +no +v-[0-9a-f]{12} +- /m);
  expect(stdout).toMatch(/^ {2}third +Succeeded in \S+ +Skipped/m);
  expect(stdout).toContain("Only A has a result of second\n");
});
