/** The shape of the code: who may import whom, and which rooms touch the world. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..", "orchestrator");

/** Left may not import right. `nouns` are the files of the root folder. */
const ORDER = [
  "nouns",
  "kinds",
  "spec",
  "plan",
  "engine",
  "compare",
  "report",
  "kubernetes",
  "storage",
  "backends",
  "runner",
  "commands",
  "cli",
];

/** Package → rooms or files that may import it. */
const ONLY_IMPORTERS: Record<string, string[]> = {
  "node:fs": ["spec/files.ts", "spec/code-folder.ts", "storage", "backends", "commands", "process.ts", "generate.ts"],
  "node:fs/promises": ["storage", "backends", "commands"],
  "node:child_process": ["backends", "process.ts"],
  "@aws-sdk/client-s3": ["storage"],
  commander: ["commands", "cli.ts"],
  "@kubernetes/client-node": ["kubernetes"],
  undici: ["kubernetes"],
  hyparquet: ["storage"],
  yaml: ["spec", "report", "commands"],
  // Beside the kinds: documents that a job wrote are checked where they are read.
  zod: ["kinds", "spec", "storage", "backends", "generate.ts"],
};

/** Rooms that take values and return values. */
const PURE = ["kinds", "spec", "plan", "engine", "compare", "report"];
const WORLD =
  /\b(Date\.now|Math\.random|process\.(env|cwd|argv|stdout|stderr|exit\w*)|console\.\w+|setTimeout|setInterval|fetch)\b/;

const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts"))
  .toSorted();

function roomOf(file: string): string {
  if (file === "cli.ts" || file === "generate.ts") return "cli";
  // An application names the target it is for.
  if (file === "spark-app.ts") return "kinds";
  return file.includes("/") ? (file.split("/")[0] ?? "") : "nouns";
}

/** Modules a text imports: statically, for types, dynamically and by re-export. */
function importsOf(text: string): string[] {
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name ?? "");
}

/** The code of a text, without comments. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/[^\n]*/g, "$1");
}

function mayImport(file: string, name: string): boolean {
  const rooms = ONLY_IMPORTERS[name];
  return rooms === undefined || rooms.includes(file) || rooms.includes(roomOf(file));
}

test.for(files)("%s imports only from rooms to its left, and only what its room may", (file) => {
  expect(ORDER).toContain(roomOf(file));
  const text = readFileSync(join(ROOT, file), "utf8");
  const wrong = importsOf(codeOf(text)).filter((name) => {
    if (!name.startsWith(".")) return !mayImport(file, name);
    const target = relative(ROOT, join(ROOT, dirname(file), name));
    return ORDER.indexOf(roomOf(target)) > ORDER.indexOf(roomOf(file));
  });
  expect(wrong).toEqual([]);
});

test.for(files.filter((file) => PURE.includes(roomOf(file)) && file !== "spec/files.ts"))(
  "%s neither looks at the world nor acts on it",
  (file) => {
    expect(WORLD.exec(codeOf(readFileSync(join(ROOT, file), "utf8")))?.[0]).toBeUndefined();
  },
);

/** Files that are loaded with a file: what it and they import statically, and not for types alone. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  const text = codeOf(readFileSync(join(ROOT, file), "utf8")).replaceAll(/\b(import|export) type [^;]*;/g, "");
  for (const [, name = ""] of text.matchAll(/\bfrom "(\.[^"]+)"/g)) {
    loadedWith(relative(ROOT, join(ROOT, dirname(file), name)), found);
  }
  return found;
}

test("no command loads the client of a cluster before it is used", () => {
  const eager = files
    .filter((file) => roomOf(file) === "commands" || file === "cli.ts")
    .flatMap((file) => [...loadedWith(file)]);
  expect(eager).toContain("backends/index.ts");
  expect(eager.filter((file) => roomOf(file) === "kubernetes")).toEqual([]);
});

test("only cli.ts sets the exit code", () => {
  const setters = files.filter((file) =>
    /process\.(exit\b|exitCode)/.test(codeOf(readFileSync(join(ROOT, file), "utf8"))),
  );
  expect(setters.filter((file) => file !== "cli.ts" && file !== "backends/supervisor.ts")).toEqual([]);
});

test("the rules can see what they forbid", () => {
  expect(
    importsOf('import { a } from "x";\nexport * from "./y.ts";\nconst z = await import("z");\nimport "w";'),
  ).toEqual(["x", "./y.ts", "z", "w"]);
  expect(mayImport("plan/order.ts", "node:fs")).toBe(false);
  expect(mayImport("storage/disk.ts", "node:fs")).toBe(true);
  expect(WORLD.test("const now = Date.now();")).toBe(true);
});
