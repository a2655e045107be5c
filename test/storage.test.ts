/** The folder store: writes, locks, runs, versions and pointers. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import { ConflictError, RejectedError } from "../orchestrator/errors.ts";
import { disk } from "../orchestrator/storage/disk.ts";
import { openFolder, type FolderStore } from "../orchestrator/storage/folder.ts";
import { component, inside } from "../orchestrator/storage/layout.ts";
import { exclusively, takeLock } from "../orchestrator/storage/lock.ts";
import { versionOf } from "../orchestrator/storage/manifest.ts";
import type { Manifest, Pointer } from "../orchestrator/storage/store.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-store-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const place = () => mkdtempSync(join(home, "case-"));
const fresh = (): FolderStore => openFolder(join(place(), "store"));
const STATUS: RunStatus = { phase: "Running", startedAt: 0, revision: 1, pinned: {}, code: {}, steps: {} };

async function createRun(store: FolderStore, name?: string) {
  const make = (given: string, sequence: number) => ({
    record: { name: given, sequence, plan: planWith([stepOf("one")]), createdAt: sequence, date: "2017-01-01", drivenBy: "cli" as const },
    status: STATUS,
  });
  return store.createRun("offers", make, name);
}

describe("disk", () => {
  test("create() keeps what is there", async () => {
    const path = join(place(), "a", "b.json");
    expect(await disk.create(path, "one")).toBe(true);
    expect(await disk.create(path, "two")).toBe(false);
    expect(readFileSync(path, "utf8")).toBe("one");
    expect(readdirSync(join(path, ".."))).toEqual(["b.json"]);
  });

  test("append() closes a line that a crash cut", async () => {
    const path = join(place(), "history.jsonl");
    writeFileSync(path, '{"a":1}\n{"b":');
    await disk.append(path, '{"c":3}');
    expect(readFileSync(path, "utf8")).toBe('{"a":1}\n{"b":\n{"c":3}\n');
  });

  test("remove() of what is absent succeeds, and takes a folder whole", async () => {
    const folder = place();
    await disk.remove(join(folder, "nothing"));
    mkdirSync(join(folder, "full"));
    writeFileSync(join(folder, "full", "file"), "");
    await disk.remove(join(folder, "full"));
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a full disk is the user's to mend", async () => {
    await expect(disk.append("/dev/full", "x")).rejects.toThrow(/^Cannot write \/dev\/full: no space is left on the disk$/);
    await expect(disk.append("/dev/full", "x")).rejects.toBeInstanceOf(RejectedError);
  });

  test("a file in the place of a folder is said so", async () => {
    const file = join(place(), "file");
    writeFileSync(file, "");
    await expect(disk.write(join(file, "x"), "")).rejects.toBeInstanceOf(RejectedError);
    expect(() => openFolder(file)).toThrow(/is a file/);
  });
});

describe("paths", () => {
  test.for(["..", ".", "", "a/b", "../x", ".hidden", "a\0", "x".repeat(300), "-rf"])("%j is no name", (name) => {
    expect(() => component(name)).toThrow(RejectedError);
  });

  test("whatever a document says stays inside the folder", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("..", ".", "a", "date=1", "/", "", "\0"), { maxLength: 8 }), (parts) => {
        const full = inside("/root/folder", parts.join("/"));
        return full === undefined || (full.startsWith("/root/folder/") && !full.split("/").includes(".."));
      }),
    );
    expect(inside("/root/folder", "/root/folder/x")).toBeUndefined();
    expect(inside("/root/folder", "../folder-2/x")).toBeUndefined();
    expect(inside("/root/folder", "a/../b")).toBe("/root/folder/b");
    expect(inside("/root/folder", "..a")).toBe("/root/folder/..a");
  });

  test("a run of a bad name is refused, not looked for", async () => {
    expect(() => fresh().readRun("../etc")).toThrow(RejectedError);
  });
});

describe("locks", () => {
  test("a second holder is refused and told who holds it", async () => {
    const folder = place();
    const lock = await takeLock(disk, folder, "run x");
    await expect(takeLock(disk, folder, "run x")).rejects.toThrow(`Cannot take run x: process ${process.pid} holds it`);
    await lock.release();
    await lock.release();
    const second = await takeLock(disk, folder, "run x");
    await expect(lock.assertHeld()).rejects.toBeInstanceOf(ConflictError);
    await second.assertHeld();
  });

  test("the lock of a process that is gone is taken over", async () => {
    const folder = place();
    const child = spawn(process.execPath, ["--input-type=module", "-e", `
      import { takeLock } from ${JSON.stringify(join(import.meta.dirname, "../orchestrator/storage/lock.ts"))};
      import { disk } from ${JSON.stringify(join(import.meta.dirname, "../orchestrator/storage/disk.ts"))};
      await takeLock(disk, ${JSON.stringify(folder)}, "x");
      console.log("held");
      setInterval(() => undefined, 1000);
    `], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    await expect(takeLock(disk, folder, "run x")).rejects.toThrow(`process ${child.pid} holds it`);
    child.kill("SIGKILL");
    await once(child, "exit");
    await (await takeLock(disk, folder, "run x")).assertHeld();
  });

  test.for([
    ["another process of the same pid", { startTime: "1" }, "taken"],
    ["before the machine was started again", { bootId: "old" }, "taken"],
    ["another host", { host: "elsewhere" }, "refused"],
    ["another container", { pidNamespace: "pid:[1]" }, "refused"],
  ] as const)("an owner that is %s: %s", async ([, change, outcome]) => {
    const folder = place();
    await takeLock(disk, folder, "x");
    const [name = ""] = readdirSync(folder);
    const tag = JSON.parse(readFileSync(join(folder, name), "utf8"));
    writeFileSync(join(folder, name), JSON.stringify({ ...tag, owner: { ...tag.owner, ...change } }));
    const second = takeLock(disk, folder, "x");
    if (outcome === "taken") await (await second).assertHeld();
    else {
      await expect(second).rejects.toBeInstanceOf(ConflictError);
      await (await takeLock(disk, folder, "x", { force: true })).assertHeld();
    }
  });

  test("of many at once, one at a time does its work", async () => {
    const folder = place();
    let [inside_, most, done] = [0, 0, 0];
    await Promise.all(
      Array.from({ length: 12 }, () =>
        exclusively(disk, folder, "x", async () => {
          inside_ += 1;
          most = Math.max(most, inside_);
          await disk.write(join(folder, "work"), "");
          inside_ -= 1;
          done += 1;
        }),
      ),
    );
    expect({ most, done }).toEqual({ most: 1, done: 12 });
    expect(readdirSync(folder).filter((name) => name.endsWith(".json")).length).toBeLessThanOrEqual(3);
  });
});

describe("runs", () => {
  test("numbers are given once, also to several processes", async () => {
    const store = fresh();
    const program = `
      import { openFolder } from ${JSON.stringify(join(import.meta.dirname, "../orchestrator/storage/folder.ts"))};
      const store = openFolder(${JSON.stringify(store.root)});
      for (let n = 0; n < 5; n++) await store.createRun("offers", (name, sequence) => ({ record: { name, sequence }, status: {} }));
    `;
    const children = [1, 2, 3].map(() => spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" }));
    await Promise.all(children.map((child) => once(child, "exit")));
    const runs = await store.listRuns();
    expect(runs.map((run) => run.sequence)).toEqual(Array.from({ length: 15 }, (_, at) => at + 1));
  });

  test("a lost counter is found again from the runs", async () => {
    const store = fresh();
    await createRun(store);
    await createRun(store);
    writeFileSync(join(store.root, "sequence"), "garbage");
    expect((await createRun(store)).name).toBe("offers-3");
  });

  test("a name is given once", async () => {
    const store = fresh();
    await createRun(store, "mine");
    await expect(createRun(store, "mine")).rejects.toBeInstanceOf(ConflictError);
  });

  test("only the holder of the lock writes the status", async () => {
    const store = fresh();
    const { name } = await createRun(store);
    const lock = await store.lockRun(name);
    expect((await store.writeStatus(lock, STATUS)).revision).toBe(2);
    await expect(store.deleteRun(name)).rejects.toThrow(String(process.pid));
    await lock.release();
    await expect(store.writeStatus(lock, STATUS)).rejects.toBeInstanceOf(ConflictError);
    await store.deleteRun(name);
    expect(await store.readRun(name)).toBeUndefined();
  });

  test("a status that is no JSON is said so", async () => {
    const store = fresh();
    const { name } = await createRun(store);
    writeFileSync(store.layout.status(name), "{");
    await expect(store.readStatus(name)).rejects.toThrow(/it is not JSON/);
  });
});

const NS = "default";

function version(store: FolderStore, name: string, text = name): Manifest {
  const path = join(store.root, `${name}.bin`);
  mkdirSync(store.root, { recursive: true });
  writeFileSync(path, text);
  return { dataset: "d", version: name, format: "model", columns: [], partitionBy: [], files: [{ path, size: text.length, etag: "sha256:0" }], createdAt: 0 };
}

const pointer = (sequence: number, to = `v-${sequence}`): Pointer => ({ version: to, run: `run-${sequence}`, attempt: 1, sequence, movedAt: sequence });

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
    expect(await store.readPointer(NS, "d")).toEqual({ version: "v-1", run: "run-1", attempt: 1, sequence: 2, movedAt: 9 });
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
    const back = (to?: string) => store.rollback(NS, "d", { by: "me", now: 1, ...(to === undefined ? {} : { version: to }) });
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
  const file = (etag: string, rows: number, date: string) => ({ path: `/x/${etag}${rows}`, size: 1, etag, rows, partition: { date } });

  test("equal data has one name, wherever it lies and in whatever order it is listed", () => {
    const files = [file("e1", 1, "1"), file("e2", 2, "2")];
    const name = versionOf({ ...content, files });
    expect(name).toMatch(/^v-[0-9a-f]{12}$/);
    expect(versionOf({ ...content, files: files.toReversed().map((one) => ({ ...one, path: `/y${one.path}` })) })).toBe(name);
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
