/**
 * @module A copy of a collection that follows the cluster: list, then watch, and list again when the server has forgotten where we were.
 * It never stops by itself; whatever goes wrong is told and tried again.
 */
import { setTimeout as delay } from "node:timers/promises";
import { networkError } from "./call.ts";
import type { Connection } from "./connection.ts";
import { linesOf } from "./lines.ts";
import { list, type ListOptions, remember } from "./list.ts";
import type { KubeObject, Status } from "./objects.ts";
import { errorOf, ExpiredError } from "./refusal.ts";

export interface ReflectorOptions<T = KubeObject> extends ListOptions<T> {
  /** An object came, changed or went. Only told its key: what it is now is in the copy. */
  onChange: (key: string) => void;
  /** The copy is whole, for the first time and after each further list. */
  onSynced?: () => void;
  /** Something went wrong and will be tried again. */
  onError?: (error: unknown) => void;
  /** Longest silence of a watch in ms; the server sends a bookmark about every minute. Default 2 min. */
  idleMs?: number;
  /** Longest life of a watch in s, after which it goes on in a new request. Default 5 min. */
  watchSeconds?: number;
  /** Pause after the first failure in ms, doubled each time up to 30 s. Default 250. */
  pauseMs?: number;
  /** How long a watch must live for the pauses to begin anew, in ms. Default 5 s. */
  provenMs?: number;
}

const LONGEST_PAUSE_MS = 30_000;

interface Copy<T> {
  objects: Map<string, T>;
  /** Where a watch goes on from; undefined when only a list can tell. */
  version: string | undefined;
}

interface WatchEvent<T> {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: T;
}

export interface Reflector<T> {
  /** Objects by `namespace/name`, or `name` where there is no namespace. */
  readonly objects: ReadonlyMap<string, T>;
  /** Follows until aborted, then resolves. */
  run(signal: AbortSignal): Promise<void>;
}

export function reflector<T extends KubeObject>(connection: Connection, options: ReflectorOptions<T>): Reflector<T> {
  const copy: Copy<T> = { objects: new Map(), version: undefined };
  return {
    objects: copy.objects,
    async run(signal) {
      for (let failures = 0; !signal.aborted;) {
        const began = performance.now();
        try {
          if (copy.version === undefined) await relist(connection, copy, options, signal);
          await watch(connection, copy, options, signal);
        } catch (error) {
          if (signal.aborted) return;
          // A broken stream goes on where it was. What cannot be understood may have been an event.
          if (error instanceof ExpiredError || error instanceof SyntaxError) copy.version = undefined;
          options.onError?.(error);
        }
        // A stream that ends as soon as it begins must not be opened again without a pause, whatever it said.
        failures = performance.now() - began > (options.provenMs ?? 5000) ? 0 : failures + 1;
        if (failures > 0) await pause(options.pauseMs ?? 250, failures, signal);
      }
    },
  };
}

/** Keys come as the list has them; objects that went while nobody looked are told as changes too. */
async function relist<T extends KubeObject>(
  connection: Connection,
  copy: Copy<T>,
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { items, resourceVersion } = await list<T>(connection, options, signal);
  const found = new Map(items.map((item) => [keyOf(item), item]));
  const before = new Map(copy.objects);
  copy.objects.clear();
  for (const [key, item] of found) copy.objects.set(key, item);
  for (const key of new Set([...before.keys(), ...found.keys()])) {
    const [old, now] = [before.get(key)?.metadata, found.get(key)?.metadata];
    if (old?.uid !== now?.uid || old?.resourceVersion !== now?.resourceVersion) tell(options, key);
  }
  copy.version = resourceVersion;
  options.onSynced?.();
}

async function watch<T extends KubeObject>(
  connection: Connection,
  copy: Copy<T>,
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { path, labelSelector, fieldSelector, accept, idleMs = 120_000, watchSeconds = 300 } = options;
  const action = options.action.replace(/^list /, "watch ");
  const query = {
    labelSelector,
    fieldSelector,
    resourceVersion: copy.version,
    watch: true,
    allowWatchBookmarks: true,
    timeoutSeconds: watchSeconds,
  };
  const request = { method: "GET", path, query, ...(accept === undefined ? {} : { accept }) } as const;
  const reply = await connection.send(request, { signal, idleMs, stream: true }).catch((error: unknown) => {
    throw networkError(connection, action, error, 1);
  });
  const fail = (code: number, text: string) => errorOf({ action, server: connection.server, code, text });
  if (reply.status !== 200) {
    let text = "";
    for await (const line of linesOf(reply.body, signal)) text += line;
    throw fail(reply.status, text);
  }
  for await (const line of linesOf(reply.body, signal)) {
    const event = JSON.parse(line) as WatchEvent<T>;
    if (event.type === "ERROR")
      throw fail((event.object as unknown as Status).code ?? 500, JSON.stringify(event.object));
    apply(copy, event, options);
    remember(connection, path, copy.version);
  }
}

function apply<T extends KubeObject>(
  copy: Copy<T>,
  { type, object }: WatchEvent<T>,
  options: ReflectorOptions<T>,
): void {
  copy.version = object.metadata.resourceVersion ?? copy.version;
  if (type === "BOOKMARK") return;
  const key = keyOf(object);
  if (type === "DELETED") copy.objects.delete(key);
  else copy.objects.set(key, options.keep?.(object) ?? object);
  tell(options, key);
}

/** A listener that fails must not cost the copy an event. */
function tell({ onChange, onError }: Pick<ReflectorOptions<never>, "onChange" | "onError">, key: string): void {
  try {
    onChange(key);
  } catch (error) {
    onError?.(error);
  }
}

function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

async function pause(first: number, failures: number, signal: AbortSignal): Promise<void> {
  const ms = Math.min(first * 2 ** Math.min(failures - 1, 10), LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
