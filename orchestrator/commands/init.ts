/** @module `init [DIR]`: a small project that runs at once. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { RejectedError } from "../errors.ts";
import { quoted } from "../report/rendered.ts";
import { projectFiles } from "./init-files.ts";
import type { Terminal } from "./terminal.ts";

export function declare(command: Command, terminal: Terminal): void {
  command.argument("[dir]", "folder of the project, made when it is not there", ".").action((dir: string) => {
    const folder = resolve(terminal.cwd, dir);
    const files = Object.entries(projectFiles());
    const taken = files.find(([path]) => existsSync(join(folder, path)));
    if (taken !== undefined) {
      throw new RejectedError(`Cannot begin a project in ${folder}: ${taken[0]} is there already`, {
        remedy: "Name an empty folder: sparkwright init DIR",
      });
    }
    for (const [path, content] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content, { flag: "wx" });
      terminal.out(`${join(dir, path)}\n`);
    }
    const place = relative(terminal.cwd, folder);
    terminal.say(
      `\nNext:\n${place === "" ? "" : `  cd ${quoted(place)}\n`}  sparkwright validate\n  sparkwright run\n`,
    );
  });
}
