/** @module The documents a job writes about itself (docs/job-protocol.md), as far as they are as agreed: what a job says decides nothing alone. */
import { z } from "zod";
import type { Observation } from "../spark-app.ts";

const Words = z.string().optional();
export const Termination = z.object({ class: Words, type: Words, message: Words, remedy: Words, traceback: Words });

/** A termination document by its text; undefined for any other text, such as the last log lines Kubernetes puts there. */
export function terminationOf(text: string | undefined): Observation["termination"] {
  if (text === undefined || !text.trimStart().startsWith("{")) return undefined;
  try {
    return Termination.safeParse(JSON.parse(text)).data as Observation["termination"];
  } catch {
    // Cut off at the kubelet's limit of 4096 bytes.
    return undefined;
  }
}

const Count = z.number().catch(0);
const Progress = z.object({
  stage: z.string().optional(),
  stages_done: Count,
  stages_active: Count,
  tasks_done: Count,
  tasks_total: Count,
});

/** A progress document; undefined for what is none. */
export function progressOf(value: unknown): Observation["progress"] {
  return Progress.safeParse(value).data as Observation["progress"];
}
