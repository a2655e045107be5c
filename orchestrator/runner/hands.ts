/** @module What is being done about the steps of a run: one thing at a time for each, none waiting for another. */
import type { Report } from "../engine/advance.ts";

export interface Hands {
  /** Whether something is being done about the step, or was done and is not yet reported. */
  areBusy(step: string): boolean;
  /** Begins to do something about it. */
  begin(step: string, work: () => Promise<Report | undefined>): void;
  /** What has come of it since last asked. Throws what went wrong. */
  reports(): Report[];
  /** Resolves when there is a report, or something went wrong. What has to be tried again is no report. */
  hasNews(): Promise<void>;
}

export function hands(): Hands {
  const busy = new Set<string>();
  let done: { step: string; report: Report | undefined }[] = [];
  let failed: { error: unknown } | undefined;
  let news = Promise.withResolvers<void>();

  const carry = async (step: string, work: () => Promise<Report | undefined>): Promise<void> => {
    try {
      const report = await work();
      done.push({ step, report });
      if (report === undefined) return;
    } catch (error) {
      failed ??= { error };
    }
    news.resolve();
  };

  return {
    areBusy: (step) => busy.has(step),

    begin(step, work) {
      busy.add(step);
      void carry(step, work);
    },

    reports() {
      if (failed !== undefined) throw failed.error;
      const ended = done;
      done = [];
      news = Promise.withResolvers();
      for (const { step } of ended) busy.delete(step);
      return ended.flatMap(({ report }) => report ?? []);
    },

    hasNews: () => news.promise,
  };
}
