/** Reads the reports that test runners write. */

/**
 * @param {string | undefined} text the JSON report of vitest; undefined when there is none
 * @returns {{ passed: number, failed: number, skipped: string[] } | undefined} undefined: no usable report
 */
export function readVitest(text) {
  if (text === undefined) return undefined;
  const files = JSON.parse(text).testResults;
  const tests = files.flatMap((file) => file.assertionResults);
  const count = (status) => tests.filter((test) => test.status === status).length;
  // A file that could not be loaded has no tests but failed all the same.
  const broken = files.filter(
    (file) => file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
  );
  const skipped = tests.filter((test) => !["passed", "failed"].includes(test.status));
  return {
    passed: count("passed"),
    failed: count("failed") + broken.length,
    skipped: skipped.map((test) => test.fullName),
  };
}

/**
 * @param {string | undefined} text the JUnit report of pytest; undefined when there is none
 * @returns {{ passed: number, failed: number, skipped: string[] } | undefined}
 */
export function readJunit(text) {
  if (text === undefined) return undefined;
  let passed = 0;
  let failed = 0;
  const skipped = [];
  for (const [, attributes, body = ""] of text.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    if (/<(failure|error)\b/.test(body)) failed += 1;
    else if (/<skipped\b/.test(body)) skipped.push(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? "a test without a name");
    else passed += 1;
  }
  return { passed, failed, skipped };
}
