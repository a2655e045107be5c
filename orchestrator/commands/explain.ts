/** @module `explain KIND[.path]`: what a kind or field means, from its schema. */
import type { Command } from "commander";
import { RejectedError } from "../errors.ts";
import { explain } from "../kinds/field-rows.ts";
import { KIND_NAMES, KINDS } from "../kinds/index.ts";
import { suggestion } from "../nearest.ts";
import { explainText, kindsTable } from "../report/explain.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  command
    .argument("[kind]", "kind, or a field of it such as FeatureJob.zones; without it all kinds")
    .option("-r, --recursive", "every field below, not only the next level")
    .action((path: string | undefined, flags: { recursive?: boolean }) => {
      if (path === undefined) {
        const kinds = KIND_NAMES.map((name) => ({ kind: name, meaning: KINDS[name].schema.description ?? "" }));
        return terminal.out(kindsTable(kinds, terminal.paint));
      }
      const explained = explain(path);
      if ("unknown" in explained) {
        throw new RejectedError(
          `Cannot explain "${path}": nothing is called "${explained.unknown}" there${suggestion(explained.unknown, explained.known)}`,
        );
      }
      terminal.out(explainText(explained, flags.recursive === true, terminal.paint));
    });
}
