// Stands in for spark-submit: does what settings say with the params document, in a fraction of a second.
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

const params = JSON.parse(readFileSync(process.argv[2], "utf8"));
// A SparkJob has its own settings below the field of this name.
const settings = params.settings.settings ?? params.settings;
const log = process.argv[3];
if (log) appendFileSync(log, `${params.step}/${params.attempt}\n`);

function write(path, document) {
  writeFileSync(`${path}.draft`, JSON.stringify(document));
  renameSync(`${path}.draft`, path);
}

function fail(code, document) {
  if (document) write(params.terminationPath, document);
  process.exit(code);
}

const plan = settings.attempts?.[params.attempt - 1] ?? "succeed";
switch (plan) {
  case "succeed":
  case "cut":
  case "delete":
    break;
  case "error":
    fail(1, {
      class: "ApplicationError",
      type: "ValueError",
      message: "no such thing",
      traceback: "Traceback\nValueError: no such thing",
    });
    break;
  case "config":
    fail(2, {
      class: "ConfigError",
      type: "InputError",
      message: "column a is missing in lines.csv",
      remedy: "Correct the columns",
    });
    break;
  case "memory":
    console.error("java.lang.OutOfMemoryError: Java heap space");
    process.exit(1);
    break;
  case "silent":
    process.exit(0);
    break;
  case "kill":
    process.kill(process.pid, "SIGKILL");
    break;
  case "hang":
    write(params.progressPath, { stage: "hanging", stages_done: 1, stages_active: 1, tasks_done: 1, tasks_total: 2 });
    await new Promise((resolve) => setTimeout(resolve, 600_000));
    break;
  default:
    throw new Error(`no such behaviour: ${plan}`);
}

const seen = Object.values(params.inputs)
  .flatMap((input) => input.files.map((file) => file.etag))
  .toSorted((a, b) => (a < b ? -1 : 1));
const outputs = {};
for (const [role, output] of Object.entries(params.outputs)) {
  const source = settings.copy?.[role];
  const name = source ? "part-0.parquet" : "model.json";
  const path = join(output.path, name);
  mkdirSync(dirname(path), { recursive: true });
  const content = source
    ? readFileSync(source.file)
    : Buffer.from(JSON.stringify({ step: params.step, role, seen, text: settings.text ?? "" }));
  writeFileSync(path, content);
  const file = {
    path: name,
    size: content.length,
    etag: `sha256:${createHash("sha256").update(content).digest("hex")}`,
  };
  outputs[role] = source
    ? { files: [{ ...file, rows: source.rows }], rows: source.rows, columns: output.columns }
    : { files: [file] };
}
const fallback = settings.fallsBack && params.previous[settings.fallsBack];
const inputs = fallback ? { [settings.fallsBack]: fallback.version } : {};
if (existsSync(params.resultPath)) throw new Error("the result was there before the job");
write(params.resultPath, {
  protocol: params.protocol,
  outputs,
  metrics: { n: seen.length, ...settings.metrics },
  tables: settings.tables ?? [],
  notes: settings.notes ?? [],
  inputs,
});

// What a failing disk or a careless person does behind the job's back.
for (const [role, { files }] of Object.entries(outputs)) {
  const path = join(params.outputs[role].path, files[0].path);
  if (plan === "cut") truncateSync(path, 3);
  if (plan === "delete") rmSync(path);
}
