import { expect, test } from "vitest";
import { readJunit, readVitest } from "../../scripts/test-report.mjs";

test("readVitest() counts tests, names the skipped and counts a file that could not be loaded", () => {
  const report = {
    testResults: [
      {
        status: "failed",
        assertionResults: [
          { status: "passed", fullName: "a" },
          { status: "failed", fullName: "b" },
          { status: "pending", fullName: "c" },
        ],
      },
      { status: "failed", assertionResults: [] },
      { status: "passed", assertionResults: [{ status: "passed", fullName: "d" }] },
    ],
  };
  expect(readVitest(JSON.stringify(report))).toEqual({ passed: 2, failed: 2, skipped: ["c"] });
});

test("readJunit() tells failures, errors and skips from passes", () => {
  const report = `<testsuites><testsuite><testcase classname="t" name="a" time="1" />
    <testcase classname="t" name="b"><failure message="x &gt; y">trace</failure></testcase>
    <testcase classname="t" name="c"><error message="boom"/></testcase>
    <testcase classname="t" name="d"><skipped type="pytest.skip" message="no"/></testcase>
    <testcase classname="t" name="e"><system-out>failure is a word</system-out></testcase></testsuite></testsuites>`;
  expect(readJunit(report)).toEqual({ passed: 2, failed: 2, skipped: ["d"] });
});

test("no report is no count", () => {
  expect(readVitest(undefined)).toBeUndefined();
  expect(readJunit(undefined)).toBeUndefined();
});
