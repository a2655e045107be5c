/** @module Lists of objects, page by page. */
import { UnavailableError } from "../errors.ts";
import { call, type Call } from "./call.ts";
import type { Connection } from "./connection.ts";
import type { KubeObject } from "./objects.ts";
import { ExpiredError } from "./refusal.ts";

/** Metadata alone: contents of config maps are nobody's business. */
export const METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

const PAGE = 500;
/** A list that changes faster than it can be read, or that is old, is begun anew this often. */
const RESTARTS = 3;

export interface ListOptions<T = KubeObject> {
  /** For messages, as in `list pods in offers`. */
  action: string;
  /** Path of the collection. */
  path: string;
  labelSelector?: string;
  fieldSelector?: string;
  accept?: string;
  /** Objects per page. Default 500. */
  limit?: number;
  /** What is kept of an object, of each page before the next is asked for; whole ones are large. Default: all of it. */
  keep?: (object: T) => T;
  /** Told each reply before its text is read. */
  onReply?: Call["onReply"];
}

export interface Listed<T> {
  items: T[];
  /** Where a watch may go on from. */
  resourceVersion: string;
}

interface Page<T> {
  metadata?: { continue?: string; resourceVersion?: string };
  items?: T[];
}

/** The newest state of each collection that a connection has shown, by path. */
const newest = new WeakMap<Connection, Map<string, bigint>>();

/** What is listed from now on must not be older than this. */
export function remember(connection: Connection, path: string, version: string | undefined): void {
  const seen = newest.get(connection) ?? new Map<string, bigint>();
  newest.set(connection, seen);
  const number = numberOf(version);
  if (number !== undefined && number > (seen.get(path) ?? 0n)) seen.set(path, number);
}

/** A version as a number; undefined where it is none, and so cannot be compared. */
export function numberOf(version: string | undefined): bigint | undefined {
  return version !== undefined && /^\d+$/.test(version) ? BigInt(version) : undefined;
}

/**
 * All objects of a collection, as of one moment that is not before what this connection has shown already: a server that lags behind
 * another one is asked again. So is one on which later pages expire. Throws as `call` does.
 */
export async function list<T extends KubeObject>(
  connection: Connection,
  options: ListOptions<T>,
  signal: AbortSignal,
): Promise<Listed<T>> {
  for (let restart = 0; restart <= RESTARTS; restart += 1) {
    const listed = await readPages<T>(connection, options, signal);
    if (listed === undefined || isOld(connection, options, listed)) continue;
    remember(connection, options.path, listed.resourceVersion);
    return listed;
  }
  throw new UnavailableError(
    `Cannot ${options.action}: the list expired on the server, or was older than one before, ${RESTARTS + 1} times`,
  );
}

function isOld(
  connection: Connection,
  { path }: Pick<ListOptions, "path">,
  { resourceVersion }: Listed<unknown>,
): boolean {
  const number = numberOf(resourceVersion);
  return number !== undefined && number < (newest.get(connection)?.get(path) ?? 0n);
}

async function readPages<T>(
  connection: Connection,
  { action, path, accept, limit = PAGE, keep, onReply, labelSelector, fieldSelector }: ListOptions<T>,
  signal: AbortSignal,
): Promise<Listed<T> | undefined> {
  const items: T[] = [];
  let next: string | undefined;
  do {
    const request = {
      method: "GET",
      path,
      action,
      query: { labelSelector, fieldSelector, limit, continue: next },
      ...(accept === undefined ? {} : { accept }),
      ...(onReply === undefined ? {} : { onReply }),
    } as const;
    const page = await call<Page<T>>(connection, request, signal).catch((error: unknown) => {
      if (next !== undefined && error instanceof ExpiredError) return "expired" as const;
      throw error;
    });
    if (page === "expired") return undefined;
    for (const item of page?.items ?? []) items.push(keep?.(item) ?? item);
    next = page?.metadata?.continue;
    if (!next) return { items, resourceVersion: page?.metadata?.resourceVersion ?? "" };
  } while (next);
  return undefined;
}
