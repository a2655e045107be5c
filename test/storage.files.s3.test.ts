/** Files and locks of a store, in a folder and in a bucket of a real S3 server alike. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ConflictError } from "../orchestrator/errors.ts";
import type { Disk } from "../orchestrator/storage/disk.ts";
import { filesAt } from "../orchestrator/storage/files.ts";
import { joined } from "../orchestrator/storage/layout.ts";
import { exclusively, takeLock } from "../orchestrator/storage/lock.ts";
import type { Owner } from "../orchestrator/storage/store.ts";
import { kinds } from "./s3/kinds.ts";

describe.each(kinds())("$name", ({ place }) => {
  describe("files", () => {
    test("are written, read, listed and removed", async () => {
      const [root, files] = [place(), filesAt(place())];
      for (const name of ["b.json", "a.json", "deep/er/c.json", ".hidden"]) await files.write(joined(root, name), name);
      expect(await files.names(root)).toEqual(["a.json", "b.json", "deep"]);
      expect((await files.below(joined(root, "deep"))).map(({ path, size }) => [path, size])).toEqual([
        [joined(root, "deep/er/c.json"), 14],
      ]);
      expect(await files.look(joined(root, "a.json"))).toMatchObject({ size: 6 });
      expect(await files.look(joined(root, "none"))).toBeUndefined();
      expect(await files.read(joined(root, "none"))).toBeUndefined();
      expect(Buffer.from(await files.range(joined(root, "a.json"), 2, 6)).toString()).toBe("json");
      await files.remove(joined(root, "deep"));
      await files.remove(joined(root, "nothing"));
      expect(await files.names(root)).toEqual(["a.json", "b.json"]);
      expect(await files.names(joined(root, "none"))).toEqual([]);
    });

    test("more than a page of them are listed and removed", async () => {
      const [root, files] = [place(), filesAt(place())];
      const names = Array.from({ length: 1010 }, (_, at) => `f${String(at).padStart(4, "0")}`);
      for (let at = 0; at < names.length; at += 50)
        await Promise.all(names.slice(at, at + 50).map((name) => files.create(joined(root, name), "")));
      expect(await files.names(root)).toEqual(names);
      await files.remove(root);
      expect(await files.below(root)).toEqual([]);
    }, 60_000);

    test("create() keeps what is there", async () => {
      const [path, files] = [joined(place(), "one.json"), filesAt(place())];
      expect(await files.create(path, "one")).toBe(true);
      expect(await files.create(path, "two")).toBe(false);
      expect(Buffer.from((await files.read(path))?.bytes ?? []).toString()).toBe("one");
    });

    test("append() adds lines and closes one that was cut", async () => {
      const [path, files] = [joined(place(), "history.jsonl"), filesAt(place())];
      await files.write(path, '{"a":1}\n{"b":');
      await files.append(path, '{"c":3}');
      await files.append(path, '{"d":4}');
      expect(Buffer.from((await files.read(path))?.bytes ?? []).toString()).toBe('{"a":1}\n{"b":\n{"c":3}\n{"d":4}\n');
    });
  });

  describe("locks", () => {
    const lockedBy = (folder: string) => takeLock(filesAt(folder), folder, "run x");

    test("a second holder is refused and told who holds it", async () => {
      const folder = place();
      const lock = await lockedBy(folder);
      await expect(lockedBy(folder)).rejects.toThrow(`Cannot take run x: process ${process.pid} holds it`);
      await lock.release();
      await lock.release();
      const second = await lockedBy(folder);
      await expect(lock.assertHeld()).rejects.toBeInstanceOf(ConflictError);
      await second.assertHeld();
      await second.release();
    });

    test("the lock of a process that is gone is taken over", async () => {
      const folder = place();
      const at = (name: string) => JSON.stringify(join(import.meta.dirname, "../orchestrator/storage", name));
      const program = `
        import { takeLock } from ${at("lock.ts")};
        import { filesAt } from ${at("files.ts")};
        await takeLock(filesAt(${JSON.stringify(folder)}), ${JSON.stringify(folder)}, "x");
        console.log("held");
        setInterval(() => undefined, 1000);`;
      const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      await expect(lockedBy(folder)).rejects.toThrow(`process ${child.pid} holds it`);
      child.kill("SIGKILL");
      await once(child, "exit");
      const lock = await lockedBy(folder);
      await lock.assertHeld();
      await lock.release();
    });

    test("of another host is respected, unless forced", async () => {
      const folder = place();
      await lockedBy(folder);
      const [name = ""] = await filesAt(folder).names(folder);
      const path = joined(folder, name);
      const tag = JSON.parse(Buffer.from((await filesAt(path).read(path))?.bytes ?? []).toString()) as { owner: Owner };
      await filesAt(path).write(path, JSON.stringify({ ...tag, owner: { ...tag.owner, host: "elsewhere" } }));
      await expect(lockedBy(folder)).rejects.toThrow(/on elsewhere holds it/);
      await (await takeLock(filesAt(folder), folder, "x", { force: true })).assertHeld();
    });

    test("whoever was slow between looking and taking gives way to the holder of a higher number", async () => {
      const folder = place();
      const files = filesAt(folder);
      await (await lockedBy(folder)).release();
      let isSlow = true;
      const slow: Disk = {
        ...files,
        async create(path, content) {
          if (isSlow) {
            isSlow = false;
            for (let times = 0; times < 3; times++) await (await lockedBy(folder)).release();
            await lockedBy(folder);
          }
          return files.create(path, content);
        },
      };
      await expect(takeLock(slow, folder, "x")).rejects.toBeInstanceOf(ConflictError);
    });

    test("of many at once, one at a time does its work", async () => {
      const folder = place();
      let [now, most, done] = [0, 0, 0];
      await Promise.all(
        Array.from({ length: 8 }, () =>
          exclusively(filesAt(folder), folder, "x", async () => {
            now += 1;
            most = Math.max(most, now);
            await filesAt(folder).write(joined(folder, "work"), "");
            now -= 1;
            done += 1;
          }),
        ),
      );
      expect({ most, done }).toEqual({ most: 1, done: 8 });
    });
  });
});
