/** What a store in a bucket does when the server fails, is slow, refuses or is not there; and when whoever holds a lock is silent. */
import { readdirSync, utimesSync } from "node:fs";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ConflictError, RejectedError, UnavailableError } from "../orchestrator/errors.ts";
import { bucketFiles } from "../orchestrator/storage/bucket.ts";
import { examine } from "../orchestrator/storage/examine.ts";
import { filesAt } from "../orchestrator/storage/files.ts";
import { fingerprint } from "../orchestrator/storage/fingerprint.ts";
import { openStoreAt } from "../orchestrator/storage/folder.ts";
import { ownerOf, takeLock } from "../orchestrator/storage/lock.ts";
import { first, startProxy, type Proxy } from "./s3/proxy.ts";
import { environmentOf, startServer, type S3Server } from "./s3/server.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

let server: S3Server;
let proxy: Proxy;
const quick = bucketFiles({ tries: 3, tryMs: 300, pauseMs: 10 });
const at = (name: string) => `s3a://faults/${name}`;

beforeAll(async () => {
  server = await startServer();
  await server.makeBucket("faults");
  proxy = await startProxy(server.endpoint);
  for (const [name, value] of Object.entries(environmentOf(proxy.endpoint))) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await proxy?.stop();
  await server?.stop();
});
afterEach(() => {
  proxy.fault = () => undefined;
  for (const [name, value] of Object.entries(environmentOf(proxy.endpoint))) vi.stubEnv(name, value);
});

describe("a server that", () => {
  test.for([
    ["answers 500", { answer: 500 }],
    ["answers 503", { answer: 503 }],
    ["is silent", { silent: true }],
    ["breaks off", { cut: true }],
  ] as const)("%s twice is asked a third time", async ([, fault]) => {
    await quick.write(at("document"), "content");
    proxy.fault = first(2, "GET /faults/document", fault);
    expect(Buffer.from((await quick.read(at("document")))?.bytes ?? []).toString()).toBe("content");
    proxy.fault = first(2, "GET /faults/document", fault);
    expect(Buffer.from(await quick.range(at("document"), 3, 7)).toString()).toBe("tent");
    proxy.fault = first(2, "GET /faults/document", fault);
    let [begun, text] = [0, ""];
    await quick.stream(
      at("document"),
      () => {
        begun += 1;
        text = "";
      },
      (piece) => (text += Buffer.from(piece).toString()),
    );
    expect({ begun, text }).toEqual({ begun: 3, text: "content" });
  });

  test.for([
    ["answers 503", { answer: 503 }, /S3 server is not available after 3 tries: it answers 503 SlowDown/],
    ["is silent", { silent: true }, /no answer in time/],
  ] as const)("%s for good is unavailable, and what was asked for is named", async ([, fault, expected]) => {
    proxy.fault = () => fault;
    const answer = quick.write(at("document"), "other");
    await expect(answer).rejects.toBeInstanceOf(UnavailableError);
    await expect(answer).rejects.toThrow(/^Cannot write s3a:\/\/faults\/document: /);
    await expect(answer).rejects.toThrow(expected);
  });

  test("is not there is unavailable", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    await expect(quick.names(at("x"))).rejects.toThrow(/^Cannot list s3a:\/\/faults\/x: .*ECONNREFUSED/);
    await expect(quick.names(at("x"))).rejects.toBeInstanceOf(UnavailableError);
  });

  test("refuses is the user's to mend, and is asked once", async () => {
    proxy.fault = () => ({ answer: 403 });
    const before = proxy.requests.length;
    await expect(quick.write(at("document"), "x")).rejects.toThrow(
      "Cannot write s3a://faults/document: permission denied (AccessDenied)",
    );
    expect(proxy.requests.length - before).toBe(1);
    await expect(quick.look(at("document"))).rejects.toBeInstanceOf(RejectedError);
  });

  test("knows other keys is the user's to mend", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "somebody");
    await expect(quick.read(at("document"))).rejects.toMatchObject({
      message: expect.stringContaining("permission denied"),
      remedy: expect.stringContaining("AWS_"),
    });
  });

  test("has no such bucket is told from one that has no such key", async () => {
    const nowhere = "s3a://nobodys-bucket/x";
    for (const ask of [() => quick.read(nowhere), () => quick.names(nowhere), () => quick.write(nowhere, "")])
      await expect(ask()).rejects.toThrow(/there is no such bucket$/);
    await expect(openStoreAt(nowhere).listRuns()).rejects.toMatchObject({ remedy: /Create the bucket/ });
    expect(await quick.read(at("none"))).toBeUndefined();
  });

  test.for(["create", "swap"] as const)("does a %s without saying so is understood", async (verb) => {
    const [mine, path] = [`mine-${verb}`, at(`unsure-${verb}`)];
    const mark = verb === "swap" ? await written(path) : undefined;
    const act = (content: string) =>
      verb === "create" ? quick.create(path, content) : quick.swap(path, content, mark);
    proxy.fault = first(1, "PUT", { lost: true });
    expect(await act(mine)).toBe(true);
    expect(await act("another's")).toBe(false);
    // Somebody else was faster, and our first try is lost as well.
    proxy.fault = first(1, "PUT", { lost: true });
    expect(await act("another's")).toBe(false);
  });
});

