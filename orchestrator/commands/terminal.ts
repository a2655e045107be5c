/** @module The streams and surroundings of one call of the program; every verb gets them as one value. */
import type { Clock } from "../clock.ts";
import type { Paint } from "../report/text.ts";

export interface Terminal {
  /** Results, to standard output. Does nothing once the reader has gone. */
  out: (text: string) => void;
  /** Progress, to standard error. */
  say: (text: string) => void;
  /** Colours of standard output and of standard error. */
  paint: Paint;
  paintProgress: Paint;
  /** Rewrites the live view on standard error; absent when that is no terminal. */
  live?: { size: () => { columns: number; rows: number }; write: (text: string) => void };
  cwd: string;
  environ: Record<string, string | undefined>;
  now: Clock;
  /** Aborted when the reader of standard output has gone, so that what follows a log may end. */
  gone: AbortSignal;
  /** Calls back at the first Ctrl-C; the second one ends the program at once, after `lastWords`. Returns what undoes it. */
  onInterrupt: (first: () => void, lastWords: () => string) => () => void;
}
