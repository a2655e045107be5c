/** @module Told by the backend that something may have changed, so that the next look need not wait. */
import { hasChanges } from "../backends/backend.ts";
import type { Crew } from "./crew.ts";

export interface Bell {
  /** Called before a look: what rang so far, the look will see. */
  silence(): void;
  /** Resolves as soon as something may have changed since it was silenced. */
  rings(): Promise<void>;
}

/** Never rings for a backend that has to be asked. */
export function bellOf({ backend, record }: Crew, over: AbortSignal): Bell {
  let ring = Promise.withResolvers<void>();
  const { namespace } = record.plan.target.spec;
  if (hasChanges(backend)) backend.follow({ namespace, run: record.name }, () => ring.resolve(), over);
  return {
    silence: () => void (ring = Promise.withResolvers()),
    rings: () => ring.promise,
  };
}
