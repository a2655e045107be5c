/** Something this machine lacks, or must change. Printed as one line with what to do about it; exit 2. */
export class MissingError extends Error {
  name = "MissingError";

  /**
   * @param {string} message what is wrong: "Cannot ACTION: details", no final period
   * @param {string} remedy what to do next
   */
  constructor(message, remedy) {
    super(message);
    this.remedy = remedy;
  }
}

/**
 * Runs the main function of a script and turns its outcome into the exit code: what it returns, or 2 for something missing.
 * @param {() => Promise<number | void>} main
 */
export async function exitWith(main) {
  try {
    process.exitCode = (await main()) ?? 0;
  } catch (error) {
    if (!(error instanceof MissingError)) throw error;
    process.stderr.write(`${error.message}\n  ${error.remedy}\n`);
    process.exitCode = 2;
  }
}
