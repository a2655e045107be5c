/** Stands between a client and the S3 server and does to chosen requests what networks and servers do. */
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Fault =
  /** The server answers so without doing anything. */
  | { answer: 500 | 503 | 403 }
  /** The server does as asked, and the answer is lost. */
  | { lost: true }
  /** Nothing ever comes back. */
  | { silent: true }
  /** Half of the body, then the connection breaks. */
  | { cut: true };

export interface Proxy {
  endpoint: string;
  /** What was asked for, as `PUT /bucket/key`. */
  requests: string[];
  /** What happens to a request; undefined lets it through. */
  fault: (asked: string) => Fault | undefined;
  stop(): Promise<void>;
}

export async function startProxy(target: string): Promise<Proxy> {
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing).catch(() => outgoing.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: Proxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    fault: () => undefined,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const asked = `${incoming.method ?? ""} ${incoming.url ?? ""}`;
    proxy.requests.push(asked);
    const body = await bodyOf(incoming);
    const fault = proxy.fault(asked);
    if (fault !== undefined && "silent" in fault) return;
    if (fault !== undefined && "answer" in fault) {
      const code = { 500: "InternalError", 503: "SlowDown", 403: "AccessDenied" }[fault.answer];
      outgoing.writeHead(fault.answer, { "content-type": "application/xml" });
      outgoing.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>as the test wants it</Message></Error>`);
      return;
    }
    // The host stays as the client wrote it: it is part of what is signed.
    const onward = request(target + (incoming.url ?? ""), { method: incoming.method, headers: incoming.headers });
    // Also after its answer: whoever breaks off then is of no more interest.
    onward.on("error", () => outgoing.destroy());
    onward.end(body);
    const [answer] = (await once(onward, "response")) as [IncomingMessage];
    const content = await bodyOf(answer);
    if (fault !== undefined && "lost" in fault) {
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    if (fault === undefined) outgoing.end(content);
    else outgoing.write(content.subarray(0, content.length / 2), () => outgoing.destroy());
  }
  return proxy;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** The first `times` requests that begin with `asked` meet the fault. */
export function first(times: number, asked: string, fault: Fault): Proxy["fault"] {
  let left = times;
  return (request_) => (request_.startsWith(asked) && left-- > 0 ? fault : undefined);
}
