import { expect, test } from "vitest";
import { differences } from "../orchestrator/differences.ts";
import type { Json } from "../orchestrator/json.ts";

test.for<[string, Json, Json, unknown]>([
  ["equal maps, keys in another order", { a: 1, b: { c: 2 } }, { b: { c: 2 }, a: 1 }, []],
  ["the deepest place", { a: { b: 1, c: 1 } }, { a: { b: 2, c: 1 } }, [{ path: ["a", "b"], a: 1, b: 2 }]],
  [
    "what only one has, sorted",
    { b: 1 },
    { a: null },
    [
      { path: ["a"], b: null },
      { path: ["b"], a: 1 },
    ],
  ],
  ["a list as one value", { l: [1, 2] }, { l: [1, 3] }, [{ path: ["l"], a: [1, 2], b: [1, 3] }]],
  ["rows of lists of one length", [{ n: 1 }, { n: 2 }], [{ n: 1 }, { n: 3 }], [{ path: [1, "n"], a: 2, b: 3 }]],
  ["lists of other lengths", [{ n: 1 }], [], [{ path: [], a: [{ n: 1 }], b: [] }]],
  ["a map in place of a text", { a: "x" }, { a: {} }, [{ path: ["a"], a: "x", b: {} }]],
  ["names that every object has", {}, { constructor: 1 }, [{ path: ["constructor"], b: 1 }]],
])("differences(): %s", ([, a, b, expected]) => expect(differences(a, b)).toEqual(expected));
