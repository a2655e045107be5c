/** @module Findings about spec files as lines that an editor can jump to. */
import type { Problem } from "../problem.ts";
import { noPaint, oneLine, type Paint } from "./text.ts";

/** `file:line:column: path: message`, one line each, with the remedy below when there is one. */
export function problemLines(problems: Problem[], paint: Paint = noPaint): string {
  return problems.map((problem) => problemLine(problem, paint)).join("");
}

function problemLine(problem: Problem, paint: Paint): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.column}` : problem.file;
  const path = problem.path === "" ? "" : `${oneLine(problem.path)}: `;
  const remedy = problem.remedy === undefined ? "" : `  ${oneLine(problem.remedy)}\n`;
  return `${paint("strong", oneLine(place))}: ${path}${oneLine(problem.message)}\n${remedy}`;
}
