/** @module `explain entity/ID`: why an entity got its offers, as a view. */
import type { Json } from "../json.ts";
import { API_VERSION } from "../kinds/fields.ts";
import {
  type Candidate,
  daysBetween,
  explanationOf,
  type Frequent,
  type Recorded,
  type Refusal,
} from "./considered.ts";
import type { View } from "./format.ts";
import { figure } from "./measure.ts";
import { table, type Column } from "./table.ts";
import { counted, oneLine, section, type Paint } from "./text.ts";

/** All of it as an object; as text with the best `MOST` of what was left out, all of them when wide. */
export function entityView(recorded: Recorded, paint: Paint): View {
  const told = explanationOf(recorded);
  const { entity, run, versions } = recorded;
  return {
    object: plain({ apiVersion: API_VERSION, kind: "EntityExplanation", entity, run, versions, ...told }),
    names: [`entity/${entity}`],
    rows: plain([...told.kept, ...told.leftOut]) as Json[],
    table: (wide) => textOf(recorded, told, wide, paint),
  };
}

const MOST = 10;
const FEW = 6;
const byNumber = new Intl.Collator("en", { numeric: true });

function textOf(
  { entity, run, versions }: Recorded,
  told: ReturnType<typeof explanationOf>,
  wide: boolean,
  paint: Paint,
): string {
  const { kept, leftOut, refused, frequent } = told;
  const shown = wide ? leftOut : leftOut.slice(0, MOST);
  const more = leftOut.length - shown.length;
  const all = counted(kept.length + leftOut.length, "offer");
  return [
    fields([
      ["Entity", entity],
      ["Segment", told.segment],
      ["Rule", told.rule],
      ["As of", told.asOf],
      ["Run", `${run} (${versions.join(", ")})`],
      ["Scorer", told.scorer],
      ["Context", contextWords(told.context)],
      ["History", historyWords(told)],
    ]),
    section("Most frequent categories", frequent.length === 0 ? "" : table(FREQUENT, frequent, { paint }), paint),
    section(`Kept: ${kept.length} of ${all} it may get`, table(KEPT, kept, { paint, wide, empty: "None" }), paint),
    section(
      `Left out: ${leftOut.length}, best first`,
      `${table(LEFT_OUT, shown, { paint, wide, empty: "None" })}${more > 0 ? `… ${more} more (-o wide shows them)\n` : ""}`,
      paint,
    ),
    section("Refused before any score", table(REFUSED, summed(refused), { paint, empty: "None" }), paint),
    wide ? "" : "PLACE is by score before the rules; CATEGORY PLACE is what the scorer says, 1 the likeliest.\n",
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function contextWords(context: string | undefined): string | undefined {
  return context === "unknown"
    ? "unknown: offers are scored before anybody knows when and where the next visit is"
    : context;
}

function historyWords({ visits, lastVisit, asOf }: ReturnType<typeof explanationOf>): string | undefined {
  if (visits === undefined) return undefined;
  if (visits === 0 || lastVisit === undefined) return "no visits";
  const since = daysBetween(lastVisit, asOf);
  return `${counted(visits, "visit")}, the last on ${lastVisit}${since === undefined ? "" : ` (${counted(since, "day")} before)`}`;
}

const FREQUENT: Column<Frequent>[] = [
  { title: "CATEGORY", value: (row) => row.category },
  { title: "VISITS", value: (row) => String(row.visits), align: "right" },
  { title: "LAST", value: (row) => row.last },
  { title: "DAYS", value: (row) => String(row.daysSince ?? ""), align: "right" },
  { title: "CATEGORY PLACE", value: (row) => String(row.place ?? ""), align: "right" },
];

const OFFER: Column<Candidate>[] = [
  { title: "PLACE", value: (row) => String(row.place), align: "right" },
  { title: "SCORE", value: (row) => row.score.toFixed(4), align: "right" },
  { title: "CAMPAIGN", value: (row) => row.campaign },
  { title: "COUPON", value: (row) => row.coupon },
  { title: "CATEGORY", value: (row) => row.category ?? "" },
  { title: "CATEGORY PLACE", value: (row) => String(row.categoryPlace ?? ""), align: "right" },
  { title: "GROUP", value: (row) => row.group },
];
const KEPT: Column<Candidate>[] = [
  { title: "RANK", value: (row) => String(row.rank ?? ""), align: "right" },
  ...OFFER,
  { title: "REASON", value: (row) => row.reason ?? "" },
];
const LEFT_OUT: Column<Candidate>[] = [...OFFER, { title: "WHY", value: whyOf }];

interface Summed {
  why: string;
  whom: string;
  offers: number;
  campaigns: string[];
}
const REFUSED: Column<Summed>[] = [
  { title: "WHY", value: (row) => row.why },
  { title: "REFUSED TO", value: (row) => row.whom },
  { title: "OFFERS", value: (row) => figure(row.offers), align: "right" },
  { title: "CAMPAIGNS", value: (row) => some(row.campaigns) },
];

/** The first few, and how many more. */
function some(names: string[]): string {
  const first = names.slice(0, FEW).join(", ");
  return names.length > FEW ? `${first} and ${names.length - FEW} more` : first;
}

/** Refusals of one decision together, most offers first. */
export function summed(refused: Refusal[]): Summed[] {
  const found = new Map<string, Summed>();
  for (const { decision, everyone, campaign, offers } of refused) {
    const row = found.get(`${decision} ${everyone}`) ?? {
      why: words(decision),
      whom: everyone ? "everyone" : "this entity",
      offers: 0,
      campaigns: [],
    };
    if (!row.campaigns.includes(campaign)) row.campaigns.push(campaign);
    found.set(`${decision} ${everyone}`, { ...row, offers: row.offers + offers });
  }
  for (const { campaigns } of found.values()) campaigns.sort(byNumber.compare);
  return [...found.values()].toSorted((a, b) => b.offers - a.offers);
}

const WORDS: Record<string, string> = {
  "not-active": "the campaign does not run on the day",
  "never-offered": "one of its categories is never offered",
  storewide: "storewide: on more items than maxItems",
  "not-sold-lately": "none of its items was sold lately",
  "no-known-category": "no category of its items is known",
  "not-targeted": "not targeted by the campaign",
  "type-not-for-segment": "the segment gets no campaigns of this type",
  "never-offered-to-segment": "one of its categories is never offered to the segment",
};

function words(decision: string): string {
  return decision
    .split(", ")
    .map((one) => WORDS[one] ?? one)
    .join("; ");
}

function whyOf({ decision, instead, group }: Candidate): string {
  if (decision === "other-campaign") return `the same coupon comes first in campaign ${instead ?? "another"}`;
  if (decision === "quota-full") return `no place left for ${group}`;
  return words(decision);
}

function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

function fields(pairs: [string, string | undefined][]): string {
  return pairs.map(([name, value]) => (value === undefined ? "" : `${name.padEnd(8)}  ${oneLine(value)}\n`)).join("");
}
