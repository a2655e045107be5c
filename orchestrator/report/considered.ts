/** @module What the rows that an InferenceJob recorded say of an entity: the offers it got, and the others with the reason. Pure. */

/** A recorded row; which columns it has is said by the InferenceJob's outputs `considered` and `histories`. */
export type Row = Record<string, unknown>;

export interface Recorded {
  entity: string;
  /** The run that published it, or that was asked for. */
  run: string;
  /** `DATASET@VERSION` of both outputs. */
  versions: string[];
  /** Rows of the entity and of everyone. */
  considered: Row[];
  history?: Row;
}

export interface Candidate {
  campaign: string;
  coupon: string;
  decision: string;
  place: number;
  score: number;
  group: string;
  rank?: number;
  slot?: string;
  category?: string;
  /** Place of that category among all, as the scorer has it. */
  categoryPlace?: number;
  visits?: number;
  last?: string;
  end?: string;
  instead?: string;
  reason?: string;
}

/** Offers that were refused before any score, of one campaign or coupon. */
export interface Refusal {
  decision: string;
  everyone: boolean;
  campaign: string;
  coupon?: string;
  offers: number;
  start?: string;
  end?: string;
}

export interface Frequent {
  category: string;
  visits: number;
  last: string;
  daysSince?: number;
  place?: number;
}

/** What the rows say, in the order in which people read it: kept by rank, the rest by place. */
export function explanationOf({ considered, history = {} }: Pick<Recorded, "considered" | "history">) {
  const candidates = considered.filter((row) => number(row, "place") !== undefined).map(candidateOf);
  const asOf = text(history, "as_of");
  return {
    segment: text(history, "segment"),
    rule: text(history, "rule"),
    asOf,
    scorer: text(history, "scorer"),
    context: text(history, "context"),
    visits: number(history, "visits"),
    lastVisit: text(history, "last_visit"),
    frequent: frequentOf(history, asOf),
    kept: candidates.filter(({ rank }) => rank !== undefined).toSorted((a, b) => (a.rank ?? 0) - (b.rank ?? 0)),
    leftOut: candidates.filter(({ rank }) => rank === undefined).toSorted((a, b) => a.place - b.place),
    refused: considered.filter((row) => number(row, "place") === undefined).map(refusalOf),
  };
}

function candidateOf(row: Row): Candidate {
  return {
    campaign: text(row, "campaign") ?? "",
    coupon: text(row, "coupon") ?? "",
    decision: text(row, "decision") ?? "",
    place: number(row, "place") ?? 0,
    score: number(row, "score") ?? 0,
    group: text(row, "group") ?? "",
    ...given({
      rank: number(row, "rank"),
      categoryPlace: number(row, "liked"),
      visits: number(row, "visits"),
      slot: text(row, "slot"),
      category: text(row, "category"),
      last: text(row, "last"),
      end: text(row, "end"),
      instead: text(row, "instead"),
      reason: text(row, "reason"),
    }),
  };
}

function refusalOf(row: Row): Refusal {
  return {
    decision: text(row, "decision") ?? "",
    everyone: text(row, "entity") === undefined,
    campaign: text(row, "campaign") ?? "",
    offers: number(row, "offers") ?? 0,
    ...given({ coupon: text(row, "coupon"), start: text(row, "start"), end: text(row, "end") }),
  };
}

function frequentOf(history: Row, asOf: string | undefined): Frequent[] {
  const at = (name: string, index: number): unknown => (history[name] as unknown[] | null | undefined)?.[index];
  const categories = (history["categories"] as unknown[] | null | undefined) ?? [];
  return categories.map((category, index) => {
    const last = at("category_last", index);
    const place = at("category_liked", index);
    return {
      category: String(category),
      visits: Number(at("category_visits", index) ?? 0),
      last: typeof last === "string" ? last : "",
      ...given({ daysSince: daysBetween(last, asOf), place: typeof place === "number" ? place : undefined }),
    };
  });
}

/** Whole days from one day to another, both such as 2017-11-15. */
export function daysBetween(from: unknown, to: string | undefined): number | undefined {
  const days = (Date.parse(to ?? "") - Date.parse(typeof from === "string" ? from : "")) / 86_400_000;
  return Number.isFinite(days) ? Math.round(days) : undefined;
}

function text(row: Row, name: string): string | undefined {
  const value = row[name];
  if (value === null || value === undefined) return undefined;
  return value instanceof Date ? value.toISOString().slice(0, 10) : String(value as string | number);
}

function number(row: Row, name: string): number | undefined {
  const value = row[name];
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;
}

/** Without the fields that have no value. */
function given<T extends object>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
