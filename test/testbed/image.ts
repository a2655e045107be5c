/** The image of driver and executor, put together from layers without a registry, and given to containerd. */
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { digestOf } from "../../scripts/places.mjs";
import { withLock } from "../../scripts/lock.mjs";
import { program } from "./build.ts";
import { output, say } from "./command.ts";
import { removeFolder } from "./containment.ts";
import { importImage, type Layer } from "./oci.ts";
import { CACHE, IMAGES, ROOT, inRun } from "./places.ts";
import { JARS, fetchJars } from "./spark-jars.ts";

const SUITE = "bookworm";
/** Spark's own images run as this user; without an entry in passwd the JVM knows no home and Ivy fails. */
const USER = { name: "spark", id: 185, home: "/home/spark" };
const UNUSED = [
  "var/cache/apt",
  "var/lib/apt/lists",
  "usr/share/doc",
  "usr/share/man",
  "usr/share/locale",
  "var/log/bootstrap.log",
];
/** Shared with spark-jobs/Dockerfile. */
const IMAGE_SOURCES = join(ROOT, "spark-jobs/image");
const PACKAGES = readFileSync(join(IMAGE_SOURCES, "packages.txt"), "utf8").trim().split("\n");
/** File beside the Dockerfile to its place in the image. */
const PLACES = {
  "entrypoint.sh": "opt/entrypoint.sh",
  "log_archive.py": "opt/sparkwright/log_archive.py",
  "s3_object.py": "opt/sparkwright/s3_object.py",
};

/** Folder of the jars beside the cluster. */
export const SPARK_JARS = inRun("spark-jars");
const SPARK_IMAGE = inRun("spark-image");

export interface Images {
  pause: Layer[];
  spark: Layer[];
  /** The one of `spark` with the jars that speak S3. */
  jars: Layer;
}

/** Makes the layers that are missing in the cache. Needs root. */
export function makeLayers(): Promise<Images> {
  return withLock(
    join(CACHE, "testbed-image.lock"),
    async () => {
      const jars = jarsLayer();
      return { spark: sparkLayers(jars), pause: [pauseLayer()], jars };
    },
    (holder: string) => say(`waiting for another image build to finish (${holder})`),
  );
}

/** Gives both images to the running containerd. */
export async function importImages({ pause, spark }: Images): Promise<void> {
  const variables = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  await importImage(IMAGES.pause, pause, { Entrypoint: ["/pause"], Env: variables });
  const byDigest = await importImage(IMAGES.spark, spark, {
    User: String(USER.id),
    WorkingDir: USER.home,
    Entrypoint: ["/opt/entrypoint.sh"],
    Env: [...variables, "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64", "LANG=C.UTF-8"],
  });
  writeFileSync(SPARK_IMAGE, byDigest);
}

/** Name by digest of the Spark image that was imported, for targets; undefined before that. */
export function sparkImage(): string | undefined {
  return existsSync(SPARK_IMAGE) ? readFileSync(SPARK_IMAGE, "utf8") : undefined;
}

/** The jars that speak S3, beside the cluster: the operator's spark-submit looks at the code's address, too. */
export function unpackJars({ jars }: Images): void {
  removeFolder(SPARK_JARS);
  mkdirSync(SPARK_JARS, { recursive: true });
  output("tar", ["-C", SPARK_JARS, "--strip-components=3", "-xf", jars.tar, "./opt/spark-extra-jars"]);
}

function jarsLayer(): Layer {
  const sums = JARS.map((jar) => jar.sha256);
  return layer("jars", sums, (tree) => fetchJars(join(tree, "opt/spark-extra-jars")));
}

function sparkLayers(jars: Layer): Layer[] {
  return [layer("base", [SUITE, ...PACKAGES, JSON.stringify(USER), ...UNUSED], baseTree), jars, entrypointLayer()];
}

/** Ours: what starts Spark, and what keeps the log of that. */
function entrypointLayer(): Layer {
  const files = Object.entries(PLACES).map(([file, path]) => ({ from: join(IMAGE_SOURCES, file), path }));
  const madeFrom = files.map(({ from, path }) => `${path} ${digestOf(from)}`);
  return layer("entrypoint", madeFrom, (tree) => {
    for (const { from, path } of files) place(from, join(tree, path));
  });
}

function pauseLayer(): Layer {
  return layer("pause", [digestOf(program("pause"))], (tree) => place(program("pause"), join(tree, "pause")));
}

/** A tar of what `fill` puts into an empty folder, kept under a hash of what it is made from. */
function layer(name: string, madeFrom: string[], fill: (tree: string) => void): Layer {
  const hash = createHash("sha256").update(madeFrom.join("\0")).digest("hex").slice(0, 12);
  const tar = join(CACHE, `testbed-layer-${name}-${hash}.tar`);
  if (!existsSync(tar)) {
    const began = Date.now();
    const tree = inRun("tree", name);
    removeFolder(tree); // of a build that was killed
    mkdirSync(tree, { recursive: true, mode: 0o755 });
    fill(tree);
    output("tar", ["--numeric-owner", "--sort=name", "-C", tree, "-cf", `${tar}.part`, "."]);
    renameSync(`${tar}.part`, tar);
    removeFolder(tree);
    say(`made image layer ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  }
  return { tar, digest: digestOfLarge(tar) };
}

/** A small Debian with Java and Python. `SPARKWRIGHT_DEBIAN_MIRROR` names another mirror than debootstrap's own. */
function baseTree(tree: string): void {
  say("making a small Debian with Java and Python for the image (some minutes, once) ...");
  const mirror = process.env.SPARKWRIGHT_DEBIAN_MIRROR;
  const options = ["--variant=minbase", `--include=${PACKAGES.join(",")}`, SUITE, tree];
  output("debootstrap", mirror === undefined ? options : [...options, mirror]);
  for (const path of UNUSED) rmSync(join(tree, path), { recursive: true, force: true });
  appendFileSync(join(tree, "etc/passwd"), `${USER.name}:x:${USER.id}:${USER.id}::${USER.home}:/usr/sbin/nologin\n`);
  appendFileSync(join(tree, "etc/group"), `${USER.name}:x:${USER.id}:\n`);
  for (const folder of [USER.home, "/opt/spark/work-dir"]) {
    mkdirSync(join(tree, folder), { recursive: true });
    output("chown", [`${USER.id}:${USER.id}`, join(tree, folder)]);
  }
}

function place(from: string, to: string): void {
  mkdirSync(join(to, ".."), { recursive: true, mode: 0o755 });
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}

/** sha256sum instead of reading the file here: a layer may be larger than a buffer can be. Kept beside the tar. */
function digestOfLarge(tar: string): string {
  const kept = `${tar}.sha256`;
  if (existsSync(kept)) return readFileSync(kept, "utf8");
  const digest = output("sha256sum", [tar]).slice(0, 64);
  appendFileSync(`${kept}.part`, digest);
  renameSync(`${kept}.part`, kept);
  return digest;
}
