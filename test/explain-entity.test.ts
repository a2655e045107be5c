/** `explain entity/ID`: found, read and told. The Parquet files are real ones, of three row groups (test/recorded). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RowGroup } from "hyparquet";
import { afterAll, describe, expect, test } from "vitest";
import { type EntityFlags, explainEntity } from "../orchestrator/commands/explain-entity.ts";
import { explanationOf } from "../orchestrator/report/considered.ts";
import { summed } from "../orchestrator/report/entity.ts";
import { mayHold, rowsWith } from "../orchestrator/storage/rows.ts";
import type { FolderStore } from "../orchestrator/storage/folder.ts";
import type { Manifest } from "../orchestrator/storage/store.ts";
import { addRun, NS, storeAt, terminalAt, VERSIONS } from "./recorded/store.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-entity-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const fresh = () => storeAt(join(mkdtempSync(join(home, "case-")), "store"));
const consideredIn = async (store: FolderStore): Promise<Manifest> => {
  const manifest = await store.readManifest(NS, "considered", VERSIONS.considered);
  if (manifest === undefined) throw new Error("the store was made without its manifest");
  return manifest;
};
const explain = (store: FolderStore, entity: string, flags: EntityFlags = {}) =>
  explainEntity(entity, flags, terminalAt(store.root));

describe("the text", () => {
  test("tells rule, history, offers kept, left out and refused", async () => {
    const store = await fresh();
    await addRun(store);
    const view = await explain(store, "1234");
    expect(view.table(false)).toMatchInlineSnapshot(`
      "Entity    1234
      Segment   s1
      Rule      s1: 1 frequent, 1 lapsed
      As of     2024-06-10
      Run       offers-1 (considered@v-c, histories@v-h)
      Scorer    txt
      Context   unknown: offers are scored before anybody knows when and where the next visit is
      History   25 visits, the last on 2024-06-09 (1 day before)

      Most frequent categories
        CATEGORY   VISITS   LAST         DAYS   CATEGORY PLACE
        MILK           20   2024-06-09      1                1
        TEA             3   2024-05-31     10

      Kept: 2 of 4 offers it may get
        RANK   PLACE    SCORE   CAMPAIGN   COUPON   CATEGORY   CATEGORY PLACE   GROUP      REASON
           1       1   0.9000   7          milk     MILK                    1   frequent   Bought MILK on 20 visits, last on 2024-06-09
           2       4   0.0625   8          new      JAM                    44   fresh      Has not bought JAM before 2024-06-10

      Left out: 2, best first
        PLACE    SCORE   CAMPAIGN   COUPON   CATEGORY   CATEGORY PLACE   GROUP      WHY
            2   0.9000   8          milk     MILK                    1   frequent   the same coupon comes first in campaign 7
            3   0.2500   7          tea      TEA                     5   frequent   no place left for frequent

      Refused before any score
        WHY                                                                              REFUSED TO    OFFERS   CAMPAIGNS
        the campaign does not run on the day                                             everyone          12   9
        not targeted by the campaign                                                     this entity        5   6
        one of its categories is never offered; storewide: on more items than maxItems   everyone           1   7
        none of its items was sold lately                                                everyone           1   8

      PLACE is by score before the rules; CATEGORY PLACE is what the scorer says, 1 the likeliest.
      "
    `);
    expect(view.names).toEqual(["entity/1234"]);
    expect(view.object).toMatchObject({
      kind: "EntityExplanation",
      entity: "1234",
      segment: "s1",
      frequent: [{ category: "MILK", visits: 20, daysSince: 1, place: 1 }, { category: "TEA" }],
      kept: [
        { rank: 1, place: 1, decision: "kept" },
        { rank: 2, place: 4, slot: "lapsed", decision: "kept-as-fallback" },
      ],
      leftOut: [{ decision: "other-campaign", instead: "7" }, { decision: "quota-full" }],
    });
  });

  test("shows control characters of names and does not obey them", async () => {
    const store = await fresh();
    await addRun(store);
    const text = (await explain(store, "bad\u001b[31mred")).table(true);
    expect(text).toContain(String.raw`Entity    bad\x1b[31mred`);
    expect(text).toContain(String.raw`line break\x1b[0m`);
    expect(text).not.toContain("\u001b");
    await expect(explain(store, "x\u001b[2Jy")).rejects.toThrow(String.raw`Cannot find entity "x\x1b[2Jy"`);
  });

  test("of one without history or candidates", async () => {
    const store = await fresh();
    await addRun(store);
    const text = (await explain(store, "new")).table(false);
    expect(text).toContain("History   no visits");
    expect(text).toContain("Kept: 0 of 0 offers it may get\n  None");
    expect(text).toContain("not targeted by the campaign; the segment gets no campaigns of this type");
  });
});

describe("which run", () => {
  test("what is published, also when later runs made no offers or did not come so far", async () => {
    const store = await fresh();
    const published = await addRun(store);
    await addRun(store, { kind: "SparkJob", publish: [] });
    await addRun(store, { phase: "Failed", publish: [] });
    expect((await explain(store, "1234")).object).toMatchObject({
      run: published,
      versions: ["considered@v-c", "histories@v-h"],
    });
  });

  test("a run that is named, although another one is published", async () => {
    const store = await fresh();
    const first = await addRun(store, { publish: [] });
    await addRun(store);
    expect((await explain(store, "1234", { run: first })).object).toMatchObject({ run: first });
  });

  test("does not show together what different runs have published", async () => {
    const store = await fresh();
    await addRun(store);
    await addRun(store, { publish: ["considered"] });
    expect((await explain(store, "1234")).object).toMatchObject({ versions: ["considered@v-c"], frequent: [] });
  });

  test.for<[string, Parameters<typeof addRun>[1] | undefined, EntityFlags, string, string, string]>([
    ["nobody of that name", {}, {}, "9999", 'Cannot find entity "9999" in histories@v-h of offers-1', "sparkjobs.read"],
    ["no id", {}, {}, "", "an id is missing", "entity/1234"],
    ["no run", undefined, {}, "1", "there are no runs in", "sparkwright run"],
    ["no offers", { kind: "SparkJob" }, {}, "1", "run offers-1 makes no offers", "--run"],
    ["nothing recorded", { writes: ["histories"] }, {}, "1", "does not record what it considers", "outputs.considered"],
    ["nothing published", { publish: [] }, {}, "1", "nothing is published of considered", "--run"],
    ["failed", { phase: "Failed", publish: [] }, { run: "offers-1" }, "1", "has no outputs", "describe offers-1"],
    ["another run", {}, { run: "other" }, "1", 'Cannot find run "other"', "get runs"],
  ])("says what to do: %s", async ([, run, flags, entity, message, remedy]) => {
    const store = await fresh();
    if (run !== undefined) await addRun(store, run);
    await expect(explain(store, entity, flags)).rejects.toMatchObject({
      message: expect.stringContaining(message) as string,
      remedy: expect.stringContaining(remedy) as string,
    });
  });
});

describe("rows", () => {
  test("of a value and of none, and no others", async () => {
    const store = await fresh();
    const manifest = await consideredIn(store);
    const of = async (values: (string | null)[]) =>
      (await rowsWith(manifest, "entity", values)).map((row) => row["entity"] ?? null);
    expect(await of(["1234"])).toEqual(["1234", "1234", "1234", "1234", "1234"]);
    expect(await of(["new", null])).toEqual([null, null, null, "new"]);
    expect(await of(["12"])).toEqual([]);
  });

  test("of a file that was cut are an error that names it", async () => {
    const store = await fresh();
    const manifest = await consideredIn(store);
    await store.disk.write(manifest.files[0]?.path ?? "", "PAR1");
    await expect(rowsWith(manifest, "entity", ["1234"])).rejects.toThrow(
      /Cannot read considered@v-c: .*considered\.parquet/,
    );
  });

  test.for<[string, Record<string, unknown> | undefined, string | null, boolean]>([
    ["between least and most", { min_value: "b", max_value: "d", null_count: 0n }, "c", true],
    ["at the edge", { min_value: "b", max_value: "d" }, "d", true],
    ["below", { min_value: "b", max_value: "d" }, "a", false],
    ["above", { min_value: "b", max_value: "d" }, "dd", false],
    ["by bytes, not by UTF-16", { min_value: "\u{ff21}", max_value: "\u{1f600}" }, "\u{ffff}", true],
    ["null where there are some", { min_value: "b", max_value: "d", null_count: 1n }, null, true],
    ["null where there are none", { min_value: "b", max_value: "d", null_count: 0n }, null, false],
    ["nothing but nulls", { null_count: 4n }, "a", false],
    ["no statistics", undefined, "a", true],
    ["no statistics, null", undefined, null, true],
  ])("a row group is left unread only when its statistics say so: %s", ([, statistics, value, expected]) => {
    const meta = { path_in_schema: ["entity"], ...(statistics === undefined ? {} : { statistics }) };
    const group = { num_rows: 4n, columns: [{ meta_data: meta }] } as unknown as RowGroup;
    expect(mayHold(group, "entity", value)).toBe(expected);
  });
});

test("refusals of one decision stand together, those of everyone apart, words that are not known as they are", () => {
  const row = { campaign: "1", offers: 2 };
  expect(
    summed([
      { ...row, decision: "storewide", everyone: true },
      { ...row, decision: "storewide", everyone: true, campaign: "2", offers: 3 },
      { ...row, decision: "odd", everyone: false, offers: 9 },
    ]),
  ).toEqual([
    { why: "odd", whom: "this entity", offers: 9, campaigns: ["1"] },
    { why: "storewide: on more items than maxItems", whom: "everyone", offers: 5, campaigns: ["1", "2"] },
  ]);
});

test("without what was known of the entity, the rest is told", () => {
  expect(explanationOf({ considered: [] })).toMatchObject({ kept: [], leftOut: [], frequent: [], visits: undefined });
});