async function written(path: string): Promise<string | undefined> {
  await quick.write(path, "before");
  return (await quick.look(path))?.mark;
}

describe("a lock", () => {
  /** As if the server had last heard of the holder so long ago. */
  const silentFor = (folder: string, seconds: number) => {
    const then = Date.now() / 1000 - seconds;
    const place = join(server.folder, folder.replace("s3a://", ""));
    for (const name of readdirSync(place)) utimesSync(join(place, name), then, then);
  };

  test("that was not renewed for half a minute is free, and its holder writes nothing more", async () => {
    const folder = at("lease");
    const asleep = await takeLock(filesAt(folder), folder, "run x");
    silentFor(folder, 25);
    await expect(takeLock(filesAt(folder), folder, "run x")).rejects.toBeInstanceOf(ConflictError);
    silentFor(folder, 35);
    expect(await ownerOf(folder)).toBeUndefined();
    const next = await takeLock(filesAt(folder), folder, "run x");
    await expect(asleep.assertHeld()).rejects.toThrow(/holds it/);
    await asleep.release();
    await next.assertHeld();
    await next.release();
  });

  test("is renewed while it is held, without its holder asking", async () => {
    const folder = at("renewed");
    const lock = await takeLock(filesAt(folder), folder, "run x");
    silentFor(folder, 25);
    const changedAt = async () => (await filesAt(folder).below(folder))[0]?.changedAt ?? 0;
    await expect.poll(changedAt, { timeout: 20_000, interval: 200 }).toBeGreaterThan(Date.now() - 10_000);
    await lock.assertHeld();
    await lock.release();
  });

  test("taken over between look and write: the status of who takes over is not overwritten", async () => {
    const store = openStoreAt(at("fenced"));
    const status = { phase: "Running", startedAt: 0, revision: 1, pinned: {}, code: {}, steps: {} } as const;
    const make = (name: string, sequence: number) => ({
      record: {
        name,
        sequence,
        plan: planWith([stepOf("one")]),
        createdAt: 0,
        date: "2017-01-01",
        drivenBy: "cli",
      } as const,
      status,
    });
    const { name } = await store.createRun("walk", make);
    const slow = await store.lockRun(name);
    // It has just been told that the lock is its own, and sleeps; meanwhile another takes over and writes.
    const sleeper = { ...slow, assertHeld: () => Promise.resolve() };
    silentFor(`${at("fenced")}/runs/${name}/lock`, 40);
    const other = await store.lockRun(name);
    const written_ = await store.writeStatus(other, status);
    await expect(store.writeStatus(sleeper, status)).rejects.toBeInstanceOf(ConflictError);
    expect(await store.readStatus(name)).toEqual(written_);
    await other.release();
  });
});

describe("examine()", () => {
  test.for([1000, 6_000_000])("of %i bytes reads no more than is worth it", async (size) => {
    const content = randomBytes(size);
    const path = at(`content-${size}`);
    await filesAt(path).write(path, content);
    const before = proxy.requests.length;
    const found = await examine(path, size);
    const etag = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    expect(found).toMatchObject({ size, mark: (await filesAt(path).look(path))?.mark });
    expect(found?.etag).toBe(size === 1000 ? etag : undefined);
    expect(proxy.requests.slice(before)[0]).toMatch(size === 1000 ? /^GET/ : /^HEAD/);
    expect(await fingerprint(path)).toEqual({ size, etag });
  });
});
