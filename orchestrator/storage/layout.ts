/** @module Where everything lies below the root of a folder store (`store.ts` has the list). No name leads out of it. */
import { isAbsolute, join, relative, sep } from "node:path";
import { RejectedError } from "../errors.ts";

export type Layout = ReturnType<typeof layoutOf>;

export function layoutOf(root: string) {
  const below = (...names: (string | number)[]) => join(root, ...names.map((name) => component(String(name))));
  const run = (name: string) => below("runs", name);
  const dataset = (namespace: string, name: string) => below("datasets", namespace, name);
  return {
    sequence: below("sequence"),
    sequenceLock: below("sequence-lock"),
    fingerprints: below("fingerprints.json"),
    garbageLock: below("gc-lock"),
    runs: below("runs"),
    run,
    record: (name: string) => join(run(name), "run.json"),
    status: (name: string) => join(run(name), "status.json"),
    runLock: (name: string) => join(run(name), "lock"),
    cancel: (name: string) => join(run(name), "cancel.json"),
    attempt: (name: string, step: string, attempt: number) => below("runs", name, step, attempt),
    work: (name: string, step: string) => below("runs", name, step, "work"),
    data: (namespace: string) => below("data", namespace),
    output: (namespace: string, name: string, step: string, attempt: number, role: string) =>
      below("data", namespace, name, step, attempt, role),
    datasets: (namespace: string) => below("datasets", namespace),
    versions: (namespace: string, name: string) => join(dataset(namespace, name), "versions"),
    version: (namespace: string, name: string, version: string) =>
      below("datasets", namespace, name, "versions", `${version}.json`),
    pointer: (namespace: string, name: string) => join(dataset(namespace, name), "current.json"),
    history: (namespace: string, name: string) => join(dataset(namespace, name), "history.jsonl"),
    pointerLock: (namespace: string, name: string) => join(dataset(namespace, name), "lock"),
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

/** Absolute path of `path` below `folder`, or undefined when it leads out of it or is the folder itself. Links are not followed. */
export function inside(folder: string, path: string): string | undefined {
  if (isAbsolute(path) || path.includes("\0")) return undefined;
  const full = join(folder, path);
  const back = relative(folder, full);
  return back === "" || back === ".." || back.startsWith(`..${sep}`) || isAbsolute(back) ? undefined : full;
}
