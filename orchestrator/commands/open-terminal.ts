/** @module The terminal of this process: streams that may close early, colours, and Ctrl-C. */
import { systemClock } from "../clock.ts";
import { painter } from "../report/text.ts";
import type { Terminal } from "./terminal.ts";

/** Sets up the standard streams. `leave` ends the process at once; it is called at the second Ctrl-C. */
export function openTerminal(leave: () => never): Terminal {
  const { stdout, stderr, env: environ } = process;
  const gone = new AbortController();
  const out = writer(stdout, () => gone.abort());
  const say = writer(stderr, () => undefined);
  const live =
    stderr.isTTY === true && environ["TERM"] !== "dumb"
      ? { size: () => ({ columns: stderr.columns ?? 80, rows: stderr.rows ?? 24 }), write: say }
      : undefined;
  return {
    out,
    say,
    paint: painter({ isTTY: stdout.isTTY === true, environ }),
    paintProgress: painter({ isTTY: stderr.isTTY === true, environ }),
    ...(live === undefined ? {} : { live }),
    cwd: process.cwd(),
    environ,
    now: systemClock,
    gone: gone.signal,
    onInterrupt: (first, lastWords) => onInterrupt(first, () => (say(lastWords()), leave())),
  };
}

/** A reader that leaves early (`| head`) is no error: what follows is dropped. */
function writer(stream: NodeJS.WriteStream, onGone: () => void): (text: string) => void {
  let open = true;
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    open = false;
    onGone();
  });
  return (text) => {
    if (open && text !== "") stream.write(text);
  };
}

function onInterrupt(first: () => void, second: () => never): () => void {
  let count = 0;
  const listener = (): void => {
    count += 1;
    if (count === 1) first();
    else second();
  };
  process.on("SIGINT", listener);
  return () => void process.off("SIGINT", listener);
}
