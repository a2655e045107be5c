/** Versions of datasets and the pointers to them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openFolder, type FolderStore } from "../orchestrator/storage/folder.ts";
import { versionOf } from "../orchestrator/storage/manifest.ts";
import type { Manifest, Pointer } from "../orchestrator/storage/store.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-versions-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const fresh = (): FolderStore => openFolder(join(mkdtempSync(join(home, "case-")), "store"));
const NS = "default";

function version(store: FolderStore, name: string, text = name): Manifest {
  const path = join(store.root, `${name}.bin`);
  mkdirSync(store.root, { recursive: true });
  writeFileSync(path, text);
  return {
    dataset: "d",
    version: name,
    format: "model",
    columns: [],
    partitionBy: [],
    files: [{ path, size: text.length, etag: "sha256:0" }],
    createdAt: 0,
  };
}

const pointer = (sequence: number, to = `v-${sequence}`): Pointer => ({
  version: to,
  run: `run-${sequence}`,
  attempt: 1,
  sequence,
  movedAt: sequence,
});

test("a version that is there already takes the profile it lacked, and stays as it is otherwise", async () => {
  const store = fresh();
  const profile = [{ column: "a", nulls: 0, distinct: 1, min: "1", max: "1" }];
  await store.putManifest(NS, version(store, "v-1"));
  await store.putManifest(NS, { ...version(store, "v-1"), profile, createdAt: 9 });
  expect(await store.readManifest(NS, "d", "v-1")).toEqual({ ...version(store, "v-1"), profile });
  await store.putManifest(NS, { ...version(store, "v-1"), profile: [] });
  expect(await store.readManifest(NS, "d", "v-1")).toMatchObject({ profile });
});

describe("pointers", () => {
  test("a run that began earlier does not move a newer pointer back", async () => {
    const store = fresh();
    expect(await store.publish(NS, "d", pointer(2))).toBeUndefined();
    expect(await store.publish(NS, "d", pointer(1))).toMatch(/run run-2, which began later, has published v-2/);
    expect((await store.readPointer(NS, "d"))?.version).toBe("v-2");
    expect((await store.history(NS, "d")).map((move) => move.version)).toEqual(["v-2"]);
  });

  test("publishing again changes nothing, not even after a rollback", async () => {
    const store = fresh();
    for (const sequence of [1, 2]) await store.putManifest(NS, version(store, `v-${sequence}`));
    for (const sequence of [1, 2, 2]) await store.publish(NS, "d", pointer(sequence));
    await store.rollback(NS, "d", { by: "me", reason: "bad offers", now: 9 });
    await store.publish(NS, "d", pointer(2));
    expect(await store.readPointer(NS, "d")).toEqual({
      version: "v-1",
      run: "run-1",
      attempt: 1,
      sequence: 2,
      movedAt: 9,
    });
    expect((await store.history(NS, "d")).map((move) => [move.action, move.version, move.before, move.by])).toEqual([
      ["publish", "v-1", undefined, undefined],
      ["publish", "v-2", "v-1", undefined],
      ["rollback", "v-1", "v-2", "me"],
    ]);
    expect(await store.publish(NS, "d", pointer(3))).toBeUndefined();
  });

  test("a move that was killed before its history was written is added by the next", async () => {
    const store = fresh();
    await store.publish(NS, "d", pointer(1));
    rmSync(store.layout.history(NS, "d"));
    await store.publish(NS, "d", pointer(2));
    expect((await store.history(NS, "d")).map((move) => move.version)).toEqual(["v-1", "v-2"]);
  });

  test("of runs that publish at once, the last begun wins, whoever comes first", async () => {
    const store = fresh();
    await Promise.all([3, 1, 5, 2, 4].map((sequence) => store.publish(NS, "d", pointer(sequence))));
    expect((await store.readPointer(NS, "d"))?.version).toBe("v-5");
    const moves = (await store.history(NS, "d")).map((move) => move.sequence);
    expect(moves).toEqual(moves.toSorted((a, b) => a - b));
  });

  test("only what was published can be rolled back to, and only while it is there", async () => {
    const store = fresh();
    const back = (to?: string) =>
      store.rollback(NS, "d", { by: "me", now: 1, ...(to === undefined ? {} : { version: to }) });
    await expect(back()).rejects.toThrow(/never published/);
    for (const sequence of [1, 2]) await store.putManifest(NS, version(store, `v-${sequence}`));
    await store.putManifest(NS, version(store, "v-sample"));
    for (const sequence of [1, 2]) await store.publish(NS, "d", pointer(sequence));
    await expect(back("v-sample")).rejects.toThrow(/version v-sample was never published/);
    rmSync(join(store.root, "v-1.bin"));
    await expect(back()).rejects.toThrow(/v-1.bin of version v-1 is gone/);
  });
});

describe("versions", () => {
  const content = { format: "parquet" as const, columns: [{ name: "a", type: "int" }], partitionBy: ["date"] };
  const file = (etag: string, rows: number, date: string) => ({
    path: `/x/${etag}${rows}`,
    size: 1,
    etag,
    rows,
    partition: { date },
  });

  test("equal data has one name, wherever it lies and in whatever order it is listed", () => {
    const files = [file("e1", 1, "1"), file("e2", 2, "2")];
    const name = versionOf({ ...content, files });
    expect(name).toMatch(/^v-[0-9a-f]{12}$/);
    expect(versionOf({ ...content, files: files.toReversed().map((one) => ({ ...one, path: `/y${one.path}` })) })).toBe(
      name,
    );
  });

  test.for([
    ["content", { files: [file("e3", 1, "1")] }],
    ["rows", { files: [file("e1", 2, "1")] }],
    ["partition", { files: [file("e1", 1, "2")] }],
    ["a file twice", { files: [file("e1", 1, "1"), file("e1", 1, "1")] }],
    ["type", { columns: [{ name: "a", type: "bigint" }] }],
  ] as const)("other %s, other name", ([, change]) => {
    const base = { ...content, files: [file("e1", 1, "1")] };
    expect(versionOf({ ...base, ...(change as object) })).not.toBe(versionOf(base));
  });

  test("a version stays as it is, unless its files are gone", async () => {
    const store = fresh();
    const first = version(store, "v-1");
    await store.putManifest(NS, first);
    const other = { ...version(store, "elsewhere"), version: "v-1" };
    await store.putManifest(NS, other);
    expect(await store.readManifest(NS, "d", "v-1")).toEqual(first);
    rmSync(first.files[0]?.path ?? "");
    await store.putManifest(NS, other);
    expect(await store.readManifest(NS, "d", "v-1")).toEqual(other);
  });
});
