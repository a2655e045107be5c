/**
 * @module Requests to an S3 server: which one the standard variables name (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_PROFILE …),
 * a bounded number of tries, and errors by what the caller must do.
 */
import type * as Client from "@aws-sdk/client-s3";
import type { S3Client } from "@aws-sdk/client-s3";
import { setTimeout as delay } from "node:timers/promises";
import { ConflictError, RejectedError, UnavailableError } from "../errors.ts";

/** How long to wait for a server that does not answer. */
export interface Patience {
  tries: number;
  /** Of one try, in ms; more for large bodies. */
  tryMs: number;
  /** Before the second try; doubles with each. */
  pauseMs: number;
}

/** About 30 s when it hangs, 3 s when it refuses. */
export const PATIENCE: Patience = { tries: 5, tryMs: 6000, pauseMs: 200 };

type Sdk = typeof Client;

export interface Try {
  sdk: Sdk;
  client: S3Client;
  signal: AbortSignal;
  /** An earlier try may have been carried out although no answer came. */
  isUnsure: boolean;
}

const clients = new Map<string, Promise<{ sdk: Sdk; client: S3Client }>>();

/** One client for what the variables name now; loaded at the first request. */
function connect(): Promise<{ sdk: Sdk; client: S3Client }> {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID } =
    process.env;
  const endpoint = AWS_ENDPOINT_URL_S3 ?? AWS_ENDPOINT_URL;
  // Servers other than Amazon's have one region, whatever it is called.
  const region = AWS_REGION ?? AWS_DEFAULT_REGION ?? (endpoint === undefined ? undefined : "us-east-1");
  const key = JSON.stringify([endpoint, region, AWS_PROFILE, AWS_ACCESS_KEY_ID]);
  const made = clients.get(key) ?? open(endpoint, region);
  clients.set(key, made);
  return made;
}

async function open(endpoint: string | undefined, region: string | undefined): Promise<{ sdk: Sdk; client: S3Client }> {
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: true,
    // Other servers than Amazon's refuse or mangle the checksums that newer clients add.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // Tries are counted here: whether there was an earlier one decides what an answer means.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 3000, httpAgent: { maxSockets: 32 }, httpsAgent: { maxSockets: 32 } },
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const time = Date.parse(dateOf(result.response));
      if (result.output !== undefined && !Number.isNaN(time)) serverTimes.set(result.output.$metadata, time);
      return result;
    },
    { step: "deserialize", name: "serverTime", priority: "high" },
  );
  return { sdk, client };
}

/** By the metadata of an answer. */
const serverTimes = new WeakMap<object, number>();

/** When the server gave the answer with this metadata, by its own clock, in epoch ms; undefined when it did not say. */
export function serverTimeOf(metadata: object): number | undefined {
  return serverTimes.get(metadata);
}

function dateOf(response: unknown): string {
  const headers = typeof response === "object" && response !== null && "headers" in response ? response.headers : {};
  const hasDate = typeof headers === "object" && headers !== null && "date" in headers;
  return hasDate && typeof headers.date === "string" ? headers.date : "";
}

/**
 * Does `work`, again when the server did not answer as it should. `verb` and `uri` say what it is for. Throws RejectedError for
 * what a person has to mend, ConflictError when others write at the same time, UnavailableError when patience is at its end.
 */
export async function send<T>(
  verb: string,
  uri: string,
  work: (attempt: Try) => Promise<T>,
  patience: Patience = PATIENCE,
): Promise<T> {
  let isUnsure = false;
  for (let tries = 1; ; tries++) {
    try {
      return await work({ ...(await connect()), signal: AbortSignal.timeout(patience.tryMs), isUnsure });
    } catch (error) {
      if (!isPassing(error)) throw said(verb, uri, error);
      if (tries >= patience.tries) throw givenUp(verb, uri, tries, error);
      isUnsure = true;
    }
    await delay(patience.pauseMs * 2 ** (tries - 1) * (0.5 + Math.random()));
  }
}

/** HTTP status of the answer that an error stands for; undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return undefined;
  const { $metadata: metadata } = error;
  const isAnswer = typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata;
  return isAnswer && typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
}

/** Whether the server lacks the object that was asked for. Servers say 404 of buckets and users, too; those are other matters. */
export function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 && ["NoSuchKey", "NotFound"].includes(nameOf(error));
}

/** The server's code of an error, such as SlowDown. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}

/** Nothing is wrong with the request: the server is away, slow, overloaded, or the answer was cut. */
function isPassing(error: unknown): boolean {
  const status = statusOf(error);
  if (status !== undefined && status >= 300) return status >= 500 || status === 429 || status === 408 || status === 409;
  if (error instanceof RejectedError || error instanceof ConflictError) return false;
  return !NOT_PASSING.test(`${nameOf(error)}: ${messageOf(error)}`);
}

/** What is wrong here or in the variables, not with the server. */
const NOT_PASSING = /^(CredentialsProviderError|TypeError|RangeError|ReferenceError):|Region is missing/;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function givenUp(verb: string, uri: string, tries: number, cause: unknown): Error {
  const status = statusOf(cause);
  if (status === 409) return new ConflictError(`Cannot ${verb} ${uri}: others write it at the same time`, { cause });
  const why = status === undefined ? reasonOf(cause) : `it answers ${status} ${nameOf(cause)}`;
  return new UnavailableError(`Cannot ${verb} ${uri}: the S3 server is not available after ${tries} tries: ${why}`, {
    cause,
  });
}

function reasonOf(error: unknown): string {
  if (["TimeoutError", "AbortError"].includes(nameOf(error))) return "no answer in time";
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  // A connection refused on two addresses has no words of its own.
  return [code, messageOf(error)].filter((part) => part !== undefined && part !== "").join(" ");
}

const ACCESS =
  "Give the user of these AWS_* credentials the right to read, write, list and delete there, or correct them";

/** What a person can mend is said so. */
function said(verb: string, uri: string, error: unknown): unknown {
  if (error instanceof RejectedError || error instanceof ConflictError) return error;
  const refuse = (why: string, remedy: string) =>
    new RejectedError(`Cannot ${verb} ${uri}: ${why}`, { remedy, cause: error });
  const [name, status] = [nameOf(error), statusOf(error)];
  if (name === "NoSuchBucket") return refuse("there is no such bucket", "Create the bucket, or correct the URI");
  if (name === "CredentialsProviderError")
    return refuse("there are no credentials", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE");
  if (/Region is missing/.test(messageOf(error)))
    return refuse("no region is named", "Set AWS_REGION, and AWS_ENDPOINT_URL for a server other than Amazon's");
  if (status === 401 || status === 403 || name === "XAdminUserNotFound")
    return refuse(`permission denied (${name})`, ACCESS);
  if (status === 301 || name === "AuthorizationHeaderMalformed")
    return refuse("the bucket is in another region", "Set AWS_REGION to the bucket's");
  const why = status === undefined ? `${name}: ${messageOf(error)}` : `${status} ${name}: ${messageOf(error)}`;
  return refuse(why, "Check AWS_ENDPOINT_URL and what the server's log says");
}
