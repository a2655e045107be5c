/** `explain entity/ID` reads from a folder and from a bucket of a real S3 server alike. */
import { expect, test } from "vitest";
import { explainEntity } from "../orchestrator/commands/explain-entity.ts";
import { addRun, storeAt, terminalAt } from "./recorded/store.ts";
import { kinds } from "./s3/kinds.ts";

test.for(kinds())("in $name", async ({ place }) => {
  const store = await storeAt(place());
  await addRun(store);
  const view = await explainEntity("1234", {}, terminalAt(store.root));
  expect(view.object).toMatchObject({ segment: "s1", kept: [{ coupon: "milk" }, { coupon: "new" }] });
});
