/** The contract of run stores on a folder; `runs.cluster.test.ts` has it on Run objects. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { openFolder } from "../orchestrator/storage/folder.ts";
import { runStoreContract } from "./run-store.contract.ts";

const home = mkdtempSync(join(tmpdir(), "sparkwright-runs-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

runStoreContract(
  "a folder",
  () => "default",
  async () => {
    const root = mkdtempSync(join(home, "case-"));
    return () => openFolder(root);
  },
);
