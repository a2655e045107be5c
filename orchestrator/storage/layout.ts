/** @module Where everything lies below the root of a store, a folder or `s3a://bucket/prefix` (`store.ts` has the list). No name leads out of it. */
import { isAbsolute, join, normalize, relative, sep } from "node:path";
import { RejectedError } from "../errors.ts";

export type Layout = ReturnType<typeof layoutOf>;

export function layoutOf(root: string) {
  const below = (...names: (string | number)[]) => joined(root, ...names.map((name) => component(String(name))));
  const run = (name: string) => below("runs", name);
  const dataset = (namespace: string, name: string) => below("datasets", namespace, name);
  return {
    sequence: below("sequence"),
    sequenceLock: below("sequence-lock"),
    fingerprints: below("fingerprints.json"),
    garbageLock: below("gc-lock"),
    runs: below("runs"),
    run,
    record: (name: string) => joined(run(name), "run.json"),
    status: (name: string) => joined(run(name), "status.json"),
    /** Of a run whose record is in a cluster: where. */
    elsewhere: (name: string) => joined(run(name), "cluster.json"),
    /** What is too long for the record, by digest. */
    document: (name: string, digest: string) => below("runs", name, `${digest}.json`),
    runLock: (name: string) => joined(run(name), "lock"),
    cancel: (name: string) => joined(run(name), "cancel.json"),
    attempt: (name: string, step: string, attempt: number) => below("runs", name, step, attempt),
    work: (name: string, step: string) => below("runs", name, step, "work"),
    data: (namespace: string) => below("data", namespace),
    output: (namespace: string, name: string, step: string, attempt: number, role: string) =>
      below("data", namespace, name, step, attempt, role),
    datasets: (namespace: string) => below("datasets", namespace),
    versions: (namespace: string, name: string) => joined(dataset(namespace, name), "versions"),
    version: (namespace: string, name: string, version: string) =>
      below("datasets", namespace, name, "versions", `${version}.json`),
    pointer: (namespace: string, name: string) => joined(dataset(namespace, name), "current.json"),
    history: (namespace: string, name: string) => joined(dataset(namespace, name), "history.jsonl"),
    pointerLock: (namespace: string, name: string) => joined(dataset(namespace, name), "lock"),
    commits: (namespace: string) => below("commits", namespace),
    commit: (namespace: string, key: string) => below("commits", namespace, `${key}.json`),
    codes: below("code"),
    code: (digest: string) => below("code", digest),
  };
}

/** A name as one part of a path. Throws RejectedError for what would lead elsewhere or be hidden. */
export function component(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name) && name.length <= 200) return name;
  throw new RejectedError(
    `Cannot use ${JSON.stringify(name.slice(0, 80))} as a name: expected letters, digits, dashes, dots and underscores, beginning with a letter or digit`,
  );
}

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Whether the text is a URI of any scheme. */
export function isUri(path: string): boolean {
  return SCHEME.test(path);
}

export function isInBucket(path: string): boolean {
  return path.startsWith("s3a://");
}

/** Whether the text says alone where something lies: an absolute path or a URI. */
export function isPlace(path: string): boolean {
  return isUri(path) || isAbsolute(path);
}

/** `names` below a folder or URI. In a URI nothing is resolved. */
export function joined(folder: string, ...names: string[]): string {
  return isUri(folder) ? [folder.replace(/\/+$/, ""), ...names].join("/") : join(folder, ...names);
}

/** Absolute path or URI of `path` below `folder`, or undefined when it leads out of it or is the folder itself. Links are not followed. */
export function inside(folder: string, path: string): string | undefined {
  if (isPlace(path) || path.includes("\0")) return undefined;
  if (isUri(folder)) return isPlain(path) ? joined(folder, path) : undefined;
  const full = join(folder, path);
  const back = relative(folder, full);
  return back === "" || back === ".." || back.startsWith(`..${sep}`) || isAbsolute(back) ? undefined : full;
}

/** A key is taken as it stands: `a/../b` and `a//b` are other objects than `b` and `a/b`, so no path may be written like that. */
function isPlain(path: string): boolean {
  return normalize(path) === path && !/^\.{1,2}(\/|$)/.test(path) && !path.endsWith("/");
}
