/** @module What must hold of the rows a job has written, before anybody may read them. One strict object per rule, as a CRD knows no unions. */
import { z } from "zod";
import { Column } from "./fields.ts";

const FIELDS = ["column", "columns", "atMost", "min", "max"] as const;
type Field = (typeof FIELDS)[number];

interface Rule {
  needs: readonly Field[];
  /** At least one of these. */
  oneOf: readonly Field[];
  /** May be left out. */
  may: readonly Field[];
  /** Greatest `atMost`; none when there is no bound. */
  mostAtMost?: number;
}

const RULES = {
  nulls: { needs: ["column"], oneOf: [], may: ["atMost"], mostAtMost: 1 },
  range: { needs: ["column"], oneOf: ["min", "max"], may: [] },
  unique: { needs: ["columns"], oneOf: [], may: [] },
  rows: { needs: [], oneOf: ["min", "max"], may: [] },
  rowChange: { needs: ["atMost"], oneOf: [], may: [] },
  drift: { needs: ["column", "atMost"], oneOf: [], may: [], mostAtMost: 1 },
} as const satisfies Record<string, Rule>;

const NAMES = Object.keys(RULES) as (keyof typeof RULES)[];

export const DatasetCheck = z
  .strictObject({
    rule: z
      .enum(NAMES)
      .describe(
        "nulls: share of rows without a value in column. range: values of column from min to max; nulls do not count. unique: no two rows alike in columns; null counts as a value. " +
          "rows: number of rows from min to max. rowChange: change of the number of rows against the published version, as a share of it. " +
          "drift: Jensen-Shannon distance (0 alike, 1 nothing in common) between the categories of column and those published.",
      ),
    column: Column.optional().describe("Column that nulls, range and drift look at."),
    columns: z.array(Column).min(1).optional().describe("Columns that unique looks at, together."),
    atMost: z.number().min(0).optional().describe("Most that nulls (default 0), rowChange and drift let pass."),
    min: z.number().optional().describe("Least value of range, least number of rows."),
    max: z.number().optional().describe("Greatest value of range, greatest number of rows."),
    onFailure: z
      .enum(["warn", "fail"])
      .default("fail")
      .describe("fail: the step fails and nothing is published. warn: a note in the results."),
  })
  .superRefine((check, context) => {
    for (const { path, message } of objections(check)) context.addIssue({ code: "custom", path, message });
  });
export type DatasetCheck = z.output<typeof DatasetCheck>;

/** Fields that the rule lacks, has no use for, or that contradict each other. */
function objections(
  check: {
    [F in Field]?: unknown;
  } & { rule: keyof typeof RULES },
): { path: string[]; message: string }[] {
  const { needs, oneOf, may, mostAtMost }: Rule = RULES[check.rule];
  const known = [...needs, ...oneOf, ...may];
  const { atMost, min, max } = check;
  const found: { path: string[]; message: string }[] = [];
  for (const field of needs) if (check[field] === undefined) found.push({ path: [field], message: "missing" });
  if (oneOf.length > 0 && oneOf.every((field) => check[field] === undefined))
    found.push({ path: [], message: `rule ${check.rule} needs ${oneOf.join(" or ")}` });
  for (const field of FIELDS) {
    if (check[field] !== undefined && !known.includes(field))
      found.push({ path: [field], message: `rule ${check.rule} takes ${known.join(", ")}, not ${field}` });
  }
  if (typeof atMost === "number" && mostAtMost !== undefined && atMost > mostAtMost)
    found.push({ path: ["atMost"], message: `expected at most ${mostAtMost}, found ${atMost}` });
  if (typeof min === "number" && typeof max === "number" && min > max)
    found.push({ path: ["max"], message: `expected at least min, which is ${min}, found ${max}` });
  return found;
}
