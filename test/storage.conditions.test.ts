/** Writes on a condition, as a bucket sends them: a server that keeps conditions refuses what is stale. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { bucketFiles } from "../orchestrator/storage/bucket.ts";

let server: Server;
const objects = new Map<string, Buffer>();
const etagOf = (content: Buffer | undefined) =>
  content === undefined ? undefined : `"${createHash("md5").update(content).digest("hex")}"`;

/** PUT and GET of objects, with the conditions that S3 knows. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const there = objects.get(path);
  if (request.method === "GET") {
    if (there === undefined) return void response.writeHead(404).end("<Error><Code>NoSuchKey</Code></Error>");
    return void response.writeHead(200, { etag: etagOf(there) }).end(there);
  }
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  const { "if-match": match, "if-none-match": none } = request.headers;
  const isStale = (match !== undefined && match !== etagOf(there)) || (none === "*" && there !== undefined);
  if (isStale) return void response.writeHead(412).end("<Error><Code>PreconditionFailed</Code></Error>");
  objects.set(path, Buffer.concat(pieces));
  response.writeHead(200, { etag: etagOf(objects.get(path)) }).end();
}

beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", AWS_REGION: "us-east-1" };
  for (const [name, value] of Object.entries({ ...keys, AWS_ENDPOINT_URL: endpoint })) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const files = bucketFiles({ tries: 2, tryMs: 3000, pauseMs: 10 });
const POINTER = "s3a://bucket/datasets/offers/lines/current.json";

test("of two that move a pointer from the same place, the second is refused", async () => {
  expect(await files.swap(POINTER, "first", undefined)).toBe(true);
  const mark = (await files.read(POINTER))?.mark;
  expect(await files.swap(POINTER, "second", mark)).toBe(true);
  expect(await files.swap(POINTER, "late", mark)).toBe(false);
  expect(objects.get("/bucket/datasets/offers/lines/current.json")?.toString()).toBe("second");
});

test("of two that create one object, the second is refused", async () => {
  expect(await files.create("s3a://bucket/commit.json", "one")).toBe(true);
  expect(await files.create("s3a://bucket/commit.json", "two")).toBe(false);
});
