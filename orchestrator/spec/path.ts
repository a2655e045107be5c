/** Where a field is: keys and list indices from the document down. Written `spec.dayparts[0].from`, odd keys as `spec.conf["spark.ui.port"]`. */
export type Path = readonly (string | number)[];

/** Names that would reach the prototype of an object. */
const FORBIDDEN = new Set<string | number>(["__proto__", "constructor", "prototype"]);
const PLAIN = /^[A-Za-z_][-\w]*$/;

/** Text of a path; empty for the document itself. */
export function pathText(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (PLAIN.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** Path of a text as people write it (`dayparts[0].from`, also `dayparts.0.from`), or undefined when it is none. */
export function parsePath(text: string): Path | undefined {
  const path: (string | number)[] = [];
  const part = /(?:^|\.)([A-Za-z_][-\w]*)|(?:\.|\[)(\d{1,6})(?:\]|(?=\.|\[|$))|\["((?:[^"\\]|\\.)*)"\]/y;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) return undefined;
    if (match[1] !== undefined) path.push(match[1]);
    else if (match[2] !== undefined) path.push(Number(match[2]));
    else path.push(String(JSON.parse(`"${match[3] ?? ""}"`)));
  }
  return path.length === 0 || path.some((name) => FORBIDDEN.has(name)) ? undefined : path;
}

/** The value at a path in plain JSON; undefined when something on the way is missing. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (value === null || typeof value !== "object") return undefined;
    if (!Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}
