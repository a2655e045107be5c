/**
 * @module The templates of `-o jsonpath=…`, as kubectl has them: text with `{…}` between. Known are `.field`, `['field']`, `[0]`, `[-1]`, `[1:3]`, `[*]`, `.*`,
 * `..field`, `[?(@.a == "b")]` (== != < <= > >=, or bare for "is there"), `{range …}…{end}` and quoted text such as `{"\n"}`. Anything else is refused.
 */
import { RejectedError } from "../errors.ts";
import type { Json } from "../json.ts";

type Selector =
  | { select: "field"; name: string }
  | { select: "every" }
  | { select: "deep" }
  | { select: "slice"; from: number | undefined; until: number | undefined; one: boolean }
  | { select: "where"; path: Selector[]; operator: string | undefined; value: Json };

type Part =
  | { part: "text"; text: string }
  | { part: "path"; path: Selector[] }
  | { part: "range"; path: Selector[]; body: Part[] };

/** Compiles a template. The function it returns prints a value; fields that are missing print nothing. */
export function jsonpath(template: string): (value: Json) => string {
  const parts = parseParts(template);
  return (value) => print(parts, value);
}

function print(parts: Part[], value: Json): string {
  return parts
    .map((part) => {
      switch (part.part) {
        case "text":
          return part.text;
        case "path":
          return select(part.path, value).map(shown).join(" ");
        case "range":
          return select(part.path, value)
            .map((item) => print(part.body, item))
            .join("");
      }
    })
    .join("");
}

function shown(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function select(path: Selector[], value: Json): Json[] {
  return path.reduce<Json[]>((values, selector) => values.flatMap((item) => step(selector, item)), [value]);
}

function step(selector: Selector, value: Json): Json[] {
  switch (selector.select) {
    case "field":
      return isObject(value) && Object.hasOwn(value, selector.name) ? present(value[selector.name]) : [];
    case "every":
      return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    case "deep":
      return [value, ...step({ select: "every" }, value).flatMap((child) => step(selector, child))];
    case "slice": {
      if (!Array.isArray(value)) return [];
      if (selector.one) return present(value.at(selector.from ?? 0));
      return value.slice(selector.from, selector.until);
    }
    case "where":
      return Array.isArray(value) ? value.filter((item) => holds(selector, item)) : [];
  }
}

function holds(where: Selector & { select: "where" }, item: Json): boolean {
  const [left] = select(where.path, item);
  const right = where.value;
  if (where.operator === undefined) return left !== undefined;
  if (where.operator === "==") return left === right;
  if (where.operator === "!=") return left !== right;
  const alike =
    (typeof left === "number" && typeof right === "number") || (typeof left === "string" && typeof right === "string");
  if (!alike) return false;
  if (where.operator === "<") return left < right;
  if (where.operator === "<=") return left <= right;
  return where.operator === ">" ? left > right : left >= right;
}

function present(value: Json | undefined): Json[] {
  return value === undefined ? [] : [value];
}

function isObject(value: Json): value is { [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Splits a template at its braces and nests what stands between `{range …}` and `{end}`. */
function parseParts(template: string): Part[] {
  const top: Part[] = [];
  const open: { body: Part[]; text: string }[] = [];
  const into = () => open.at(-1)?.body ?? top;
  for (const piece of template.matchAll(/\{((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^{}"'])*)\}|([^{}]+)|([{}])/gs)) {
    const [all, inside, text] = piece;
    if (text !== undefined) into().push({ part: "text", text });
    else if (inside === undefined) throw refused(template, `the brace at character ${piece.index + 1} has no partner`);
    else if (inside.trim() === "end") {
      if (open.pop() === undefined) throw refused(template, "{end} without {range …}");
    } else if (/^\s*range\s/.test(inside)) {
      const range: Part = {
        part: "range",
        path: parsePath(inside.trim().slice("range".length).trim(), template),
        body: [],
      };
      into().push(range);
      open.push({ body: range.body, text: all });
    } else if (/^\s*["']/.test(inside)) into().push({ part: "text", text: unquote(inside.trim()) });
    else into().push({ part: "path", path: parsePath(inside.trim(), template) });
  }
  const unclosed = open.pop();
  if (unclosed !== undefined) throw refused(template, `${unclosed.text} without {end}`);
  return top;
}

const SELECTOR = new RegExp(
  [
    String.raw`(?<deep>\.\.(?=[\w*['"]))`,
    String.raw`(?<every>\.?\[\*\]|\.\*|\*)`,
    String.raw`\.?\[(?<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\]`,
    String.raw`\.?\[(?<index>-?\d+)\]`,
    String.raw`\.?\[(?<from>-?\d*):(?<until>-?\d*)\]`,
    String.raw`\.?\[\?\(\s*@(?<path>[^\s=!<>)]*)\s*(?:(?<operator>==|!=|<=|>=|<|>)\s*(?<value>"[^"]*"|'[^']*'|[^\s)]+)\s*)?\)\]`,
    String.raw`\.?(?<field>(?:[\w$/-]|\\.)+)`,
  ].join("|"),
  "y",
);

function parsePath(text: string, template: string): Selector[] {
  const path: Selector[] = [];
  let at = /^[$@]/.test(text) ? 1 : 0;
  if (text.slice(at) === ".") return path;
  while (at < text.length) {
    SELECTOR.lastIndex = at;
    const groups = SELECTOR.exec(text)?.groups;
    if (groups === undefined) throw refused(template, `"${text.slice(at)}" is not understood`);
    // Before the selector is built: the path of a filter uses the same expression.
    at = SELECTOR.lastIndex;
    path.push(selectorOf(groups, template));
  }
  return path;
}

function selectorOf(groups: Record<string, string | undefined>, template: string): Selector {
  if (groups["deep"] !== undefined) return { select: "deep" };
  if (groups["every"] !== undefined) return { select: "every" };
  if (groups["quoted"] !== undefined) return { select: "field", name: unquote(groups["quoted"]) };
  if (groups["index"] !== undefined)
    return { select: "slice", from: Number(groups["index"]), until: undefined, one: true };
  if (groups["from"] !== undefined)
    return { select: "slice", from: bound(groups["from"]), until: bound(groups["until"]), one: false };
  if (groups["path"] !== undefined) {
    return {
      select: "where",
      path: parsePath(groups["path"], template),
      operator: groups["operator"],
      value: literal(groups["value"] ?? "null", template),
    };
  }
  return { select: "field", name: (groups["field"] ?? "").replaceAll(/\\(.)/g, "$1") };
}

function bound(text: string | undefined): number | undefined {
  return text === undefined || text === "" ? undefined : Number(text);
}

function literal(text: string, template: string): Json {
  if (/^["']/.test(text)) return unquote(text);
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw refused(template, `the value ${text} must be a number, true, false, null or quoted text`);
  }
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r" };

function unquote(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/gs, (_all, letter: string) => ESCAPES[letter] ?? letter);
}

function refused(template: string, why: string): RejectedError {
  return new RejectedError(`Cannot print as jsonpath '${template}': ${why}`, {
    remedy:
      "Known are .field, ['field'], [0], [1:3], [*], ..field, [?(@.a == \"b\")], {range …}…{end} and {\"\\n\"}, as in '{.items[*].metadata.name}'",
  });
}
