/** The folder store: writes, paths, locks and runs. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { RunStatus } from "../orchestrator/engine/run-state.ts";
import { ConflictError, RejectedError } from "../orchestrator/errors.ts";
import { disk, type Disk } from "../orchestrator/storage/disk.ts";
import { openFolder, type FolderStore } from "../orchestrator/storage/folder.ts";
import { component, inside } from "../orchestrator/storage/layout.ts";
import { exclusively, takeLock } from "../orchestrator/storage/lock.ts";
import type { Owner } from "../orchestrator/storage/store.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-store-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const place = () => mkdtempSync(join(home, "case-"));
const fresh = (): FolderStore => openFolder(join(place(), "store"));
const STATUS: RunStatus = { phase: "Running", startedAt: 0, revision: 1, pinned: {}, code: {}, steps: {} };

async function createRun(store: FolderStore, name?: string) {
  const make = (given: string, sequence: number) => ({
    record: {
      name: given,
      sequence,
      plan: planWith([stepOf("one")]),
      createdAt: sequence,
      date: "2017-01-01",
      drivenBy: "cli" as const,
    },
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
    await expect(disk.append("/dev/full", "x")).rejects.toThrow(
      /^Cannot write \/dev\/full: no space is left on the disk$/,
    );
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
        const full = inside("/store/folder", parts.join("/"));
        return full === undefined || (full.startsWith("/store/folder/") && !full.split("/").includes(".."));
      }),
    );
    expect(inside("/store/folder", "/store/folder/x")).toBeUndefined();
    expect(inside("/store/folder", "../folder-2/x")).toBeUndefined();
    expect(inside("/store/folder", "a/../b")).toBe("/store/folder/b");
    expect(inside("/store/folder", "..a")).toBe("/store/folder/..a");
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
    const child = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `
      import { takeLock } from ${JSON.stringify(join(import.meta.dirname, "../orchestrator/storage/lock.ts"))};
      import { disk } from ${JSON.stringify(join(import.meta.dirname, "../orchestrator/storage/disk.ts"))};
      await takeLock(disk, ${JSON.stringify(folder)}, "x");
      console.log("held");
      setInterval(() => undefined, 1000);
    `,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
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
    const tag = JSON.parse(readFileSync(join(folder, name), "utf8")) as { owner: Owner };
    writeFileSync(join(folder, name), JSON.stringify({ ...tag, owner: { ...tag.owner, ...change } }));
    const second = takeLock(disk, folder, "x");
    if (outcome === "taken") await (await second).assertHeld();
    else {
      await expect(second).rejects.toBeInstanceOf(ConflictError);
      await (await takeLock(disk, folder, "x", { force: true })).assertHeld();
    }
  });

  test("whoever was slow between looking and taking gives way to the holder of a higher number", async () => {
    const folder = place();
    await (await takeLock(disk, folder, "x")).release();
    // While the slow one is about to create number 2, others take and give back so often that 2 is free again.
    let isSlow = true;
    const slow: Disk = {
      ...disk,
      async create(path, content) {
        if (isSlow) {
          isSlow = false;
          for (let times = 0; times < 3; times++) await (await takeLock(disk, folder, "x")).release();
          await takeLock(disk, folder, "x");
        }
        return disk.create(path, content);
      },
    };
    await expect(takeLock(slow, folder, "x")).rejects.toBeInstanceOf(ConflictError);
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
    const children = [1, 2, 3].map(() =>
      spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" }),
    );
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
