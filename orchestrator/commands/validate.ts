/** @module `validate`: every problem of the spec files at once. */
import type { Command } from "commander";
import { InvalidSpecError } from "../errors.ts";
import type { Json } from "../json.ts";
import { format } from "../report/format.ts";
import { counted } from "../report/text.ts";
import { fileFlag, outputFlag, type SpecFlags } from "./flags.ts";
import { checkSpecs } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  outputFlag(fileFlag(command)).action((flags: SpecFlags & { output: string }) => {
    const print = format(flags.output);
    const { documents, files, problems } = checkSpecs(flags, terminal);
    const summary = `${counted(documents.length, "document")} in ${counted(files, "file")}: no problems\n`;
    const view = {
      object: { documents: documents.length, files, problems: problems as unknown as Json },
      names: documents.map((document) => `${document.kind.toLowerCase()}/${document.name}`),
      table: () => (problems.length === 0 ? summary : ""),
    };
    terminal.out(print(view));
    if (problems.length > 0) throw new InvalidSpecError(problems);
  });
}
