import { afterEach, describe, expect, test } from "vitest";
import { RejectedError, UnavailableError } from "../orchestrator/errors.ts";
import { podLog } from "../orchestrator/kubernetes/pod-log.ts";
import { apiServer, type ApiServer, type Handler, refuse } from "./api-server.ts";

const never = new AbortController().signal;
const SOURCE = { namespace: "offers", pod: "p", container: "c", follow: true };

let server: ApiServer;
const serve = async (handler: Handler) => (server = await apiServer(handler));
afterEach(() => server.close());

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

/** Lines as the kubelet stamps them, the same moment for two of them. */
const LINES = ["a", "b", "c", "d"].map((word, at) => `2026-11-23T00:00:0${Math.floor(at / 2)}.5Z ${word}\n`);
const ended = (after: number) => {
  let asked = 0;
  return async () => ++asked > after;
};

describe("podLog()", () => {
  test("goes on after a broken connection without losing or repeating lines", async () => {
    let request = 0;
    const { connection, requests } = await serve((incoming, response) => {
      request += 1;
      response.writeHead(200);
      // The first answer breaks inside the third line, later ones begin where the second began.
      if (request > 1) return void response.end(LINES.join(""));
      response.write(`${LINES[0]}${LINES[1]}2026-11-23T00`);
      setTimeout(() => incoming.socket.destroy(), 50);
    });
    const lines = await all(podLog(connection, SOURCE, { ended: ended(1), pauseMs: 5 }, never));
    expect(lines).toEqual(["a", "b", "c", "d"]);
    expect(requests[1]).toContain("sinceTime=2026-11-23T00%3A00%3A00.5");
  });

  test("waits for a container that has not started", async () => {
    let request = 0;
    const { connection } = await serve((_, response) => {
      request += 1;
      if (request === 1) return refuse(response, 404, "NotFound", 'pods "p" not found', { kind: "pods" });
      if (request === 2)
        return refuse(response, 400, "BadRequest", 'container "c" in pod "p" is waiting to start: ContainerCreating');
      response.end(LINES.join(""));
    });
    expect(await all(podLog(connection, SOURCE, { ended: ended(2), pauseMs: 5 }, never))).toEqual(["a", "b", "c", "d"]);
  });

  test("is empty when there is nothing to read and no more to come", async () => {
    const { connection } = await serve((_, response) => refuse(response, 404, "NotFound", "no pod", { kind: "pods" }));
    expect(await all(podLog(connection, SOURCE, { ended: async () => true }, never))).toEqual([]);
  });

  test("is empty when the kubelet has only an excuse for the log, which a job may print all the same", async () => {
    const excuse = "unable to retrieve container logs for containerd://5661de58";
    let text = excuse;
    const { connection } = await serve((_, response) => void response.end(text));
    const read = () => all(podLog(connection, SOURCE, { ended: async () => true }, never));
    expect(await read()).toEqual([]);
    text = `2026-11-23T00:00:00.5Z ${excuse}\n`;
    expect(await read()).toEqual([excuse]);
  });

  test.for([false, true])("when it is broken again and again, with a line before: %s", async (withLine) => {
    const { connection } = await serve((incoming, response) => {
      if (withLine) response.write(LINES[0]);
      setTimeout(() => incoming.socket.destroy(), 10);
    });
    const lines = all(podLog(connection, SOURCE, { ended: async () => false, pauseMs: 1, breaks: 3 }, never));
    await expect(lines).rejects.toThrow(UnavailableError);
    await expect(lines).rejects.toThrow(/Cannot read the log of pod offers\/p/);
  });

  test("says when it may not be read", async () => {
    const { connection } = await serve((_, response) => refuse(response, 403, "Forbidden", "pods/log is forbidden"));
    await expect(all(podLog(connection, SOURCE, { ended: async () => true }, never))).rejects.toThrow(RejectedError);
  });

  test("stops when asked, at any moment, and leaves no error behind", async () => {
    const uncaught: unknown[] = [];
    const hear = (error: unknown) => uncaught.push(error);
    process.on("uncaughtException", hear).on("unhandledRejection", hear);
    const { connection } = await serve((incoming, response) => {
      response.writeHead(200).write(LINES[0]);
      incoming.socket.on("close", () => undefined);
    });
    for (const pause of [0, 1, 5, 20]) {
      const stop = new AbortController();
      const lines = all(podLog(connection, SOURCE, { ended: async () => false, pauseMs: 1 }, stop.signal));
      setTimeout(() => stop.abort(new Error("enough")), pause);
      await expect(lines).rejects.toThrow("enough");
    }
    // A reader that stops reading ends the stream as well.
    for await (const line of podLog(connection, SOURCE, { ended: async () => false }, never)) {
      expect(line).toBe("a");
      break;
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off("uncaughtException", hear).off("unhandledRejection", hear);
    expect(uncaught).toEqual([]);
  });
});
