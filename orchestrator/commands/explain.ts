/** @module `explain KIND[.path]`: what a kind or field means, from its schema; `explain entity/ID`: why an entity got its offers. */
import type { Command } from "commander";
import { RejectedError } from "../errors.ts";
import { explain } from "../kinds/field-rows.ts";
import { KIND_NAMES, KINDS } from "../kinds/index.ts";
import { suggestion } from "../nearest.ts";
import { explainText, kindsTable } from "../report/explain.ts";
import { format } from "../report/format.ts";
import { type EntityFlags, explainEntity } from "./explain-entity.ts";
import { outputFlag, placeFlags } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

type Flags = EntityFlags & { recursive?: boolean; output: string };

/** As kubectl writes an object: TYPE/NAME. */
const ENTITY = "entity/";

export function declare(command: Command, terminal: Terminal): void {
  placeFlags(outputFlag(command))
    .argument("[kind]", "kind, a field of it such as FeatureJob.zones, or entity/ID; without it all kinds")
    .option("-r, --recursive", "every field below, not only the next level")
    .option("--run <run>", "run whose offers are explained (default: what is published)")
    .action(async (path: string | undefined, flags: Flags) => {
      if (path?.startsWith(ENTITY) === true) {
        const print = format(flags.output);
        return terminal.out(print(await explainEntity(path.slice(ENTITY.length), flags, terminal)));
      }
      if (flags.output !== "table")
        throw new RejectedError(`Cannot print a kind as ${flags.output}: -o is for entity/ID`, {
          remedy: "Leave -o out; job-specs/schema/ has the kinds as JSON Schemas",
        });
      if (path === undefined) {
        const kinds = KIND_NAMES.map((name) => ({ kind: name, meaning: KINDS[name].schema.description ?? "" }));
        return terminal.out(kindsTable(kinds, terminal.paint));
      }
      const explained = explain(path);
      if ("unknown" in explained) {
        throw new RejectedError(
          `Cannot explain "${path}": nothing is called "${explained.unknown}" there${suggestion(explained.unknown, explained.known)}`,
          explained.unknown === path ? { remedy: `Name a kind, or ${ENTITY}ID for why an entity got its offers` } : {},
        );
      }
      terminal.out(explainText(explained, flags.recursive === true, terminal.paint));
    });
}
