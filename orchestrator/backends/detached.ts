/** A process of this very program that outlives the one that starts it. */
import { spawn } from "node:child_process";

export interface Detached {
  /** Whether it has ended already. */
  hasEnded: () => boolean;
  /** Lets the caller end before it. */
  release: () => void;
}

/** Starts the program with these words, without a terminal. */
export function startDetached(words: string[]): Detached {
  const child = spawn(process.execPath, [process.argv[1] ?? "", ...words], { detached: true, stdio: "ignore" });
  return { hasEnded: () => child.exitCode !== null || child.signalCode !== null, release: () => child.unref() };
}
