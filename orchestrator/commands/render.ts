/** @module `render`: what the target's backend would be sent; touches nothing. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { rendererOf } from "../backends/index.ts";
import type { Json } from "../json.ts";
import { API_VERSION } from "../kinds/fields.ts";
import { runName } from "../names.ts";
import { sparkAppOf } from "../plan/app.ts";
import { importClosure, packedDigest, packedPlaces, type CodeFolder } from "../plan/code.ts";
import type { Plan, Step } from "../plan/plan.ts";
import { format } from "../report/format.ts";
import { renderedText, type Rendered } from "../report/rendered.ts";
import type { SparkApp } from "../spark-app.ts";
import { openCode } from "../spec/code-folder.ts";
import { catalogueOf, type Document } from "../spec/document.ts";
import { outputFlag, specFlags, type SpecFlags } from "./flags.ts";
import { planFrom, readSpecs } from "./specs.ts";
import type { Terminal } from "./terminal.ts";

type Flags = SpecFlags & { output: string; runId?: string };

export function declare(command: Command, terminal: Terminal): void {
  outputFlag(specFlags(command))
    .argument("[definition]", "pipeline or job; without it every job of the specs")
    .option("--run-id <name>", "name of the run they are rendered for (default: the definition's first)")
    .action((definition: string | undefined, flags: Flags) => {
      const print = format(flags.output);
      const documents = readSpecs(flags, terminal);
      const names = definition === undefined ? definitionsOf(documents) : [definition];
      const all = names.flatMap((name) =>
        renderPlan(planFrom(documents, flags, { definition: name }), flags, terminal),
      );
      terminal.out(
        print({
          object: { apiVersion: API_VERSION, kind: "List", items: all.map(({ sent }) => sent as Json) },
          names: all.map(({ step }) => `step/${step}`),
          table: () => renderedText(all),
        }),
      );
    });
}

/** Every pipeline, and every job that is in none of them. */
function definitionsOf(documents: Document[]): string[] {
  const { pipelines, jobs } = catalogueOf(documents);
  const inPipeline = new Set(
    [...pipelines.values()].flatMap((pipeline) => pipeline.spec.jobs.map((entry) => entry.job)),
  );
  return [
    ...[...pipelines.keys()].map((name) => `Pipeline/${name}`),
    ...[...jobs.keys()].filter((name) => !inPipeline.has(name)).map((name) => `Job/${name}`),
  ];
}

function renderPlan(plan: Plan, { runId }: Flags, { cwd }: Terminal): Rendered[] {
  const renderer = rendererOf(plan.target.spec);
  const run = runId ?? runName(plan.definition, 1);
  const { root } = plan.target.spec.storage;
  const place = root.includes("://") ? root.replace(/\/+$/, "") : resolve(cwd, root);
  const opened = new Map<string, CodeFolder>();
  return plan.steps.map((step) => {
    const code = opened.get(step.code) ?? openCode(step.code);
    opened.set(step.code, code);
    return { step: step.name, sent: renderer.render(firstAttempt(plan, step, code, run, place)) };
  });
}

/** Where its code would lie and what it would be called, although nothing is packed. */
function firstAttempt(plan: Plan, step: Step, code: CodeFolder, run: string, place: string): SparkApp {
  const digest = packedDigest(step.main, importClosure(step.main, code));
  return sparkAppOf(plan, step, {
    run,
    attempt: 1,
    memoryFactor: 1,
    prefix: `${place}/runs/${run}/${step.name}/1`,
    ...packedPlaces(`${place}/code/${digest}`, step.main),
    codeDigest: digest,
  });
}
