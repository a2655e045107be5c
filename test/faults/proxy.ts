/** Stands between one client and the API server, and does to its requests what networks and servers do. */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { selfSigned } from "../certificate.ts";
import { chanceOf } from "./chance.ts";
import type { FaultPlan, Mishap } from "./fault-plan.ts";

export interface Proxy {
  url: string;
  ca: string;
  /** What was done to requests, as `reset GET`. */
  faults: string[];
  /** Called when the server has applied a write, before its answer goes on. */
  onApplied: () => void;
  stop: () => Promise<void>;
}

export interface Upstream {
  url: string;
  ca: string;
}

interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

/** A list that is handed out again may be this old, in ms. */
const OLDEST_MS = 3000;
/** Of a watch, before it is cut. */
const WATCH_BYTES = 4000;
const READS: Mishap[] = ["410", "429", "500", "504", "reset", "half-open", "cut"];
const WRITES: Mishap[] = ["409", "429", "500", "504", "reset", "half-open", "cut", "answer lost"];

export async function startProxy(
  upstream: Upstream,
  plan: Pick<FaultPlan, "seed" | "mishaps" | "loses">,
): Promise<Proxy> {
  const { key, cert } = selfSigned();
  const agent = new Agent({ keepAlive: true, ca: upstream.ca });
  const choose = chooser(plan);
  const lists = new Map<string, { at: number; answer: Answer }>();
  const server = createServer({ key, cert }, (incoming, outgoing) => {
    incoming.on("error", () => undefined);
    outgoing.on("error", () => undefined);
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: Proxy = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: cert,
    faults: [],
    onApplied: () => undefined,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      agent.destroy();
    },
  };

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "", url = "" } = incoming;
    const mishap = choose(method, url, lists.has(url));
    if (mishap !== undefined) proxy.faults.push(`${mishap} ${method}`);
    const body = await bodyOf(incoming);
    if (mishap === "half-open") return;
    if (mishap === "reset") return void incoming.socket.destroy();
    if (mishap !== undefined && /^\d+$/.test(mishap)) return refuse(outgoing, Number(mishap));
    const old = lists.get(url);
    if (mishap === "old list" && old !== undefined) return pass(outgoing, old.answer);
    const { host: _host, ...headers } = incoming.headers;
    const onward = request(upstream.url + url, { method, headers, agent });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    onward.end(body);
    const [reply] = (await once(onward, "response")) as [IncomingMessage];
    if (url.includes("watch=")) return stream(reply, outgoing, mishap === "cut" ? WATCH_BYTES : undefined);
    const answer = { status: reply.statusCode ?? 500, headers: reply.headers, body: await bodyOf(reply) };
    if (method === "GET" && isList(url) && Date.now() - (lists.get(url)?.at ?? 0) > OLDEST_MS)
      lists.set(url, { at: Date.now(), answer });
    if (method !== "GET" && answer.status < 300) proxy.onApplied();
    if (mishap === "answer lost") return void incoming.socket.destroy();
    if (mishap !== "cut") return pass(outgoing, answer);
    outgoing.writeHead(answer.status, answer.headers);
    outgoing.write(answer.body.subarray(0, answer.body.length / 2), () => outgoing.destroy());
  }
  return proxy;
}

type Chooser = (method: string, url: string, hasOld: boolean) => Mishap | undefined;

/** What happens to the next request. */
function chooser({ seed, mishaps, loses }: Pick<FaultPlan, "seed" | "mishaps" | "loses">): Chooser {
  const chance = chanceOf(seed ^ 0x5bd1e995);
  let [left, writes] = [mishaps.most, 0];
  return (method, url, hasOld) => {
    const isWrite = method !== "GET";
    if (isWrite && (writes += 1) === loses) return "answer lost";
    if (left === 0 || !chance.happens(mishaps.probability)) return undefined;
    const possible = (isWrite ? WRITES : [...READS, ...(hasOld && isList(url) ? (["old list"] as const) : [])]).filter(
      (kind) => mishaps.kinds.includes(kind),
    );
    if (possible.length === 0) return undefined;
    left -= 1;
    return chance.one(possible);
  };
}

/** Collections, not single objects: those the API server never answers from the past. */
function isList(url: string): boolean {
  return /\/(pods|sparkapplications)\?/.test(url) && !url.includes("watch=");
}

async function stream(reply: IncomingMessage, outgoing: ServerResponse, most: number | undefined): Promise<void> {
  outgoing.writeHead(reply.statusCode ?? 500, reply.headers);
  outgoing.flushHeaders();
  let sent = 0;
  reply.on("error", () => outgoing.destroy());
  for await (const chunk of reply as AsyncIterable<Buffer>) {
    if (most !== undefined && sent + chunk.length > most) {
      const rest = chunk.subarray(0, Math.max(1, most - sent));
      await new Promise<void>((resolve) => outgoing.write(rest, () => resolve()));
      outgoing.destroy();
      return;
    }
    sent += chunk.length;
    if (!outgoing.write(chunk)) await Promise.race([once(outgoing, "drain"), once(outgoing, "close"), delay(5000)]);
  }
  outgoing.end();
}

function pass(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  outgoing.writeHead(status, headers);
  outgoing.end(body);
}

const REASONS: Record<number, [string, string]> = {
  409: [
    "Conflict",
    "Operation cannot be fulfilled: the object has been modified; please apply your changes to the latest version and try again",
  ],
  410: ["Expired", "The provided continue parameter is too old"],
  429: ["TooManyRequests", "the server has received too many requests and has asked us to try again later"],
  500: ["InternalError", "etcdserver: leader changed"],
  504: ["Timeout", "request did not complete within the allotted timeout"],
};

function refuse(outgoing: ServerResponse, code: number): void {
  const [reason, message] = REASONS[code] ?? ["Unknown", ""];
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message };
  outgoing.writeHead(code, { "content-type": "application/json", ...(code === 429 && { "retry-after": "1" }) });
  outgoing.end(JSON.stringify(status));
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}
