/** @module What a backend would be sent, as people run it by hand: YAML documents, or shell commands for `spark-submit`. */
import type { Json } from "../json.ts";
import { yaml } from "./format.ts";

export interface Rendered {
  step: string;
  /** What the backend's `render` gave. */
  sent: unknown;
}

interface CommandLine {
  command: string[];
  env: Record<string, string>;
  workingDirectory: string;
}

/** A YAML stream when the backend sends objects; commands otherwise. */
export function renderedText(all: Rendered[]): string {
  return all
    .map(({ step, sent }) => (isCommandLine(sent) ? commandText(step, sent) : `---\n${yaml(sent as Json)}`))
    .join("");
}

function isCommandLine(sent: unknown): sent is CommandLine {
  return sent !== null && typeof sent === "object" && "command" in sent && Array.isArray(sent.command);
}

function commandText(step: string, { command, env, workingDirectory }: CommandLine): string {
  const [program = "", ...rest] = command;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`);
  const lines = [`cd ${quoted(workingDirectory)} &&`, [...variables, program].join(" "), ...pairs(rest)];
  return `# ${step}\n${lines.map((line, at) => (at < 1 ? line : at < lines.length - 1 ? `${line} \\` : line)).join("\n")}\n\n`;
}

/** A flag stays on one line with its value. */
function pairs(words: string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const [word = "", next] = [words[at], words[at + 1]];
    const takesNext = word.startsWith("--") && next !== undefined;
    lines.push(`  ${quoted(word)}${takesNext ? ` ${quoted(next)}` : ""}`);
    if (takesNext) at += 1;
  }
  return lines;
}

/** A word as a POSIX shell reads it back. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
