import { afterEach, describe, expect, test } from "vitest";
import { ConflictError, QuotaExceededError, RejectedError, UnavailableError } from "../orchestrator/errors.ts";
import { call, type Patience } from "../orchestrator/kubernetes/call.ts";
import { connect } from "../orchestrator/kubernetes/connection.ts";
import { readKubeconfig } from "../orchestrator/kubernetes/kubeconfig.ts";
import { list } from "../orchestrator/kubernetes/list.ts";
import { apiServer, type ApiServer, type Handler, json, refuse } from "./api-server.ts";

const never = new AbortController().signal;
const QUICK: Patience = { pauseMs: 5 };
const READ = { method: "GET", path: "/api/v1/pods/p", action: "read pod p" } as const;

let server: ApiServer;
const serve = async (handler: Handler) => (server = await apiServer(handler));
afterEach(() => server.close());

/** Answers each request by the next of these, and by the last one for ever. */
const inTurn = (...handlers: Handler[]): Handler => {
  let at = 0;
  return (request, response) => handlers[Math.min(at++, handlers.length - 1)]?.(request, response);
};
const good: Handler = (_, response) => json(response, 200, { metadata: { name: "p" } });
const reset: Handler = (request) => void request.socket.destroy();

describe("call()", () => {
  test("uses one connection for many calls, and says who asks", async () => {
    let token: string | undefined;
    const { connection, sockets } = await serve((request, response) => {
      token = request.headers.authorization;
      return good(request, response);
    });
    for (let at = 0; at < 50; at += 1) await call(connection, READ, never);
    // The second is opened while the first is not yet known to be free.
    expect(sockets()).toBeLessThanOrEqual(2);
    expect(token).toBe("Bearer t0k3n");
  });

  test.for<[string, Handler]>([
    ["a server that is too busy", (_, response) => refuse(response, 429, "TooManyRequests", "try later")],
    ["a server that has no leader", (_, response) => refuse(response, 500, "InternalError", "etcdserver: no leader")],
    ["a proxy's error page", (_, response) => void response.writeHead(503).end("<html>no backend</html>")],
    ["a connection that breaks", reset],
    [
      "an answer that is cut off",
      (request, response) => {
        response.writeHead(200, { "content-length": "100" }).write("{");
        setImmediate(() => request.socket.destroy());
      },
    ],
  ])("asks again after %s", async ([, bad]) => {
    const { connection, requests } = await serve(inTurn(bad, bad, good));
    expect(await call(connection, READ, never, QUICK)).toMatchObject({ metadata: { name: "p" } });
    expect(requests).toHaveLength(3);
  });

  test("waits as long as the server asks for", async () => {
    const busy: Handler = (_, response) => json(response, 429, {}, { "retry-after": "1" });
    const { connection } = await serve(inTurn(busy, good));
    const began = performance.now();
    await call(connection, READ, never, QUICK);
    expect(performance.now() - began).toBeGreaterThanOrEqual(990);
  });

  test("gives up after a few times and says what was answered", async () => {
    const { connection, requests } = await serve((_, response) =>
      refuse(response, 503, "ServiceUnavailable", "not now"),
    );
    const failure = call(connection, READ, never, { ...QUICK, attempts: 3 });
    await expect(failure).rejects.toThrow(UnavailableError);
    await expect(failure).rejects.toThrow(/Cannot read pod p: not now .* answered 503/);
    expect(requests).toHaveLength(3);
  });

  test("gives up on a server that takes the question and says nothing", async () => {
    const { connection } = await serve(() => undefined);
    await expect(call(connection, READ, never, { ...QUICK, attempts: 2, idleMs: 200 })).rejects.toThrow(
      /cannot be reached: .*\(asked 2 times\)/,
    );
  });

  test("names a server that is not there", async () => {
    const { connection, url, close } = await serve(good);
    await close();
    await expect(call(connection, READ, never, { ...QUICK, attempts: 2 })).rejects.toThrow(`${url} cannot be reached`);
  });

  test("stops at once when asked, with the asker's reason", async () => {
    const { connection } = await serve((_, response) => json(response, 503, {}, { "retry-after": "10" }));
    const stop = new AbortController();
    const began = performance.now();
    const answer = call(connection, READ, stop.signal);
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await expect(answer).rejects.toThrow("enough");
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("tells an object that is missing from an API that is", async () => {
    const { connection } = await serve(
      inTurn(
        (_, response) => refuse(response, 404, "NotFound", 'pods "p" not found', { name: "p", kind: "pods" }),
        (_, response) => void response.writeHead(404).end("404 page not found\n"),
        (_, response) =>
          refuse(response, 404, "NotFound", 'namespaces "offers" not found', { name: "offers", kind: "namespaces" }),
      ),
    );
    expect(await call(connection, READ, never)).toBeUndefined();
    await expect(call(connection, READ, never)).rejects.toMatchObject({
      name: "RejectedError",
      remedy: /helm install/,
    });
    await expect(call(connection, READ, never)).rejects.toMatchObject({ remedy: /kubectl create namespace offers/ });
  });

  test.for<[number, string, string, new (...words: never[]) => Error]>([
    [403, "Forbidden", 'pods is forbidden: User "ann" cannot list resource "pods"', RejectedError],
    [401, "Unauthorized", "Unauthorized", RejectedError],
    [422, "Invalid", "spec.type: Unsupported value", RejectedError],
    [409, "AlreadyExists", '"p" already exists', ConflictError],
    [403, "Forbidden", "exceeded quota: compute, requested: cpu=2, used: cpu=8, limited: cpu=8", UnavailableError],
  ])("answers %d %s (%s) with the right error, and does not ask twice", async ([code, reason, message, kind]) => {
    const { connection, requests } = await serve((_, response) => refuse(response, code, reason, message));
    const failure = call(connection, READ, never, QUICK);
    await expect(failure).rejects.toThrow(kind);
    await expect(failure).rejects.toThrow(`Cannot read pod p: ${message}`);
    expect(requests).toHaveLength(1);
  });

  describe("a server that comes back and has not read its roles yet", () => {
    const early: Handler = (_, response) => refuse(response, 403, "Forbidden", 'User "ann" cannot get resource "pods"');

    test("is asked again", async () => {
      const { connection, requests } = await serve(inTurn(reset, early, early, good));
      expect(await call(connection, READ, never, QUICK)).toMatchObject({
        metadata: { name: "p" },
      });
      expect(requests).toHaveLength(4);
    });

    test("is unavailable when it goes on", async () => {
      const { connection } = await serve(inTurn(reset, early));
      const failure = call(connection, READ, never, QUICK);
      await expect(failure).rejects.toThrow(UnavailableError);
      await expect(failure).rejects.toThrow(/cannot get resource "pods" \(.* has only just come back\)/);
    });

    test("is believed about a quota", async () => {
      const full: Handler = (_, response) => refuse(response, 403, "Forbidden", "exceeded quota: compute");
      const { connection, requests } = await serve(inTurn(reset, full));
      await expect(call(connection, READ, never, QUICK)).rejects.toThrow(QuotaExceededError);
      expect(requests).toHaveLength(2);
    });
  });

  test("does not trust a stranger, and does not ask him again", async () => {
    const { kubeconfig, requests } = await serve(good);
    const stranger = connect(readKubeconfig({ file: kubeconfig, context: "stranger" }));
    await expect(call(stranger, READ, never)).rejects.toMatchObject({ name: "RejectedError", remedy: /certificate/ });
    expect(requests).toHaveLength(0);
  });
});

describe("readKubeconfig()", () => {
  test("names the contexts there are", async () => {
    const { kubeconfig } = await serve(good);
    expect(() => readKubeconfig({ file: kubeconfig, context: "prod" })).toThrow(
      "Cannot use context prod: the kubeconfig has real, stranger",
    );
  });

  test("names a file that is not there", async () => {
    await serve(good);
    expect(() => readKubeconfig({ file: "/nowhere/config" })).toThrow(/Cannot read the kubeconfig \/nowhere\/config/);
  });
});

describe("list()", () => {
  const options = { path: "/api/v1/pods", action: "list pods", limit: 2 };
  const page =
    (names: string[], next?: string): Handler =>
    (_, response) =>
      json(response, 200, {
        metadata: { resourceVersion: "7", ...(next && { continue: next }) },
        items: names.map((name) => ({ metadata: { name } })),
      });
  const namesOf = ({ items }: { items: { metadata: { name: string } }[] }) =>
    items.map(({ metadata }) => metadata.name);

  test("reads page after page", async () => {
    const { connection, requests } = await serve(inTurn(page(["a", "b"], "2"), page(["c"])));
    const listed = await list(connection, options, never);
    expect(namesOf(listed)).toEqual(["a", "b", "c"]);
    expect(listed.resourceVersion).toBe("7");
    expect(requests[1]).toContain("continue=2");
  });

  test("begins anew when a later page has expired", async () => {
    const expired: Handler = (_, response) =>
      refuse(response, 410, "Expired", "The provided continue parameter is too old");
    const { connection } = await serve(inTurn(page(["a", "b"], "2"), expired, page(["a"], "2"), page(["c"])));
    expect(namesOf(await list(connection, options, never))).toEqual(["a", "c"]);
  });
});
