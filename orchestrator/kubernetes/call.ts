/** @module One question to the API server and its answer, with patience for what passes. */
import { setTimeout as delay } from "node:timers/promises";
import { RejectedError, UnavailableError } from "../errors.ts";
import type { Connection, Reply, Request } from "./connection.ts";
import { errorOf, isMissingObject, statusOf } from "./refusal.ts";

export interface Call extends Request {
  /** For messages, as in `create SparkApplication offers/train-1`. */
  action: string;
  /** Told each reply before its text is read. */
  onReply?: (reply: Pick<Reply, "status" | "headers">) => void;
}

export interface Patience {
  /** Ask again only after an answer that surely did nothing, for what must not be done twice without a look in between. Default: false. */
  onlyRefused?: boolean;
  /** Requests in all, the first included. Default 5. */
  attempts?: number;
  /** Pause before the second request in ms, doubled for each further one. Default 200. */
  pauseMs?: number;
  /** Longest silence while an answer is read, in ms. Default 30 s. */
  idleMs?: number;
}

const LONGEST_PAUSE_MS = 10_000;
const IDLE_MS = 30_000;
/** Answers that say nothing about the request. */
const TOO_MANY = 429;
const PASSING = [TOO_MANY, 500, 502, 503, 504];
/** Another try meets the same certificate. */
const BAD_CERTIFICATE = /^(CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

/**
 * The answer, or undefined when the object is not there. A request must be one that may be sent twice: an answer that got
 * lost looks like a request that did. Throws UnavailableError when the server cannot be reached or cannot answer now, however often
 * asked; ConflictError for 409; RejectedError, with a remedy, for anything the caller must change. Rejects with the signal's
 * reason when aborted, also while it waits.
 */
export async function call<T>(
  connection: Connection,
  request: Call,
  signal: AbortSignal,
  patience: Patience = {},
): Promise<T | undefined> {
  const answer = await ask(connection, request, signal, patience);
  const { text, code } = answer;
  if (code < 300) return JSON.parse(text) as T;
  if (isMissingObject(answer)) return undefined;
  const { server } = connection;
  const error = errorOf({ action: request.action, server, code, text });
  if (!isPremature(connection, answer)) throw error;
  throw new UnavailableError(`${error.message} (${server} has only just come back)`);
}

/** Like `call`, for what must be there: an answer that it is not is an error too. */
export async function callFor<T>(
  connection: Connection,
  request: Call,
  signal: AbortSignal,
  patience: Patience = {},
): Promise<T> {
  const answer = await call<T>(connection, request, signal, patience);
  if (answer === undefined) throw new RejectedError(`Cannot ${request.action}: it is not there`);
  return answer;
}

interface Answer {
  code: number;
  text: string;
}

async function ask(
  connection: Connection,
  request: Call,
  signal: AbortSignal,
  { attempts = 5, pauseMs = 200, idleMs = IDLE_MS, onlyRefused = false }: Patience,
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    let pause = Math.min(pauseMs * 2 ** (attempt - 1), LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
    try {
      const reply = await connection.send(request, { signal, idleMs, stream: false });
      request.onReply?.(reply);
      const answer = { code: reply.status, text: await textOf(reply) };
      if (answer.code >= 500) lastAway.set(connection, performance.now());
      const isEarly = isPremature(connection, answer);
      if (!(isEarly || PASSING.includes(answer.code)) || attempt >= attempts) return answer;
      if (onlyRefused && !isEarly && answer.code !== TOO_MANY) return answer;
      pause = Math.max(pause, retryAfterMs(reply, answer.text));
    } catch (error) {
      signal.throwIfAborted();
      lastAway.set(connection, performance.now());
      const failure = networkError(connection, request.action, error, attempt);
      if (failure instanceof RejectedError || attempt >= attempts || onlyRefused) throw failure;
    }
    await pauseFor(pause, signal);
  }
}

/** When a connection last met no server, or one that could not answer. */
const lastAway = new WeakMap<Connection, number>();
const SETTLES_MS = 30_000;

/** Whether it is a refusal of an API server that came up a moment ago: until it has read its roles and accounts it refuses everybody. */
function isPremature(connection: Connection, { code, text }: Answer): boolean {
  const since = performance.now() - (lastAway.get(connection) ?? Number.NEGATIVE_INFINITY);
  return (code === 401 || code === 403) && since < SETTLES_MS && !text.includes("exceeded quota");
}

/** Rejects with the signal's own reason, which `delay` would wrap. */
async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}

async function textOf({ body }: Reply): Promise<string> {
  body.setEncoding("utf8");
  let text = "";
  for await (const chunk of body) text += String(chunk);
  return text;
}

/** Seconds by header or status document; a server may ask for more than we are ready to wait. */
function retryAfterMs({ headers }: Reply, text: string): number {
  const header = headers["retry-after"];
  const seconds = Number(typeof header === "string" ? header : statusOf(text)?.details?.retryAfterSeconds);
  return Number.isFinite(seconds) ? Math.min(Math.max(0, seconds) * 1000, LONGEST_PAUSE_MS) : 0;
}

/** What a failed request means: a certificate is for people to mend, anything else may pass. */
export function networkError(connection: Connection, action: string, error: unknown, attempts: number): Error {
  if (error instanceof RejectedError) return error;
  const code = codeOf(error);
  const words = error instanceof Error && error.message !== "" ? error.message : code || String(error);
  const message = `Cannot ${action}: ${connection.server} cannot be reached: ${words}`;
  if (BAD_CERTIFICATE.test(code)) {
    return new RejectedError(message, {
      remedy: "See that server and certificate-authority-data in the kubeconfig belong together",
      cause: error,
    });
  }
  const failure = new UnavailableError(attempts > 1 ? `${message} (asked ${attempts} times)` : message);
  failure.cause = error;
  return failure;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : "";
}
