/** What Spark needs to speak S3 and pip's pyspark does not bring: fetched with the Ivy that it does bring, checked by digest. */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MissingError } from "../../scripts/missing.mjs";
import { digestOf } from "../../scripts/places.mjs";
import { output, say } from "./command.ts";
import { CACHE, sitePackages } from "./places.ts";

interface Jar {
  group: string;
  name: string;
  version: string;
  sha256: string;
}

/** The versions that Spark 4.1 was built with; its own committer jar was published up to 4.1.2 only. */
export const JARS: Jar[] = [
  {
    group: "org.apache.hadoop",
    name: "hadoop-aws",
    version: "3.4.2",
    sha256: "d2d24e6b715b5656b9d238bf13b6682a07e2004dd36aad74a73aeb854319f4d9",
  },
  {
    group: "software.amazon.awssdk",
    name: "bundle",
    version: "2.29.52",
    sha256: "62638f33045690c6bc5e496b54b0b2e89a9ad38cbedacdf6e017fea6bc85f55c",
  },
  {
    group: "org.apache.spark",
    name: "spark-hadoop-cloud_2.13",
    version: "4.1.2",
    sha256: "672d7d872f434cb7fe1c90f7edcd19b1e8c67a335a578288426fbd4db5096915",
  },
];

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
