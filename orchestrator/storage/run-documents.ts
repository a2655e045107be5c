/** @module Documents of a run that are too long for its object: plan and evidence, in the store by their digest. */
import { digest } from "../json.ts";
import type { Plan } from "../plan/plan.ts";
import { toText } from "./disk.ts";
import { inParallel, readJson } from "./files.ts";
import type { FolderStore } from "./folder.ts";
import { evidenceOf, type Documents, type RunObject } from "./run-object.ts";

export interface RunDocuments {
  /** Keeps them; one that is there already is the same. */
  keep(run: string, documents: Documents): Promise<void>;
  /** The plan of a run whose object does not hold it. */
  planOf(run: RunObject): Promise<Plan | undefined>;
  /** What the failures of a run were concluded from, by digest. A document that is gone says so. */
  evidenceOf(run: RunObject): Promise<(name: string) => string[]>;
}

export function documentsIn({ disk, layout }: Pick<FolderStore, "disk" | "layout">): RunDocuments {
  /** What was written or read by this process: content by digest never changes. */
  const known = new Map<string, unknown>();
  const read = async (run: string, name: string): Promise<unknown> => {
    if (!known.has(name)) {
      const document = await readJson<unknown>(layout.document(run, name));
      if (document === undefined || digest(document) !== name) return undefined;
      known.set(name, document);
    }
    return known.get(name);
  };

  return {
    async keep(run, documents) {
      for (const [name, document] of documents) {
        if (known.has(name)) continue;
        await disk.create(layout.document(run, name), toText(document));
        known.set(name, document);
      }
    },

    async planOf({ metadata, spec }) {
      if (spec.plan !== undefined) return undefined;
      return (await read(metadata.name, spec.planDigest)) as Plan | undefined;
    },

    async evidenceOf(run) {
      const names = evidenceOf(run);
      const found = new Map<string, string[]>();
      await inParallel(names, async (name) => {
        const document = await read(run.metadata.name, name);
        found.set(name, Array.isArray(document) ? document.map(String) : [`evidence ${name} is not in the store`]);
      });
      return (name) => found.get(name) ?? [];
    },
  };
}
