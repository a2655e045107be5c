/** An image as the Open Container Initiative lays it out: blobs named by digest, an index, and a tar around them. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MissingError } from "../../scripts/missing.mjs";
import { output, timed } from "./command.ts";
import { ctr } from "./node.ts";
import { inRun } from "./places.ts";

export interface Layer {
  tar: string;
  /** SHA-256 of the tar, as hex. */
  digest: string;
}

interface Blob {
  mediaType: string;
  digest: string;
  size: number;
}

const TYPE = "application/vnd.oci.image";

/** Gives containerd an image under a name, unless it has that very one, and a second name by its digest, which this gives. */
export async function importImage(name: string, layers: Layer[], config: Record<string, unknown>): Promise<string> {
  const layout = inRun("image");
  rmSync(layout, { recursive: true, force: true });
  const manifest = writeLayout(layout, name, layers, config);
  const known = output("ctr", ctr(["images", "list"])).split("\n");
  if (!known.some((line) => line.startsWith(`${name} `) && line.includes(manifest.digest))) {
    await timed(`imported ${name}`, () => load(layout));
  }
  rmSync(layout, { recursive: true, force: true });
  const byDigest = `${name.replace(/:[^:/]*$/, "")}@${manifest.digest}`;
  output("ctr", ctr(["images", "tag", "--force", name, byDigest]));
  return byDigest;
}

function writeLayout(layout: string, name: string, layers: Layer[], config: Record<string, unknown>): Blob {
  const blobs = join(layout, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (kind: string, value: unknown): Blob => {
    const text = JSON.stringify(value);
    const hash = createHash("sha256").update(text).digest("hex");
    writeFileSync(join(blobs, hash), text);
    return { mediaType: `${TYPE}.${kind}`, digest: `sha256:${hash}`, size: Buffer.byteLength(text) };
  };
  const rootfs = { type: "layers", diff_ids: layers.map((layer) => `sha256:${layer.digest}`) };
  const image = put("config.v1+json", { architecture: "amd64", os: "linux", config, rootfs });
  for (const layer of layers) share(layer.tar, join(blobs, layer.digest));
  const manifest = put("manifest.v1+json", {
    schemaVersion: 2,
    mediaType: `${TYPE}.manifest.v1+json`,
    config: image,
    layers: layers.map(({ tar, digest }) => ({
      mediaType: `${TYPE}.layer.v1.tar`,
      digest: `sha256:${digest}`,
      size: statSync(tar).size,
    })),
  });
  const annotations = { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  writeFileSync(join(layout, "index.json"), JSON.stringify(index));
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return manifest;
}

/** A second name for the file; a link where the cache is on another disk. */
function share(file: string, name: string): void {
  try {
    linkSync(file, name);
  } catch {
    symlinkSync(file, name);
  }
}

/** Streams the tar, so that it never lies on the disk a second time. */
async function load(layout: string): Promise<void> {
  const tar = spawn("tar", ["--dereference", "--hard-dereference", "-C", layout, "-cf", "-", "."], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const loader = spawn("ctr", ctr(["images", "import", "-"]), { stdio: [tar.stdout, "ignore", "pipe"] });
  let said = "";
  loader.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    tar.once("error", reject);
    loader.once("error", reject).once("close", resolve);
  });
  if (code !== 0) throw new MissingError(`Cannot import an image: ctr ended with exit code ${code}`, said.trim());
}
