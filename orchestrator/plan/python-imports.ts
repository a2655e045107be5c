/** @module Which modules a Python text imports, found without Python: enough of the language to be sure, and a plain no when it is not. */

export interface Imports {
  /** `import a.b` gives `a.b`; `from .x import y` gives module `x`, level 1, names `y`. */
  imports: { module: string; level: number; names: string[] }[];
  /** Whether it looks for files beside its modules, such as a query kept as text. */
  readsFiles: boolean;
}

/** Ways to bring in code that no import statement shows. `.eval(` is a method of models, not the built-in. */
const HIDDEN_CODE =
  /\b(__import__|import_module|runpy|pkgutil|spec_from_file_location|zipimport)\b|\bimportlib\b(?!\.(metadata|resources)\b| import (metadata|resources)\b)|(?<![.\w])(exec|eval|compile)\s*\(/;
/** Ways to find files beside the modules. */
const FILES = /\bimportlib(\.| import )resources\b|__file__/;
/** Adding a folder of this very code to the path shows nothing new. */
const PATH = /\bsys\.path\.(insert|append)\b/;

/** Imports of a text; undefined when it cannot be read to the end, or when it brings in code in ways that cannot be followed. */
export function importsOf(text: string): Imports | undefined {
  const lines = logicalLines(text);
  if (lines === undefined || lines.some((line) => HIDDEN_CODE.test(line))) return undefined;
  const readsFiles = lines.some((line) => FILES.test(line) && !PATH.test(line));
  const imports: Imports["imports"] = [];
  for (const found of lines.flatMap(statementsOf).map(importOf)) {
    if (found === "unreadable") return undefined;
    imports.push(...found);
  }
  return { imports, readsFiles };
}

/** `if x: import y; import z` holds two statements after a header. */
function statementsOf(line: string): string[] {
  return line
    .split(";")
    .map((part) =>
      part
        .replace(
          /^\s*(?:(?:if|elif|else|try|except|finally|with|for|while|def|class|async)\b[^"']*?:\s+)(?=(?:import|from)\b)/,
          "",
        )
        .trim(),
    );
}

const NAME = "[\\p{L}_][\\p{L}\\p{N}_]*";
const DOTTED = new RegExp(`^${NAME}(?:\\s*\\.\\s*${NAME})*$`, "u");

function importOf(statement: string): Imports["imports"] | "unreadable" {
  const plain = /^import\s+(.+)$/s.exec(statement);
  if (plain !== null) {
    const modules = (plain[1] ?? "").split(",").map(withoutAlias);
    return modules.every((module) => DOTTED.test(module))
      ? modules.map((module) => ({ module: compact(module), level: 0, names: [] }))
      : "unreadable";
  }
  const from = /^from\s*([.\s]*)\s*(.*?)\s*\bimport\b\s*(.+)$/s.exec(statement);
  // A statement that begins with `import` and is none of the two cannot be read; `import` is a reserved word.
  if (from === null) return /^import\b/.test(statement) ? "unreadable" : [];
  const [, dots = "", module = "", list = ""] = from;
  const names = list
    .replace(/^\(|\)$/g, "")
    .split(",")
    .map(withoutAlias)
    .filter((name) => name !== "");
  if (module !== "" && !DOTTED.test(module)) return "unreadable";
  if (names.length === 0 || !names.every((name) => name === "*" || DOTTED.test(name))) return "unreadable";
  return [{ module: compact(module), level: dots.replace(/\s/g, "").length, names }];
}

function withoutAlias(text: string): string {
  return text.trim().replace(/\s+as\s+\S+$/s, "");
}

function compact(module: string): string {
  return module.replace(/\s/g, "");
}

/** Lines with brackets and backslashes joined, comments dropped, and every string replaced by `""`; undefined when something stays open. */
function logicalLines(text: string): string[] | undefined {
  const lines: string[] = [];
  let [line, depth, at] = ["", 0, 0];
  // What stands before a quote (r, b, f …) may stay: even in a raw string a backslash keeps a quote from ending it.
  const token = /("""|'''|"|')|#[^\n]*|\\\r?\n|[([{]|[)\]}]|\r?\n|[^"'#\\()[\]{}\r\n]+|./sy;
  while (at < text.length) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (match === null) return undefined;
    const [found, quote] = match;
    at = token.lastIndex;
    if (quote !== undefined) {
      const end = stringEnd(text, at, quote);
      if (end === undefined) return undefined;
      at = end;
      line += '""';
    } else if (found.endsWith("\n")) {
      if (found.startsWith("\\") || depth > 0) line += " ";
      else {
        lines.push(line.trim());
        line = "";
      }
    } else if (!found.startsWith("#")) {
      if (found === "(" || found === "[" || found === "{") depth++;
      else if ((found === ")" || found === "]" || found === "}") && --depth < 0) return undefined;
      line += found;
    }
  }
  lines.push(line.trim());
  return depth === 0 ? lines.filter((each) => each !== "") : undefined;
}

/** Offset after the closing quote; a short string must end on its line. */
function stringEnd(text: string, from: number, quote: string): number | undefined {
  const sign = quote[0];
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\") at += text.startsWith("\r\n", at + 1) ? 2 : 1;
    else if (text[at] === sign && text.startsWith(quote, at)) return at + quote.length;
    else if (quote.length === 1 && text[at] === "\n") return undefined;
  }
  return undefined;
}
