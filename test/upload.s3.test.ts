/** `dataset put`: data of this machine goes to where a target reads it, and is pinned there. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { RejectedError } from "../orchestrator/errors.ts";
import type { DatasetShape } from "../orchestrator/plan/plan.ts";
import { filesAt } from "../orchestrator/storage/files.ts";
import { rememberedIn } from "../orchestrator/storage/fingerprint.ts";
import { pin } from "../orchestrator/storage/pin.ts";
import { upload } from "../orchestrator/storage/upload.ts";
import { ensureBuilt, makePlace, run, write } from "./program.ts";
import { environmentOf, startServer, type S3Server } from "./s3/server.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-upload-"));
const LINES: DatasetShape = { dataset: "lines", format: "csv", columns: [], partitionBy: ["date"] };
let server: S3Server;

beforeAll(async () => {
  server = await startServer();
  await server.makeBucket("lake");
  for (const [name, value] of Object.entries(environmentOf(server.endpoint))) vi.stubEnv(name, value);
  await ensureBuilt();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
  rmSync(home, { recursive: true, force: true });
});

describe("upload()", () => {
  const data = (name: string, text: string) => {
    mkdirSync(join(home, "lines", name, ".."), { recursive: true });
    writeFileSync(join(home, "lines", name), text);
  };
  const put = () => upload(join(home, "lines"), "s3a://lake/retail/lines");
  const pinned = async () =>
    pin(
      LINES,
      { path: "s3a://lake/retail/lines" },
      {
        fingerprints: await rememberedIn(join(home, "memory")),
        packageFolder: (name) => Promise.resolve(name),
        now: 1,
      },
    );

  test("sends what is not there yet, and what is pinned changes with it", async () => {
    data("date=2017-01-01/a.csv", "x\n1\n");
    data("date=2017-01-02/a.csv", "x\n2\n");
    data("_SUCCESS", "");
    expect(await put()).toMatchObject({ sent: 2, size: 8, unchanged: 0, others: [] });
    const first = await pinned();
    expect(first.files).toMatchObject([
      { path: "s3a://lake/retail/lines/date=2017-01-01/a.csv", size: 4, partition: { date: "2017-01-01" } },
      { path: "s3a://lake/retail/lines/date=2017-01-02/a.csv", size: 4, partition: { date: "2017-01-02" } },
    ]);
    expect(await put()).toMatchObject({ sent: 0, size: 0, unchanged: 2 });
    expect((await pinned()).version).toBe(first.version);
    data("date=2017-01-02/a.csv", "x\n3\n");
    expect(await put()).toMatchObject({ sent: 1, unchanged: 1 });
    expect((await pinned()).version).not.toBe(first.version);
    await filesAt("s3a://lake").write("s3a://lake/retail/lines/date=2016-12-31/old.csv", "x\n");
    expect((await put()).others).toEqual(["s3a://lake/retail/lines/date=2016-12-31/old.csv"]);
  });

  test("large files are sent whole", async () => {
    const [file, to] = [join(home, "large.bin"), "s3a://lake/large.bin"];
    writeFileSync(file, Buffer.alloc(40_000_000, "sparkwright"));
    expect(await upload(file, to)).toMatchObject({ sent: 1, size: 40_000_000 });
    expect(await upload(file, to)).toMatchObject({ sent: 0, unchanged: 1 });
  });

  test("what is not there is said so", async () => {
    await expect(upload(join(home, "none"), "s3a://lake/x")).rejects.toBeInstanceOf(RejectedError);
    await expect(upload(home, "/somewhere")).rejects.toThrow(/is not in a bucket/);
  });

  test("`dataset put` finds the place in the specs", async () => {
    const place = makePlace("project");
    const head = (kind: string, name: string) =>
      `apiVersion: sparkwright.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec:\n`;
    write(place, {
      "job-specs/all.yaml": [
        `${head("Dataset", "lines")}  format: csv\n  source: retail\n  path: raw/lines\n`,
        `${head("Target", "cluster")}  storage: { root: s3a://lake/store }\n  sources: { retail: { path: s3a://lake/shop } }\n  sizes: { small: {} }\n`,
      ].join("---\n"),
      "raw/lines/a.csv": "x\n1\n",
    });
    const words = ["dataset", "put", "lines", "raw/lines", "--target", "cluster"];
    const done = await run(place, words, environmentOf(server.endpoint));
    expect(done).toMatchObject({
      code: 0,
      stdout: "1 file sent (4 B), 0 unchanged: s3a://lake/shop/raw/lines\n",
    });
    expect((await filesAt("s3a://lake").below("s3a://lake/shop")).map(({ path }) => path)).toEqual([
      "s3a://lake/shop/raw/lines/a.csv",
    ]);
    const unknown = await run(place, ["dataset", "put", "line", "raw/lines"], environmentOf(server.endpoint));
    expect(unknown.stderr).toMatch(/Cannot find dataset "line".*lines/);
  });
});
