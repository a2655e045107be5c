/** The Java that Spark will use. */
import { join } from "node:path";
import { ask } from "./child.mjs";
import { MissingError } from "./missing.mjs";

const OLDEST = 17;
const REMEDY = `Install a JDK or JRE of version ${OLDEST} or newer (Debian and Ubuntu: apt-get install openjdk-${OLDEST}-jre-headless; macOS: brew install openjdk@${OLDEST}), or set JAVA_HOME to one`;

/** @throws {MissingError} when there is none, or an older one than 17 */
export function checkJava() {
  const home = process.env.JAVA_HOME;
  const command = home ? join(home, "bin/java") : "java";
  const where = home ? `JAVA_HOME is ${home}` : "on the PATH";
  const answer = ask(command, ["-version"]);
  if (answer === undefined)
    throw new MissingError(`Cannot run Spark: no Java ${OLDEST} or newer was found (${where})`, REMEDY);
  const version = majorVersion(answer);
  if (version !== undefined && version < OLDEST) {
    throw new MissingError(`Cannot run Spark: Java ${version} is too old (${where})`, REMEDY);
  }
}

/** 17 from `openjdk version "17.0.15" 2025-04-15`, 8 from `java version "1.8.0_402"`. */
export function majorVersion(text) {
  const found = /version "(\d+)(?:\.(\d+))?/.exec(text);
  if (!found) return undefined;
  return Number(found[1] === "1" ? found[2] : found[1]);
}
