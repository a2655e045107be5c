/** @module Text of a file → documents with a known kind and a name, each with the place of every field. Pure. */
import { Composer, LineCounter, Parser, type CST, type Document as YamlDocument } from "yaml";
import type { Json } from "../json.ts";
import { API_VERSION, Name } from "../kinds/fields.ts";
import { isKindName, KIND_NAMES, type KindName } from "../kinds/index.ts";
import { suggestion } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import { guard, positionOf } from "./guard.ts";
import { type Path, pathText } from "./path.ts";
import { type Position, treeOf } from "./yaml-tree.ts";

/** A text to read specs from. */
export interface Source {
  /** As the user named it; shown in messages. */
  file: string;
  /** Absolute folder that relative paths in the text start from. */
  folder: string;
  text: string;
}

/** A document whose envelope is right; its spec is not checked yet. */
export interface RawDocument {
  kind: KindName;
  name: string;
  file: string;
  folder: string;
  /** The spec as written: no defaults, no parameters filled in. */
  raw: Json;
  /** Place of a field, from the document down (`["spec", "asOf"]`); of its nearest present parent when it is absent. */
  position(path: Path, part?: "key" | "value"): Position;
}

export interface Parsed {
  documents: RawDocument[];
  problems: Problem[];
}

/** The documents of a YAML or JSON text. Never throws, whatever the text. */
export function parseDocuments(source: Source): Parsed {
  const { file, text } = source;
  const guarded = guard(file, text);
  if (guarded.problems.length > 0) return { documents: [], problems: guarded.problems };
  const lines = new LineCounter();
  let parsed: YamlDocument.Parsed[];
  try {
    // Duplicate keys are found by treeOf in linear time; the parser's own search is quadratic.
    parsed = [...new Composer({ uniqueKeys: false }).compose(treeTokens(guarded.lexemes, lines))];
  } catch (error) {
    const message = `cannot be read as YAML: ${error instanceof Error ? error.message : String(error)}`;
    return { documents: [], problems: [{ file, line: 1, column: 1, path: "", message }] };
  }
  const read = parsed.map((document) => readDocument(source, document, lines));
  const documents = read.flatMap((result) => result.documents);
  const problems = read.flatMap((result) => result.problems);
  if (documents.length === 0 && problems.length === 0) problems.push(nothingIn(file));
  return { documents, problems };
}

/** What the parser makes of a text already cut up; see the class Parser of `yaml`. */
function* treeTokens(lexemes: readonly string[], lines: LineCounter): Generator<CST.Token> {
  const parser = new Parser((offset) => lines.addNewLine(offset));
  lines.addNewLine(0);
  for (const lexeme of lexemes) yield* parser.next(lexeme);
  yield* parser.end();
}

function nothingIn(file: string): Problem {
  const remedy = "write a document with apiVersion, kind, metadata and spec; sparkwright init makes some";
  return { file, line: 1, column: 1, path: "", message: "no document in this file", remedy };
}

function readDocument(source: Source, document: YamlDocument.Parsed, lines: LineCounter): Parsed {
  const { file, folder, text } = source;
  // One mistake gives many follow-up errors; the first few say where it is.
  const broken = [...document.errors, ...document.warnings].slice(0, 3).map((error) => ({
    file,
    ...positionOf(text, Math.min(error.pos[0], text.length)),
    path: "",
    message: `not YAML: ${error.message.replace(/\.$/, "")}`,
  }));
  if (broken.length > 0) return { documents: [], problems: broken };
  const tree = treeOf(document, lines);
  if (tree.findings.length > 0) {
    const problems = tree.findings.map(({ line, column, path, message }) => ({
      file,
      line,
      column,
      path: pathText(path),
      message,
    }));
    return { documents: [], problems };
  }
  // Nothing between two `---` is no document, as kubectl has it.
  if (tree.value === null) return { documents: [], problems: [] };
  const envelope = readEnvelope(tree.value, (path, message, part, remedy) => ({
    file,
    ...tree.position(path, part),
    path: pathText(path),
    message,
    ...(remedy === undefined ? {} : { remedy }),
  }));
  const { kind, name, problems } = envelope;
  if (kind === undefined || name === undefined) return { documents: [], problems };
  const raw = isObject(tree.value) ? (tree.value["spec"] ?? {}) : {};
  return {
    documents: [{ kind, name, file, folder, raw, position: (path, part) => tree.position(path, part) }],
    problems,
  };
}

type Make = (path: Path, message: string, part: "key" | "value", remedy?: string) => Problem;

interface Envelope {
  /** Absent when the document cannot be used at all. */
  kind?: KindName;
  name?: string;
  problems: Problem[];
}

const FIELDS = ["apiVersion", "kind", "metadata", "spec"];
const METADATA = ["name", "namespace", "labels", "annotations"];

function readEnvelope(value: Json, make: Make): Envelope {
  if (!isObject(value))
    return { problems: [make([], "expected a document with apiVersion, kind, metadata and spec", "value")] };
  const problems: Problem[] = [];
  const apiVersion = value["apiVersion"];
  if (apiVersion === undefined)
    problems.push(make(["apiVersion"], 'missing field "apiVersion"', "value", `write apiVersion: ${API_VERSION}`));
  else if (apiVersion !== API_VERSION) {
    problems.push(
      make(["apiVersion"], `unknown apiVersion ${shown(apiVersion)}; did you mean "${API_VERSION}"?`, "value"),
    );
  }
  const kind = value["kind"];
  if (kind === undefined)
    problems.push(make(["kind"], 'missing field "kind"', "value", `write one of ${KIND_NAMES.join(", ")}`));
  else if (typeof kind !== "string" || !isKindName(kind)) {
    problems.push(
      make(
        ["kind"],
        `unknown kind ${shown(kind)}${suggestion(typeof kind === "string" ? kind : "", KIND_NAMES)}`,
        "value",
      ),
    );
  }
  for (const key of Object.keys(value)) {
    if (!FIELDS.includes(key)) problems.push(make([key], `unknown field "${key}"${suggestion(key, FIELDS)}`, "key"));
  }
  const { name, problems: inMetadata } = readMetadata(value["metadata"], make);
  problems.push(...inMetadata);
  const known = apiVersion === API_VERSION && typeof kind === "string" && isKindName(kind);
  if (known && value["spec"] === undefined) problems.push(make(["spec"], 'missing field "spec"', "value"));
  return known && name !== undefined ? { kind, name, problems } : { problems };
}

function readMetadata(metadata: Json | undefined, make: Make): { name?: string; problems: Problem[] } {
  if (!isObject(metadata))
    return { problems: [make(["metadata"], 'missing field "metadata": expected a map with a name', "value")] };
  const problems: Problem[] = [];
  for (const key of Object.keys(metadata)) {
    if (!METADATA.includes(key))
      problems.push(make(["metadata", key], `unknown field "${key}"${suggestion(key, METADATA)}`, "key"));
  }
  const name = metadata["name"];
  if (name === undefined)
    return { problems: [...problems, make(["metadata", "name"], 'missing field "name"', "value")] };
  const checked = Name.safeParse(name);
  if (checked.success) return { name: checked.data, problems };
  const why = checked.error.issues.map((issue) => issue.message).join("; ");
  return { problems: [...problems, make(["metadata", "name"], `${why}, found ${shown(name)}`, "value")] };
}

/** A value as messages quote it: JSON, cut when long. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export function isObject(value: unknown): value is { [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
