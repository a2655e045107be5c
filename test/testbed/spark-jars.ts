/** What Spark needs to speak S3 and pip's pyspark does not bring: fetched with the Ivy that it does bring, checked by digest. */
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MissingError } from "../../scripts/missing.mjs";
import { digestOf } from "../../scripts/places.mjs";
import { output, say } from "./command.ts";
import { CACHE, ROOT, sitePackages } from "./places.ts";

interface Jar {
  group: string;
  name: string;
  version: string;
  sha256: string;
}

/** The versions that Spark 4.1 was built with; its own committer jar was published up to 4.1.2 only. Shared with spark-jobs/Dockerfile. */
export const JARS: Jar[] = readFileSync(join(ROOT, "spark-jobs/image/jars.txt"), "utf8")
  .trim()
  .split("\n")
  .map((line) => {
    const [group = "", name = "", version = "", sha256 = ""] = line.split(" ");
    return { group, name, version, sha256 };
  });

/**
 * Puts the jars into a folder.
 * @throws {MissingError} one cannot be had, or is not the one that was pinned
 */
export function fetchJars(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const jars = join(sitePackages(), "pyspark/jars");
  const ivy = readdirSync(jars).find((file) => /^ivy-[\d.]+\.jar$/.test(file)) ?? "ivy.jar";
  const work = join(CACHE, "testbed-ivy");
  for (const jar of JARS) {
    say(`  fetching ${jar.name} ${jar.version} ...`);
    const file = join(folder, `${jar.name}-${jar.version}.jar`);
    const retrieve = ["-notransitive", "-types", "jar", "-retrieve", join(folder, "[artifact]-[revision].[ext]")];
    const wanted = ["-dependency", jar.group, jar.name, jar.version];
    output("java", [`-Divy.default.ivy.user.dir=${work}`, "-jar", join(jars, ivy), ...wanted, ...retrieve, "-warn"]);
    const found = digestOf(file);
    if (found === jar.sha256) continue;
    throw new MissingError(
      `Cannot use ${jar.name} ${jar.version}: its SHA-256 is ${found}, pinned is ${jar.sha256}`,
      "Delete the folder testbed-ivy in the cache and try again; if it stays so, do not trust the repository",
    );
  }
  rmSync(work, { recursive: true, force: true });
}
