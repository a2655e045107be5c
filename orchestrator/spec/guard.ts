/**
 * @module Refuses texts that would hurt the parser, before it sees them.
 *
 * The YAML parser is recursive: a thousand nested brackets in a cold process end Node without an exception. Its lexer is a loop, so depth is
 * counted on its tokens. Here too: unrendered templates, which are YAML by accident and would give a confusing answer later.
 */
import { Lexer } from "yaml";
import type { Problem } from "../problem.ts";

/** Bytes of one file. Real specs are a hundredth of it. */
export const MAX_BYTES = 1_048_576;
/** Levels of maps and lists within each other. Overflow begins at about 780. */
export const MAX_DEPTH = 64;
/** Tokens of one file; a second of parsing. Real specs are a hundredth of it. */
const MAX_TOKENS = 200_000;

export interface Guarded {
  /** What forbids parsing the text; empty when it may be parsed. At most one problem of each sort. */
  problems: Problem[];
  /** The tokens of the text, for the parser: cutting it up is half of its work. Incomplete when there are problems. */
  lexemes: string[];
}

/** Cuts a text into tokens and says whether a parser may see them. */
export function guard(file: string, text: string): Guarded {
  const found = (offset: number, message: string, remedy?: string): Problem => ({
    file,
    ...positionOf(text, offset),
    path: "",
    message,
    ...(remedy === undefined ? {} : { remedy }),
  });
  if (Buffer.byteLength(text) > MAX_BYTES) {
    const problem = { file, line: 0, column: 0, path: "", ...tooLarge(Buffer.byteLength(text)) };
    return { problems: [problem], lexemes: [] };
  }
  // Tab, line feed and carriage return are text; other control characters and half surrogate pairs are not.
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffe\uffff]|\p{Surrogate}/u.exec(
    text,
  );
  if (control !== null) {
    const code = (control[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const problem = found(
      control.index,
      `control character U+${code} in the text`,
      "save the file as plain UTF-8 text",
    );
    return { problems: [problem], lexemes: [] };
  }
  const { deep, template, crowded, lexemes } = scan(text);
  const problems: Problem[] = [];
  if (template !== undefined) {
    const excerpt = text.slice(template, template + LONGEST_EXCERPT).split("\n", 1)[0] ?? "";
    const end = Math.max(excerpt.indexOf("}}"), excerpt.indexOf("%}"));
    const shown = end < 0 ? `${excerpt}…` : excerpt.slice(0, end + 2);
    problems.push(
      found(template, `unrendered template ${shown}`, "render it first, or use a parameter: ${params.NAME}"),
    );
  }
  if (crowded !== undefined)
    problems.push(found(crowded, `more than ${MAX_TOKENS} words and signs in one file`, "split the file"));
  if (deep !== undefined)
    problems.push(found(deep, `nested more than ${MAX_DEPTH} levels deep`, "no kind needs more than a few levels"));
  return { problems, lexemes };
}

const LONGEST_EXCERPT = 60;

/** The message about a file of so many bytes; also used where a file is not even read. */
export function tooLarge(bytes: number): { message: string; remedy: string } {
  return {
    message: `the file has ${(bytes / MAX_BYTES).toFixed(1)} MiB, more than the ${MAX_BYTES / 1_048_576} MiB a spec file may have`,
    remedy: "keep data out of spec files, or split the file",
  };
}

/** 1-based line and column of an offset, in UTF-16 units as editors count. */
export function positionOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

interface Open {
  column: number;
  list: boolean;
}

interface Scan {
  /** Offsets of the first token that is too deep, of the first template, and of the token where there are too many. */
  deep: number | undefined;
  template: number | undefined;
  crowded: number | undefined;
  lexemes: string[];
}

function scan(text: string): Scan {
  const open: Open[] = [];
  let [offset, lineStart, flow] = [0, 0, 0];
  let [deep, template]: (number | undefined)[] = [];
  let tokens = 0;
  let afterKey = false;
  let braceAt = -2;
  const lexemes: string[] = [];
  for (const token of new Lexer().lex(text)) {
    lexemes.push(token);
    // Marks of the lexer, not part of the text.
    if (token === "\u0002" || token === "\u0018" || token === "\u001f") continue;
    if (++tokens > MAX_TOKENS) return { deep, template, crowded: offset, lexemes };
    const column = offset - lineStart;
    template ??= templateIn(token, offset, braceAt);
    if (token === "{") braceAt = offset;
    if (token === "[" || token === "{") flow++;
    else if (token === "]" || token === "}") flow = Math.max(0, flow - 1);
    else if ((token === "---" || token === "...") && column === 0) open.length = flow = 0;
    else if (flow === 0 && token.trim() !== "" && !token.startsWith("#") && !(token === ":" && afterKey)) {
      enter(open, { column, list: token === "-" });
    }
    if (deep === undefined && open.length + flow > MAX_DEPTH) deep = offset;
    if (token.trim() !== "") afterKey = !(token === "-" || token === "?" || token === ":");
    const newline = token.lastIndexOf("\n");
    if (newline >= 0) {
      lineStart = offset + newline + 1;
      afterKey = false;
    }
    offset += token.length;
  }
  return { deep, template, crowded: undefined, lexemes };
}

/** What begins at a column closes everything at or right of it; only a list may stand at the column of the map that holds it. */
function enter(open: Open[], next: Open): void {
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    if (top.column < next.column || (top.column === next.column && next.list && !top.list)) break;
    open.pop();
  }
  open.push(next);
}

/** Offset of a `{{ … }}` or `{% … %}` that this token holds or completes; comments may speak of templates. */
function templateIn(token: string, offset: number, braceAt: number): number | undefined {
  if (token === "{" && braceAt === offset - 1) return braceAt;
  if (token.startsWith("%") && braceAt === offset - 1) return braceAt;
  if (token.startsWith("#") || token.length < 4) return undefined;
  for (const [start, end] of [
    ["{{", "}}"],
    ["{%", "%}"],
  ] as const) {
    const from = token.indexOf(start);
    if (from >= 0 && token.indexOf(end, from + 2) >= 0) return offset + from;
  }
  return undefined;
}
