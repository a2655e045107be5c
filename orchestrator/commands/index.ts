/** @module The verbs in the order of `--help`. Each is loaded when it is asked for. */
import type { Command } from "commander";
import type { Terminal } from "./terminal.ts";

export interface Verb {
  name: string;
  summary: string;
  load: () => Promise<{ declare(command: Command, terminal: Terminal): void }>;
}

export const VERBS: Verb[] = [
  { name: "init", summary: "write a small project that runs at once", load: () => import("./init.ts") },
  { name: "validate", summary: "check spec files and show every problem", load: () => import("./validate.ts") },
  {
    name: "explain",
    summary: "what a kind or a field means, or why an entity got its offers",
    load: () => import("./explain.ts"),
  },
  {
    name: "render",
    summary: "show what a target would be sent, without sending it",
    load: () => import("./render.ts"),
  },
  { name: "plan", summary: "show what would run and why, without running it", load: () => import("./plan.ts") },
  { name: "run", summary: "run a pipeline or a job and follow it to its end", load: () => import("./run.ts") },
  { name: "get", summary: "list runs, or the steps of one", load: () => import("./get.ts") },
  {
    name: "describe",
    summary: "all about a run or a step: timeline, failure, results",
    load: () => import("./describe.ts"),
  },
  {
    name: "runs",
    summary: "compare two runs: parameters, settings, code, data, metrics",
    load: () => import("./compare.ts"),
  },
  { name: "report", summary: "write a run as one HTML page, with charts", load: () => import("./report.ts") },
  { name: "logs", summary: "print the log of a step's driver", load: () => import("./logs.ts") },
  { name: "wait", summary: "wait until a run ends; exit 1 when it failed", load: () => import("./wait.ts") },
  { name: "retry", summary: "run again what failed in a run", load: () => import("./retry.ts") },
  { name: "resume", summary: "go on with a run whose driver is gone", load: () => import("./resume.ts") },
  { name: "cancel", summary: "stop a run and what it started", load: () => import("./cancel.ts") },
  { name: "delete", summary: "remove the record of a run; published data stays", load: () => import("./delete.ts") },
  {
    name: "dataset",
    summary: "list datasets, their versions and history; roll back; send raw data",
    load: () => import("./dataset.ts"),
  },
  { name: "gc", summary: "remove what no run and no version needs", load: () => import("./gc.ts") },
  {
    name: "doctor",
    summary: "check what a target needs: cluster, operator, rights, quota, storage",
    load: () => import("./doctor.ts"),
  },
  { name: "crds", summary: "print the definitions that a cluster needs to keep runs", load: () => import("./crds.ts") },
  { name: "version", summary: "print the version", load: () => import("./version.ts") },
];
