/** `--sample 5%`: a run on a share of the entities, never published. */
import { RejectedError } from "../errors.ts";

export interface Sample {
  /** Above 0, below 1. */
  fraction: number;
  seed: number;
}

const SEED = 7;

/** Reads `5%` or `0.05`; throws RejectedError for anything else, and for all or nothing. */
export function parseSample(text: string): Sample {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text.trim());
  const fraction = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
  if (!(fraction > 0 && fraction < 1)) {
    throw new RejectedError(`Cannot take the sample "${text}": expected a share above 0 and below all`, {
      remedy: "write --sample 5%",
    });
  }
  return { fraction, seed: SEED };
}
