/** A real S3 server for tests: versitygw on a port and folder of its own, from the binary in the cache. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { freePort } from "../free-port.ts";
import { program } from "../testbed/build.ts";

export const KEYS = { AWS_ACCESS_KEY_ID: "tester", AWS_SECRET_ACCESS_KEY: "tester-secret" };
export const REGION = "us-east-1";
const READY_MS = 20_000;

export interface S3Server {
  endpoint: string;
  /** Where it keeps its buckets: `folder/bucket/key`. */
  folder: string;
  makeBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server and waits until it answers. */
export async function startServer(): Promise<S3Server> {
  const home = mkdtempSync(join(tmpdir(), "sparkwright-s3-"));
  for (const folder of ["data", "sidecar"]) mkdirSync(join(home, folder));
  const port = await freePort();
  // Not with --keep-alive: then it answers 400 to some requests that Arrow sends on a connection used before.
  const args = ["--port", `127.0.0.1:${port}`, "--quiet", "posix", "--sidecar", join(home, "sidecar")];
  const child = spawn(program("versitygw"), [...args, join(home, "data")], {
    env: { ROOT_ACCESS_KEY: KEYS.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: KEYS.AWS_SECRET_ACCESS_KEY },
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  const endpoint = `http://127.0.0.1:${port}`;
  const until = Date.now() + READY_MS;
  while (!(await fetch(endpoint).then(Boolean, () => false))) {
    if (Date.now() > until || child.exitCode !== null) throw new Error("Cannot start an S3 server: it does not answer");
    await delay(20);
  }
  const credentials = { accessKeyId: KEYS.AWS_ACCESS_KEY_ID, secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY };
  const client = new S3Client({ endpoint, region: REGION, forcePathStyle: true, credentials });
  return {
    endpoint,
    folder: join(home, "data"),
    makeBucket: async (name) => void (await client.send(new CreateBucketCommand({ Bucket: name }))),
    async stop() {
      client.destroy();
      child.kill("SIGKILL");
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** What a process needs in its environment to reach the server. */
export function environmentOf(endpoint: string): Record<string, string> {
  return { ...KEYS, AWS_REGION: REGION, AWS_ENDPOINT_URL: endpoint };
}
