import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, test, vi } from "vitest";
import { reflector, type ReflectorOptions } from "../orchestrator/kubernetes/reflector.ts";
import { apiServer, type ApiServer, json, refuse } from "./api-server.ts";

let server: ApiServer;
const stop: AbortController[] = [];
afterEach(async () => {
  for (const one of stop.splice(0)) one.abort();
  await server.close();
});

const object = (name: string, version: number, uid = name) => ({
  metadata: { namespace: "offers", name, uid, resourceVersion: String(version) },
});
const event = (type: string, name: string, version: number) =>
  `${JSON.stringify({ type, object: object(name, version) })}\n`;

interface Script {
  lists: object[][];
  /** One per watch; the last one for ever. */
  watches: ((response: ServerResponse) => void)[];
}

/** Starts a reflector on a server that answers by the script; tells what it said. */
async function follow({ lists, watches }: Script, more: Partial<ReflectorOptions> = {}) {
  let [listed, watched] = [0, 0];
  server = await apiServer((request, response) => {
    if (request.url?.includes("watch=true")) return watches[Math.min(watched++, watches.length - 1)]?.(response);
    const items = lists[Math.min(listed++, lists.length - 1)];
    json(response, 200, { metadata: { resourceVersion: String(100 * listed) }, items });
  });
  const said = { changes: [] as string[], errors: [] as unknown[], synced: 0 };
  const copy = reflector(server.connection, {
    action: "list pods",
    path: "/pods",
    pauseMs: 5,
    onChange: (key) => said.changes.push(key),
    onError: (error) => said.errors.push(error),
    onSynced: () => (said.synced += 1),
    ...more,
  });
  const control = new AbortController();
  stop.push(control);
  return { ...said, said, copy, done: copy.run(control.signal), control };
}

const until = (look: () => void) => vi.waitFor(look, { timeout: 10_000, interval: 10 });
const stays = (response: ServerResponse) => void response.write("");
const watchesOf = () => server.requests.filter((request) => request.includes("watch=true"));

describe("reflector()", () => {
  test("asks for nothing but what a list takes, and lets go of a page before it asks for the next", async () => {
    const events: string[] = [];
    server = await apiServer((request, response) => {
      const { searchParams } = new URL(request.url ?? "", "http://server");
      if (searchParams.has("watch")) return stays(response);
      events.push([...searchParams].map(([key, value]) => `${key}=${value}`).join("&"));
      const isFirst = !searchParams.has("continue");
      const metadata = { resourceVersion: "100", ...(isFirst && { continue: "more" }) };
      json(response, 200, { metadata, items: [object(isFirst ? "a" : "b", 1)] });
    });
    const control = new AbortController();
    stop.push(control);
    const copy = reflector(server.connection, {
      action: "list pods",
      path: "/pods",
      labelSelector: "role=driver",
      limit: 1,
      keep(item) {
        events.push(`kept ${item.metadata.name}`);
        return { metadata: item.metadata };
      },
      onChange: () => undefined,
    });
    const done = copy.run(control.signal);
    await until(() => expect([...copy.objects.keys()]).toEqual(["offers/a", "offers/b"]));
    control.abort();
    await done;
    expect(events).toEqual([
      "labelSelector=role=driver&limit=1",
      "kept a",
      "labelSelector=role=driver&limit=1&continue=more",
      "kept b",
    ]);
  });

  test("copies what is there and follows what changes", async () => {
    const { copy, said } = await follow({
      lists: [[object("a", 1), object("b", 2)]],
      watches: [
        (response) => {
          response.write(
            event("MODIFIED", "a", 101) + event("DELETED", "b", 102) + event("ADDED", "c", 103).slice(0, 20),
          );
          setTimeout(() => response.write(event("ADDED", "c", 103).slice(20)), 50);
        },
      ],
    });
    await until(() => expect(said.changes).toEqual(["offers/a", "offers/b", "offers/a", "offers/b", "offers/c"]));
    expect([...copy.objects.keys()]).toEqual(["offers/a", "offers/c"]);
  });

  test("goes on from a bookmark after a break, without a new list", async () => {
    const { said } = await follow({
      lists: [[]],
      watches: [
        (response) => {
          response.write(event("BOOKMARK", "x", 150));
          setTimeout(() => response.destroy(), 20);
        },
        stays,
      ],
    });
    await until(() => expect(watchesOf()[1]).toContain("resourceVersion=150"));
    expect(said.synced).toBe(1);
    expect(said.changes).toEqual([]);
  });

  test.for<[string, (response: ServerResponse) => void]>([
    [
      "the place is too old, in the stream",
      (response) =>
        void response.end(
          `${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } })}\n`,
        ),
    ],
    ["the place is too old, by status", (response) => refuse(response, 410, "Expired", "too old")],
    ["a line is no event", (response) => void response.end('{"type": "ADD\n')],
  ])("lists again when %s, and tells what came and went meanwhile", async ([, bad]) => {
    const { copy, said } = await follow({
      lists: [
        [object("gone", 1), object("same", 2), object("new-uid", 3, "u1")],
        [object("same", 2), object("new-uid", 4, "u2"), object("born", 5)],
      ],
      watches: [bad, stays],
    });
    await until(() => expect(said.synced).toBe(2));
    expect(said.changes.slice(3)).toEqual(["offers/gone", "offers/new-uid", "offers/born"]);
    expect(copy.objects.size).toBe(3);
  });

  test("finds out that a connection is dead", async () => {
    const { said } = await follow({ lists: [[]], watches: [stays] }, { idleMs: 100 });
    await until(() => expect(watchesOf().length).toBeGreaterThanOrEqual(3));
    expect(said.synced).toBe(1);
  });

  test("opens a stream that says one thing and ends ever more slowly", async () => {
    let version = 200;
    await follow(
      { lists: [[]], watches: [(response) => void response.end(event("ADDED", "a", version++))] },
      { pauseMs: 50 },
    );
    const began = performance.now();
    await until(() => expect(watchesOf().length).toBeGreaterThanOrEqual(7));
    // Pauses of 50, 100, 200, 400 and 800 ms, each at least half as long.
    expect(performance.now() - began).toBeGreaterThan(750);
  });

  test("outlives a listener that throws", async () => {
    const { said, copy } = await follow(
      {
        lists: [[object("a", 1), object("b", 1)]],
        watches: [(response) => void response.write(event("ADDED", "c", 101))],
      },
      {
        onChange: (key) => {
          throw new Error(`no ${key}`);
        },
      },
    );
    await until(() =>
      expect(said.errors.map(String)).toEqual(["Error: no offers/a", "Error: no offers/b", "Error: no offers/c"]),
    );
    expect(copy.objects.size).toBe(3);
  });

  test("stops when asked, and tells nothing afterwards", async () => {
    let last: ServerResponse | undefined;
    const { said, done, control } = await follow({
      lists: [[]],
      watches: [(response) => void (last = response).write("")],
    });
    await until(() => expect(last).toBeDefined());
    control.abort();
    await done;
    last?.write(event("ADDED", "late", 300));
    expect(said.changes).toEqual([]);
  });
});
