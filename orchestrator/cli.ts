/** @module The program `sparkwright`: builds the verbs, turns errors into exit codes. The only file that sets one. */
import { Command, CommanderError } from "commander";
import product from "../package.json" with { type: "json" };
import { VERBS } from "./commands/index.ts";
import { openTerminal } from "./commands/open-terminal.ts";
import { messageOf } from "./commands/message.ts";
import type { Terminal } from "./commands/terminal.ts";

/** Every exit code there is; `--help` shows this table. */
const EXIT_CODES = {
  done: { code: 0, meaning: "done" },
  failed: { code: 1, meaning: "a job failed" },
  rejected: { code: 2, meaning: "the input is wrong: flags, specs, names, or something missing on this machine" },
  unreachable: { code: 3, meaning: "the cluster or backend cannot be reached; try again" },
  bug: { code: 70, meaning: "a fault in Sparkwright itself" },
  timedOut: { code: 124, meaning: "a limit such as --timeout has passed" },
  interrupted: { code: 130, meaning: "interrupted with Ctrl-C" },
} as const;

/** Exit code by the name of the error, which says what the caller must do. */
const BY_ERROR: Record<string, keyof typeof EXIT_CODES> = {
  RejectedError: "rejected",
  InvalidSpecError: "rejected",
  ConflictError: "rejected",
  UnavailableError: "unreachable",
  JobFailedError: "failed",
  TimedOutError: "timedOut",
  TimeoutError: "timedOut",
  InterruptedError: "interrupted",
  AbortError: "interrupted",
};

async function main(words: string[]): Promise<number> {
  // oxlint-disable-next-line no-restricted-properties -- a second Ctrl-C asks for just that, whatever still waits
  const terminal = openTerminal(() => process.exit(EXIT_CODES.interrupted.code));
  try {
    const program = await buildProgram(words, terminal);
    await program.parseAsync(words, { from: "user" });
    return EXIT_CODES.done.code;
  } catch (error) {
    return report(error, terminal);
  }
}

/** Only the verbs that the words name are loaded whole; the others are known by name, so that `--help` is quick. */
async function buildProgram(words: string[], terminal: Terminal): Promise<Command> {
  const program = new Command("sparkwright")
    .description(product.description)
    .version(product.version, "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.say })
    .configureHelp({ showGlobalOptions: false })
    .showSuggestionAfterError()
    .addHelpText("after", `\nExit codes:\n${exitTable()}\n\nFirst steps: sparkwright init, then sparkwright run`);
  for (const { name, summary, load } of VERBS) {
    const command = program
      .command(name)
      .description(summary)
      .showHelpAfterError(`(sparkwright ${name} --help shows how to use it)`);
    if (words.includes(name)) (await load()).declare(command, terminal);
  }
  return program;
}

function exitTable(): string {
  return Object.values(EXIT_CODES)
    .map(({ code, meaning }) => `  ${String(code).padEnd(4)}${meaning}`)
    .join("\n");
}

/** Says what went wrong and gives the exit code. Commander has said its part already. */
function report(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done.code : EXIT_CODES.rejected.code;
  const { text, name } = messageOf(error, terminal.paintProgress);
  terminal.say(text);
  return EXIT_CODES[BY_ERROR[name] ?? "bug"].code;
}

void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
