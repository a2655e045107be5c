/** The page of a run: whatever specs, data and errors say, it stands there as text. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RunStatus, StepStatus } from "../orchestrator/engine/run-state.ts";
import { escaped, markup } from "../orchestrator/report/html/markup.ts";
import { reportPage, type ReportSurroundings } from "../orchestrator/report/html/page.ts";
import type { RunSheet } from "../orchestrator/report/run.ts";
import { AT, attempt, failure } from "./sample-attempt.ts";
import { planWith, stepOf } from "./stand-in/plan.ts";

/** Text that would do harm in some place of a page, and any other. */
const evil = fc.oneof(
  fc.constantFrom(
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onload='alert(1)",
    "</title></style><b>",
    "-->",
    "&lt;&#60;&amp",
    "\u0000\u001b[2J\u009b\ud800",
  ),
  fc.string({ unit: "binary", maxLength: 20 }),
);
const cell = fc.oneof(evil, fc.double(), fc.integer(), fc.constant(null), fc.constantFrom("1 to 2", "+0.1 to 1e3"));
const tables = fc.record({
  title: evil,
  columns: fc.array(fc.oneof(evil, fc.constantFrom("epoch", "loss", "a", "a, interval")), { maxLength: 4 }),
  rows: fc.array(fc.array(cell, { maxLength: 4 }), { maxLength: 4 }),
});

function pageOf(text: string, report: Partial<ReportSurroundings> = {}): string {
  const steps = [stepOf(text), stepOf(`${text}2`, { reads: { [text]: text }, main: text, size: text })];
  const ended = { ...attempt, application: text, failure: { ...failure, cause: text, evidence: [text], remedy: text } };
  const failed: StepStatus = { phase: "Failed", attempts: [ended], startedAt: AT, endedAt: AT + 5000, reason: text };
  const done: StepStatus = {
    phase: "Succeeded",
    attempts: [attempt],
    inputs: { [text]: { dataset: text, version: text } },
    outputs: { [text]: text },
    unpublished: { [text]: text },
    startedAt: AT,
    endedAt: AT + 9000,
  };
  const status: RunStatus = {
    phase: "Failed",
    startedAt: AT,
    endedAt: AT + 10_000,
    revision: 1,
    pinned: {},
    code: {},
    steps: { [text]: failed, [`${text}2`]: done },
  };
  const run: RunSheet = {
    name: text,
    createdAt: AT,
    plan: planWith(steps, { definition: text, params: { [text]: text } }),
    from: text,
    status,
  };
  const around = { now: AT + 60_000, results: [], logs: { [text]: text }, suffix: ` ${text}`, data: {} };
  return reportPage(run, { ...around, ...report });
}

/** Tags of a page with the names of their attributes, in order; what stands in quotes is left out. */
function skeleton(page: string): string[] {
  return page.match(/<[^>]*>/g)?.map((tag) => tag.replaceAll(/"[^"]*"/g, "")) ?? [];
}

describe("nothing from elsewhere becomes markup", () => {
  test("the page of any words has the tags of the page of a plain word", () => {
    const skeletonOf = (text: string) =>
      skeleton(pageOf(text, { data: { [text]: { version: text, from: text, rows: 1 } } }));
    const plain = skeletonOf("plain");
    expect(plain.filter((tag) => !KNOWN.test(tag))).toEqual([]);
    // A blank is no name, and fields without a value are left out.
    const names = evil.filter((text) => text.trim() !== "");
    fc.assert(
      fc.property(names, (text) => {
        expect(skeletonOf(text)).toEqual(plain);
      }),
    );
  });

  test("nor do results", () => {
    fc.assert(
      fc.property(
        fc.array(tables, { maxLength: 3 }),
        fc.array(evil),
        fc.dictionary(evil, fc.double()),
        (tables, notes, metrics) => {
          const bounded = {
            ...metrics,
            ...Object.fromEntries(
              Object.keys(metrics).flatMap((name) => [
                [`${name}.lower`, 0],
                [`${name}.upper`, 1],
              ]),
            ),
          };
          const page = pageOf("step", { results: [{ step: "step", metrics: bounded, notes, tables }] });
          expect(skeleton(page).filter((tag) => !KNOWN.test(tag))).toEqual([]);
          expect(page).not.toMatch(/[^\P{Cc}\t\n]/u);
          expect(page).not.toMatch(/ (x|y|[xy][12]|c[xy]|d|points|width|height|style)="[^"]*(NaN|Infinity|undefined)/);
        },
      ),
    );
  });

  test("escaped() text is read back by a browser as it was", () => {
    expect(escaped(`<a href="x">'&amp;`)).toBe("&#60;a href=&#34;x&#34;&#62;&#39;&#38;amp;");
    expect(markup`<p>${"<b>"}${markup`<i>${1.005}</i>`}</p>`.text).toBe("<p>&#60;b&#62;<i>1</i></p>");
  });

  test("no browser is asked for anything else", () => {
    const page = pageOf("plain");
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|form)\b|\b(src|on\w+)=|url\(|@import|https?:/i);
  });
});

/** The tags that this page may have, with the names of their attributes. */
const KNOWN =
  /^<(!doctype html|\/?(html|head|meta|title|style|body|main|footer|h[1-4]|dl|dt|dd|pre|section|span|div|svg|desc|path|line|text|rect|circle|polyline|g|a|ul|li|details|summary|table|thead|tbody|tr|th|td|figure|figcaption))( (lang|charset|name|content|http-equiv|id|class|role|aria-labelledby|width|height|viewBox|d|href|x|y|rx|x1|x2|y1|y2|cx|cy|r|points|scope|style)=)*\/?>$/;
