/** The two kinds of places that a store can lie in; what holds for one has to hold for the other. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, vi } from "vitest";
import { environmentOf, startServer, type S3Server } from "./server.ts";

export interface Kind {
  name: string;
  /** A path or URI of its own, at which there is nothing yet. */
  place: () => string;
}

/** A folder and a bucket, with a server for the tests of the file that calls it. */
export function kinds(): Kind[] {
  const home = mkdtempSync(join(tmpdir(), "sparkwright-kinds-"));
  let server: S3Server | undefined;
  let cases = 0;
  beforeAll(async () => {
    server = await startServer();
    await server.makeBucket("store");
    for (const [name, value] of Object.entries(environmentOf(server.endpoint))) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server?.stop();
    rmSync(home, { recursive: true, force: true });
  });
  return [
    { name: "a folder", place: () => join(mkdtempSync(join(home, "case-")), "place") },
    { name: "a bucket", place: () => `s3a://store/case-${(cases += 1)}/place` },
  ];
}
