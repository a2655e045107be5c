import { expect, test } from "vitest";
import { UnavailableError } from "../orchestrator/errors.ts";
import { patience } from "../orchestrator/runner/patience.ts";

const never = new AbortController().signal;

test("one store that answers does not lengthen the wait for another, which is told once", async () => {
  const told: string[] = [];
  const outlast = patience(200, ({ message }) => void told.push(message));
  let isOver = false;
  const waiting = outlast(() => Promise.reject(new UnavailableError("no bucket")), never).finally(
    () => (isOver = true),
  );
  const answering = (async () => {
    while (!isOver) {
      await outlast(() => Promise.resolve(), never);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await expect(waiting).rejects.toThrow("no bucket");
  await answering;
  expect(told).toEqual(["no bucket"]);
});
