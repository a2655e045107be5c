/** @module `crds`: the definitions that a cluster needs before runs can be kept there. */
import type { Command } from "commander";
import type { Json } from "../json.ts";
import { runDefinition } from "../kinds/definition.ts";
import { yaml } from "../report/format.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  command.action(() => terminal.out(yaml(runDefinition() as unknown as Json)));
}
