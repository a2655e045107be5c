import { describe, expect, test } from "vitest";
import { sparkSubmit } from "../orchestrator/backends/spark-submit.ts";
import { RejectedError } from "../orchestrator/errors.ts";
import { yaml } from "../orchestrator/report/format.ts";
import { plannedApps } from "./planned-apps.ts";
import { sampleApp } from "./sample-app.ts";

/** Settings on a command line, by key. */
function confOf(command: string[]): Record<string, string> {
  const settings = command.filter((_, index) => command[index - 1] === "--conf");
  return Object.fromEntries(
    settings.map((text): [string, string] => [text.split("=", 1)[0] ?? "", text.replace(/^[^=]*=/, "")]),
  );
}

describe("sparkSubmit()", () => {
  const app = sampleApp({
    prefix: '/data/my "own" runs/1',
    main: "/code/main.py",
    archive: "/code/a,b.zip",
    conf: { "spark.ui.enabled": "true" },
  });

  test("talks to nobody but this machine, unless the application says so", () => {
    expect(confOf(sparkSubmit(app).command)).toMatchObject({
      "spark.driver.host": "127.0.0.1",
      "spark.driver.bindAddress": "127.0.0.1",
      "spark.ui.enabled": "true",
    });
    expect(confOf(sparkSubmit({ ...app, conf: {} }).command)).toMatchObject({ "spark.ui.enabled": "false" });
  });

  test("says paths so that Spark reads them as one", () => {
    const { command, env } = sparkSubmit(app);
    expect(confOf(command)).toHaveProperty(
      ["spark.driver.defaultJavaOptions"],
      '-Djava.io.tmpdir="/data/my \\"own\\" runs/1/scratch"',
    );
    expect(confOf(command)).toHaveProperty(["spark.local.dir"], "scratch");
    expect(env).toEqual({ PYTHONPATH: "/code/a,b.zip" });
    expect(command.slice(-2)).toEqual(["/code/main.py", '/data/my "own" runs/1/params.json']);
  });

  test("refuses code below a folder with a colon, from which Python cannot import", () => {
    expect(() => sparkSubmit({ ...app, archive: "/a:b/code.zip" })).toThrow(RejectedError);
  });
});

test.for(plannedApps("laptop", "/data").map((app) => [app.step, app] as const))(
  "local renders %s",
  async ([step, app]) => {
    await expect(yaml({ ...sparkSubmit(app) })).toMatchFileSnapshot(`golden/local/${step}.yaml`);
  },
);
