/** @module Colours and measures of a page, light and dark, on a screen and on paper. */

/** CSS. Tones and bars are told in words, too: no colour says anything alone. */
export const STYLE = `:root {
  --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --shade: #f6f8fa; --amount: #cfe3fb;
  --good: #1a7f37; --bad: #cf222e; --busy: #0969da; --quiet: #59636e;
  --queued: #c8ced5; --submitted: #a8b1bb; --pending: #8c96a1; --backoff: #e3b341; --publishing: #8250df;
  --second: #bc4c00; --third: #1a7f37; --fourth: #8250df;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --shade: #161b22; --amount: #16365f;
    --good: #3fb950; --bad: #f85149; --busy: #58a6ff; --quiet: #9198a1;
    --queued: #3d444d; --submitted: #59636e; --pending: #7d8590; --backoff: #bb8009; --publishing: #ab7df8;
    --second: #f0883e; --third: #3fb950; --fourth: #ab7df8;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main, footer { max-width: 60rem; margin: 0 auto; padding: 1rem; }
footer { color: var(--soft); font-size: 0.85rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.1rem; margin: 1.75rem 0 0.5rem; overflow-wrap: anywhere; }
h4, figcaption { font-size: 0.95rem; font-weight: 600; margin: 1.25rem 0 0.35rem; }
a { color: inherit; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1rem; margin: 0.5rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
pre { background: var(--shade); border-left: 3px solid var(--line); margin: 0.5rem 0; padding: 0.6rem 0.8rem;
  font-size: 0.85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.failure { border-color: var(--bad); }
figure { margin: 0.75rem 0; }
summary { cursor: pointer; color: var(--soft); margin: 0.75rem 0 0.35rem; }
.wide { overflow-x: auto; }
.notes { padding-left: 1.2rem; }
.phase { font-size: 0.8rem; font-weight: 600; padding: 0.1rem 0.5rem; border: 1px solid; border-radius: 1rem; vertical-align: middle; }
.good { color: var(--good); } .bad { color: var(--bad); } .busy { color: var(--busy); } .quiet { color: var(--quiet); }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.75rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 400; }
.number { text-align: right; white-space: nowrap; }
.amount { background: linear-gradient(to right, var(--amount) var(--part), transparent var(--part)) no-repeat;
  background-size: calc(100% - 4px) calc(100% - 4px); background-position: 0 2px; }
svg { display: block; font: 13px system-ui, sans-serif; }
svg text { fill: var(--ink); }
svg text.tick { fill: var(--soft); font-size: 12px; text-anchor: middle; }
svg text.at-left { text-anchor: end; }
svg a text.label { text-decoration: underline; text-decoration-color: var(--line); }
.timeline, .chart { max-width: 100%; min-width: 560px; height: auto; }
.grid { stroke: var(--line); }
.zero { stroke: var(--soft); }
.box rect { fill: var(--shade); stroke: currentColor; stroke-width: 1.5; }
.box text { fill: currentColor; font-size: 12px; }
.box text.name { fill: var(--ink); font-size: 13px; font-weight: 600; }
.edge { fill: none; stroke: var(--soft); stroke-width: 1.25; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; margin: 0.5rem 0; padding: 0; font-size: 0.85rem; }
.key { display: inline-block; width: 0.9rem; height: 0.7rem; margin-right: 0.4rem; }
.queued { fill: var(--queued); background: var(--queued); }
.submitted { fill: var(--submitted); background: var(--submitted); }
.pending { fill: var(--pending); background: var(--pending); }
.running { fill: var(--busy); background: var(--busy); }
.failed { fill: var(--bad); background: var(--bad); }
.backoff { fill: var(--backoff); background: var(--backoff); }
.publishing { fill: var(--publishing); background: var(--publishing); }
.whisker { fill: none; stroke: var(--busy); stroke-width: 2; }
.dot { fill: var(--busy); stroke: var(--paper); }
.curve { fill: none; stroke: var(--busy); stroke-width: 2; }
.curve.line-2 { stroke: var(--second); } .dot.line-2 { fill: var(--second); }
.curve.line-3 { stroke: var(--third); } .dot.line-3 { fill: var(--third); }
.curve.line-4 { stroke: var(--fourth); } .dot.line-4 { fill: var(--fourth); }
@media print {
  :root { --paper: #ffffff; --ink: #000000; --soft: #444c56; --line: #c0c7ce; --shade: #f6f8fa; --amount: #cfe3fb;
    --good: #1a7f37; --bad: #cf222e; --busy: #0969da; --quiet: #59636e; }
  * { print-color-adjust: exact; }
  main, footer { max-width: none; padding: 0; }
  figure, tr, .box, pre { break-inside: avoid; }
  h2, h3, h4, figcaption { break-after: avoid; }
  .wide { overflow: visible; }
  svg { max-width: 100%; height: auto; min-width: 0; }
}
`;
