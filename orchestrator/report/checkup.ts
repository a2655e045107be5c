/** @module `doctor`: what was looked at, how it is, and what to do about it. */
import { API_VERSION } from "../kinds/fields.ts";
import type { Json } from "../json.ts";
import type { View } from "./format.ts";
import { table } from "./table.ts";
import type { Paint, Tone } from "./text.ts";

export interface Finding {
  /** What was looked at. */
  check: string;
  /** `unknown`: it could not be told, which is no failure. */
  outcome: "ok" | "failed" | "unknown";
  /** What was seen. */
  says: string;
  /** What to do, when it failed. */
  remedy?: string;
}

const TONES: Record<Finding["outcome"], Tone> = { ok: "good", failed: "bad", unknown: "quiet" };

/** One line for each finding; what to do stands below the table. */
export function checkupView(target: string, findings: Finding[], paint: Paint): View {
  const columns = [
    { title: "CHECK", value: (row: Finding) => row.check },
    { title: "RESULT", value: (row: Finding) => row.outcome, tone: (row: Finding) => TONES[row.outcome] },
    { title: "SEEN", value: (row: Finding) => row.says },
  ];
  const remedies = findings.flatMap(({ check, outcome, remedy }) =>
    outcome === "failed" && remedy !== undefined ? [`${paint("bad", check)}: ${remedy}\n`] : [],
  );
  return {
    object: { apiVersion: API_VERSION, kind: "Checkup", target, findings: findings as unknown as Json },
    names: findings.map(({ check }) => `check/${check}`),
    table: () => `${table(columns, findings, { paint })}${remedies.length === 0 ? "" : `\n${remedies.join("")}`}`,
  };
}
