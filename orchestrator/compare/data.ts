/** @module Versions that two runs read from outside or wrote. */
import type { RunStatus } from "../engine/run-state.ts";
import { keysOf } from "../differences.ts";
import type { Plan } from "../plan/plan.ts";

/** A version that a run pinned at its start, or that one of its steps wrote. */
export interface DataVersion {
  version: string;
  /** The step that wrote it, `outside`, or `before`: published before the run. */
  from: string;
  /** Absent where nobody counted, as in raw data. */
  rows?: number;
}

export interface DataCompared {
  dataset: string;
  same: boolean;
  /** Absent: this run has no version of it. */
  a?: DataVersion;
  b?: DataVersion;
}

/** Dataset → version, inputs first, then outputs in the order of the steps; a step that has written nothing yet has none. */
export function versionsOf(
  plan: Plan,
  status: Pick<RunStatus, "pinned" | "steps"> | undefined,
): Record<string, DataVersion> {
  const read = plan.steps.flatMap(({ inputs }) =>
    Object.values(inputs).flatMap((port): [string, DataVersion][] => {
      const version = port.step === undefined ? status?.pinned[port.dataset] : undefined;
      return version === undefined
        ? []
        : [[port.dataset, { version, from: port.external === undefined ? "before" : "outside" }]];
    }),
  );
  const written = plan.steps.flatMap(({ name, outputs }) =>
    Object.values(outputs).flatMap(({ dataset }): [string, DataVersion][] => {
      const version = status?.steps[name]?.outputs?.[dataset];
      return version === undefined ? [] : [[dataset, { version, from: name }]];
    }),
  );
  return Object.fromEntries([...read, ...written]);
}

/** In the order of A, then what only B has. */
export function compareData(a: Record<string, DataVersion>, b: Record<string, DataVersion>): DataCompared[] {
  const names = new Set([...Object.keys(a), ...keysOf(a, b)]);
  return [...names].map((dataset) => {
    const [mine, other] = [a[dataset], b[dataset]];
    return {
      dataset,
      same: mine?.version === other?.version,
      ...(mine === undefined ? {} : { a: mine }),
      ...(other === undefined ? {} : { b: other }),
    };
  });
}
