/** @module Raw spec + parameter values → typed spec. Order: references → fill text, bind fields → strict schema → freeze. */
import type { Json } from "../json.ts";
import { Params } from "../kinds/fields.ts";
import { isJobKind, KINDS, type KindName, type SpecOf } from "../kinds/index.ts";
import { schemaAt, specSchema } from "../kinds/json-schema.ts";
import { suggestion } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import { isObject, type RawDocument } from "./parse.ts";
import { type Issue, issuesOf } from "./issues.ts";
import { type Declared, type Param, typedValue } from "./params.ts";
import { parsePath, type Path, pathText, valueAt } from "./path.ts";
import { fill, isOpen, type Part, readTemplate, RUN_REFERENCES, textOf } from "./template.ts";

/** Fields of a job that the platform reads; the rest are the job's own settings (docs/job-protocol.md). */
export const PLATFORM_FIELDS: readonly string[] = [
  "description",
  "size",
  "code",
  "main",
  "params",
  "bind",
  "retry",
  "deadlines",
  "cache",
  "inputs",
  "outputs",
  "sweep",
];

export interface Resolved<K extends KindName> {
  /** Frozen; absent when there are problems. */
  spec?: SpecOf<K>;
  problems: Problem[];
  /** Texts that wait for the run: path below the spec → its parts. The spec holds the text as written. */
  runScoped: Record<string, Part[]>;
  /** Paths below the spec that hold a made-up value because a parameter has none yet. */
  open: ReadonlySet<string>;
}

/** Parameters a job or pipeline declares; none for other kinds, and none when the declaration itself is wrong (the schema then says so). */
export function declaredParams(document: RawDocument): Declared {
  if (!isObject(document.raw) || (!isJobKind(document.kind) && document.kind !== "Pipeline")) return {};
  const parsed = Params.safeParse(document.raw["params"] ?? {});
  return parsed.success ? parsed.data : {};
}

/** Fills the parameters of a job with `values` and checks its spec. A declared parameter without a value is stood in for, so that the rest can be checked. */
export function resolve<K extends KindName>(
  document: RawDocument & { kind: K },
  values: Record<string, string>,
): Resolved<K> {
  const filling: Filling = {
    document,
    declared: declaredParams(document),
    values,
    issues: [],
    runScoped: {},
    open: new Set(),
    bound: new Map(),
  };
  let filled = fillTree(filling, document.raw, []);
  if (isObject(filled) && isJobKind(document.kind)) filled = bindFields(filling, filled);
  const parsed = KINDS[document.kind].schema.safeParse(filled);
  const issues = [...filling.issues];
  if (!parsed.success) {
    const told = new Set(issues.map((issue) => pathText(issue.path)));
    const found = issuesOf(document.kind, parsed.error, filled).filter((issue) => !told.has(pathText(issue.path)));
    issues.push(...found.map((issue) => explainParams(filling, issue)));
  }
  const problems = issues.map((issue) => problemAt(document, issue));
  const { runScoped, open } = filling;
  if (!parsed.success || problems.length > 0) return { problems, runScoped, open };
  const spec: unknown = parsed.data;
  for (const [path, parts] of Object.entries(runScoped)) setAt(spec, parsePath(path) ?? [], textOf(parts));
  // The schema of this very kind made it; the compiler does not follow an indexed schema to its output.
  return { spec: deepFreeze(spec) as SpecOf<K>, problems, runScoped, open };
}

/** A finding about a spec, as a problem of its file. */
export function problemAt(document: RawDocument, issue: Issue): Problem {
  const path = ["spec", ...issue.path];
  return {
    file: document.file,
    ...document.position(path, issue.part),
    path: pathText(path),
    message: issue.message,
    ...(issue.remedy === undefined ? {} : { remedy: issue.remedy }),
  };
}

interface Filling {
  document: RawDocument;
  declared: Declared;
  values: Record<string, string>;
  issues: Issue[];
  runScoped: Record<string, Part[]>;
  open: Set<string>;
  /** Path of a field → how `bind` names it. */
  bound: Map<string, string>;
}

