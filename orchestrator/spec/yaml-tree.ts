/**
 * @module A YAML document as plain JSON, with the place of every value.
 *
 * The conversion is our own, so that every surprise has a position and a bound: duplicate keys in linear time, keys that are no text, aliases that
 * expand without end or contain themselves.
 */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Document as YamlDocument,
  type LineCounter,
  type Node,
} from "yaml";
import type { Json } from "../json.ts";
import { MAX_DEPTH } from "./guard.ts";
import type { Path } from "./path.ts";

export interface Position {
  line: number;
  column: number;
}

/** Values that aliases may add to a document. */
const MAX_ALIASED = 10_000;

export interface Finding extends Position {
  path: Path;
  message: string;
}

export interface Tree {
  value: Json;
  findings: Finding[];
  /** Place of the value at a path, or of its nearest present parent; with `key`, of the key that names it. */
  position(path: Path, part?: "key" | "value"): Position;
}

export function treeOf(document: YamlDocument.Parsed, lines: LineCounter): Tree {
  const findings: Finding[] = [];
  const conversion: Conversion = { document, lines, findings, aliases: [], aliased: 0, exceeded: false };
  const value = convert(conversion, document.contents, []);
  return { value, findings, position: (path, part = "value") => find(document, lines, path, part) };
}

interface Conversion {
  document: YamlDocument.Parsed;
  lines: LineCounter;
  findings: Finding[];
  /** Aliases being expanded now, outermost first. */
  aliases: Node[];
  aliased: number;
  exceeded: boolean;
}

function convert(at: Conversion, node: unknown, path: Path): Json {
  if (at.aliases.length > 0 && ++at.aliased > MAX_ALIASED) return null;
  if (isAlias(node)) return convertAlias(at, node, path);
  if (path.length > MAX_DEPTH) {
    report(at, node, path, `nested more than ${MAX_DEPTH} levels deep`);
    return null;
  }
  if (isMap(node)) return convertMap(at, node.items, path);
  if (isSeq(node)) return node.items.map((item, index) => convert(at, item, [...path, index]));
  if (!isScalar(node)) return null;
  const value: unknown = node.value;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  report(
    at,
    node,
    path,
    `${typeof value === "number" ? (node.source ?? String(value)) : "this value"} is not a number, text, true, false or null`,
  );
  return null;
}

function convertMap(at: Conversion, items: { key: unknown; value: unknown }[], path: Path): Json {
  const entries = new Map<string, Json>();
  for (const { key: keyNode, value: valueNode } of items) {
    const resolved = isAlias(keyNode) ? keyNode.resolve(at.document) : keyNode;
    if (!isScalar(resolved) || !isKey(resolved.value)) {
      report(at, keyNode ?? valueNode, path, "a key must be plain text");
      continue;
    }
    const key = String(resolved.value);
    if (key === "__proto__") report(at, keyNode, [...path, key], 'the key "__proto__" is not allowed');
    else if (entries.has(key)) report(at, keyNode, [...path, key], `duplicate key "${key}"`);
    else entries.set(key, convert(at, valueNode, [...path, key]));
  }
  return Object.fromEntries(entries);
}

function isKey(value: unknown): value is string | number | boolean {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

function convertAlias(at: Conversion, alias: Alias, path: Path): Json {
  const target = alias.resolve(at.document);
  if (target === undefined) {
    report(at, alias, path, `the alias *${alias.source} points to nothing before it`);
    return null;
  }
  if (at.aliases.includes(target)) {
    report(at, alias, path, "the alias stands inside what it points to");
    return null;
  }
  at.aliases.push(target);
  const value = convert(at, target, path);
  at.aliases.pop();
  if (at.aliases.length === 0 && at.aliased > MAX_ALIASED && !at.exceeded) {
    at.exceeded = true;
    report(at, alias, path, `aliases expand to more than ${MAX_ALIASED} values`);
  }
  return value;
}

function report(at: Conversion, node: unknown, path: Path, message: string): void {
  const position = positionOfNode(at.lines, node) ?? find(at.document, at.lines, path, "value");
  at.findings.push({ ...position, path, message });
}

function find(document: YamlDocument.Parsed, lines: LineCounter, path: Path, part: "key" | "value"): Position {
  let node: unknown = document.contents;
  let [best, bestKey] = [positionOfNode(lines, node), positionOfNode(lines, node)];
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    let key: Position | undefined;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
      if (pair === undefined) return bestKey ?? best ?? START;
      [next, key] = [pair.value, positionOfNode(lines, pair.key)];
    } else if (isSeq(node)) {
      next = node.items[Number(step)];
      if (next === undefined) return bestKey ?? best ?? START;
      key = positionOfNode(lines, next);
    } else return best ?? START;
    node = next;
    best = positionOfNode(lines, next) ?? key ?? best;
    bestKey = key ?? bestKey;
  }
  return (part === "key" ? bestKey : best) ?? START;
}

const START: Position = { line: 1, column: 1 };

function positionOfNode(lines: LineCounter, node: unknown): Position | undefined {
  if (!(isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) || !node.range) return undefined;
  // An empty value has the place where it would stand, often the next line: the key says more.
  if (isScalar(node) && node.range[0] === node.range[1]) return undefined;
  const { line, col } = lines.linePos(node.range[0]);
  return { line, column: col };
}
