/** @module `version`: of the program and of what it is made for. */
import type { Command } from "commander";
import product from "../../package.json" with { type: "json" };
import { API_VERSION } from "../kinds/fields.ts";
import { format } from "../report/format.ts";
import { outputFlag } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  outputFlag(command).action((flags: { output: string }) => {
    const object = { version: product.version, apiVersion: API_VERSION, node: process.versions.node };
    const table = () => `sparkwright ${object.version} (${object.apiVersion}, Node ${object.node})\n`;
    terminal.out(format(flags.output)({ object, names: [`sparkwright/${object.version}`], table }));
  });
}