function fillTree(at: Filling, value: Json, path: Path): Json {
  if (typeof value === "string") return value.includes("${") ? fillText(at, value, path) : value;
  if (Array.isArray(value)) return value.map((item, index) => fillTree(at, item, [...path, index]));
  if (value === null || typeof value !== "object") return value;
  // Declarations are read as they stand.
  if (path.length === 1 && (path[0] === "params" || path[0] === "bind")) return value;
  const entries = Object.entries(value).map(([key, field]): [string, Json] => {
    if (/\$\{(params|run)\./.test(key))
      at.issues.push({ path: [...path, key], part: "key", message: "references cannot stand in a key" });
    return [key, fillTree(at, field, [...path, key])];
  });
  return Object.fromEntries(entries);
}

function fillText(at: Filling, text: string, path: Path): string {
  const wrong = (message: string, remedy?: string): string => {
    at.issues.push({ path, part: "value", message, ...(remedy === undefined ? {} : { remedy }) });
    return text;
  };
  if (!isJobKind(at.document.kind)) {
    return /\$\{(params|run)\./.test(text)
      ? wrong(`references are filled in jobs only, not in a ${at.document.kind}`)
      : text;
  }
  const { parts, error } = readTemplate(text);
  if (error !== undefined) return wrong(error);
  for (const part of parts) {
    const unknown = typeof part === "string" ? undefined : unknownReference(at, part.reference, path);
    if (unknown !== undefined) return wrong(unknown);
  }
  let standsIn = false;
  const filled = fill(parts, (reference) => {
    if (!reference.startsWith("params.")) return undefined;
    const name = reference.slice("params.".length);
    const param = at.declared[name];
    if (param === undefined || Object.hasOwn(at.values, name)) return at.values[name];
    standsIn = true;
    return standIn(param);
  });
  if (standsIn) at.open.add(pathText(path));
  if (!isOpen(filled)) return textOf(filled);
  at.runScoped[pathText(path)] = filled;
  return textOf(fillRunParts(filled, "run-1", "2000-01-01"));
}

function unknownReference(at: Filling, reference: string, path: Path): string | undefined {
  if ((RUN_REFERENCES as readonly string[]).includes(reference)) {
    if (!PLATFORM_FIELDS.includes(String(path[0]))) return undefined;
    return `\${${reference}} is known only when the run starts; it may stand in the job's own settings, not in ${String(path[0])}`;
  }
  const names = Object.keys(at.declared);
  const name = reference.startsWith("params.") ? reference.slice("params.".length) : undefined;
  if (name !== undefined && Object.hasOwn(at.declared, name)) return undefined;
  if (name !== undefined)
    return `unknown parameter "${name}"${names.length === 0 ? "; the job declares none" : suggestion(name, names)}`;
  return `unknown reference \${${reference}}${suggestion(reference, [...names.map((known) => `params.${known}`), ...RUN_REFERENCES])}; write $\${ for a literal \${`;
}

function standIn(param: Param): string {
  if (param.enum?.[0] !== undefined) return param.enum[0];
  const made: Record<Param["type"], string> = {
    string: "made-up",
    int: "1",
    number: "1",
    boolean: "true",
    date: "2000-01-01",
  };
  return made[param.type];
}

/** Puts the run's name and day into what `runScoped` holds. */
export function fillRunParts(parts: readonly Part[], run: string, date: string): Part[] {
  return fill(parts, (reference) => (reference === "run.id" ? run : reference === "run.date" ? date : undefined));
}

function bindFields(at: Filling, spec: { [key: string]: Json }): Json {
  const bind = spec["bind"];
  if (!isObject(bind)) return spec;
  const bound: unknown = structuredClone(spec);
  for (const [field, name] of Object.entries(bind)) {
    const message = typeof name === "string" ? bindField(at, bound, field, name) : undefined;
    if (message !== undefined) at.issues.push({ path: ["bind", field], part: "key", message });
  }
  return bound as Json;
}

function bindField(at: Filling, spec: unknown, field: string, name: string): string | undefined {
  const path = parsePath(field);
  if (path === undefined) return `"${field}" is no path of a field; write one such as clusters.max or windows[0]`;
  if (["params", "bind", "inputs", "outputs"].includes(String(path[0])))
    return `"${field}" cannot be bound to a parameter`;
  const found = schemaAt(specSchema(at.document.kind), path);
  if ("unknown" in found) return `unknown field "${field}"${suggestion(String(found.unknown), found.known)}`;
  const param = at.declared[name];
  if (param === undefined) return `unknown parameter "${name}"${suggestion(name, Object.keys(at.declared))}`;
  const text = at.values[name];
  // Without a value the field keeps what is written there.
  if (text === undefined) return undefined;
  if (path.some((part, index) => typeof part === "number" && valueAt(spec, path.slice(0, index + 1)) === undefined)) {
    return `"${field}" is not in a list that is written here`;
  }
  at.bound.set(pathText(path), field);
  setAt(spec, path, typedValue(param, text));
  return undefined;
}

/** Sets a value below an object, making maps on the way. */
export function setAt(root: unknown, path: Path, value: unknown): void {
  let node = root as Record<string | number, unknown>;
  for (const part of path.slice(0, -1)) {
    if (node[part] === undefined) node[part] = {};
    node = node[part] as Record<string | number, unknown>;
  }
  const last = path.at(-1);
  if (last !== undefined) node[last] = value;
}

/** Says what a parameter has to do with a field that is wrong. */
function explainParams(at: Filling, issue: Issue): Issue {
  const field = at.bound.get(pathText(issue.path));
  if (field !== undefined)
    return { ...issue, path: ["bind", field], part: "key", message: `${field}: ${issue.message}` };
  if (at.open.has(pathText(issue.path))) {
    const message = `${issue.message} (made up, as the parameter has no default)`;
    return { ...issue, message, remedy: "give the parameter a default, so that the spec is valid on its own" };
  }
  const written = valueAt(at.document.raw, issue.path);
  const param = typeof written === "string" ? /^\$\{params\.([^}]+)\}$/.exec(written)?.[1] : undefined;
  if (param === undefined || !issue.message.includes("found text")) return issue;
  return {
    ...issue,
    remedy: `references fill text only; write a value here and bind: { ${pathText(issue.path)}: ${param} }`,
  };
}

function deepFreeze(value: unknown): unknown {
  if (value !== null && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
