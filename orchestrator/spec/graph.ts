/** @module Jobs joined by the datasets they read and write: who waits for whom, and whether that goes round in a circle. */
import type { JobDocument } from "./document.ts";
import { portsOf } from "./ports.ts";

/** Job name → names of the jobs it waits for. */
export type Needs = ReadonlyMap<string, ReadonlySet<string>>;

/** Dataset → names of the jobs that write it, in the order given. */
export function writersOf(jobs: readonly JobDocument[]): Map<string, string[]> {
  const writers = new Map<string, string[]>();
  for (const job of jobs) {
    for (const { dataset } of portsOf(job).outputs) writers.set(dataset, [...(writers.get(dataset) ?? []), job.name]);
  }
  return writers;
}

/** Needs by data, and by `after` (job → jobs to wait for). */
export function needsOf(jobs: readonly JobDocument[], after: ReadonlyMap<string, readonly string[]>): Needs {
  const writers = writersOf(jobs);
  return new Map(
    jobs.map((job) => {
      const byData = portsOf(job).inputs.flatMap(({ dataset }) => writers.get(dataset) ?? []);
      return [job.name, new Set([...byData, ...(after.get(job.name) ?? [])])];
    }),
  );
}

/** A circle of names, its first repeated at the end (`a, b, a` reads a → b → a: a feeds b), or undefined. Nodes outside the graph are ignored. */
export function cycleIn(needs: Needs): string[] | undefined {
  const done = new Set<string>();
  for (const start of needs.keys()) {
    // Depth first without recursion: `trail` is the way from `start` to here, each with what is still to be looked at.
    const trail: { name: string; rest: string[] }[] = [];
    const enter = (name: string): void => {
      trail.push({ name, rest: [...(needs.get(name) ?? [])].filter((need) => needs.has(need)) });
    };
    if (!done.has(start)) enter(start);
    for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
      const next = top.rest.shift();
      if (next === undefined) {
        done.add(top.name);
        trail.pop();
        continue;
      }
      const from = trail.findIndex((step) => step.name === next);
      if (from >= 0)
        return [
          next,
          ...trail
            .slice(from)
            .map((step) => step.name)
            .toReversed(),
        ];
      if (!done.has(next)) enter(next);
    }
  }
  return undefined;
}
