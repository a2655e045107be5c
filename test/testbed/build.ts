/** The programs of the testbed, compiled once from Go modules whose versions and sums are in the repository. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../../scripts/child.mjs";
import { withLock } from "../../scripts/lock.mjs";
import { MissingError } from "../../scripts/missing.mjs";
import { output, say, timed } from "./command.ts";
import { CACHE, SOURCES } from "./places.ts";

interface Program {
  module: string;
  /** Package path of its main function. */
  main: string;
  /** What the linker writes into it. */
  stamp?: string;
}

const VERSION = "k8s.io/component-base/version";
// Without the stamp every component reports v0.0.0-master and refuses to judge version skew.
const KUBERNETES_STAMP = ["gitVersion=v1.35.4", "gitMajor=1", "gitMinor=35"]
  .map((it) => `-X ${VERSION}.${it}`)
  .join(" ");

const kubernetes = (name: string): Program => ({
  module: "kubernetes",
  main: `k8s.io/kubernetes/cmd/${name}`,
  stamp: KUBERNETES_STAMP,
});

const PROGRAMS = {
  "kube-apiserver": kubernetes("kube-apiserver"),
  "kube-controller-manager": kubernetes("kube-controller-manager"),
  "kube-scheduler": kubernetes("kube-scheduler"),
  kubectl: kubernetes("kubectl"),
  kubelet: kubernetes("kubelet"),
  etcd: { module: "kubernetes", main: "go.etcd.io/etcd/server/v3" },
  dns: { module: "dns", main: "." },
  pause: { module: "pause", main: "." },
  versitygw: { module: "s3", main: "github.com/versity/versitygw/cmd/versitygw" },
  "spark-operator": { module: "operator", main: "github.com/kubeflow/spark-operator/v2/cmd/operator" },
} satisfies Record<string, Program>;

export type ProgramName = keyof typeof PROGRAMS;

const TIER_1: ProgramName[] = ["kube-apiserver", "etcd", "kubectl", "kube-controller-manager"];
const TIER_2: ProgramName[] = [...TIER_1, "kube-scheduler", "kubelet", "dns", "pause", "versitygw", "spark-operator"];
export const OF_TIER = { 1: TIER_1, 2: TIER_2 } as const;
const TELL_EVERY_MS = 20_000;
/** Without inlining a program takes a quarter less of the processor to compile; nothing here waits for what it would gain by it. */
const QUICKER = ["-gcflags=all=-l"];
const SETTINGS = { GOFLAGS: "-mod=readonly -trimpath -buildvcs=false", CGO_ENABLED: "0", GOTOOLCHAIN: "local" };

/** Path of a program, built or to be built. */
export function program(name: ProgramName): string {
  return join(folderOf(PROGRAMS[name].module), "bin", name);
}

/** The operator's custom resource definitions, as its module ships them. */
export function operatorDefinitions(): string {
  return join(folderOf("operator"), "crd");
}

/**
 * Builds those of the programs that are not there, and fetches the operator's definitions. Two at once, from any checkout on this cache,
 * wait for each other.
 * @throws {MissingError} no Go, or a build failed
 */
export async function build(names: readonly ProgramName[]): Promise<void> {
  const lacking = (): ProgramName[] => names.filter((name) => !existsSync(program(name)));
  if (lacking().length === 0 && existsSync(operatorDefinitions())) return;
  checkGo();
  await withLock(
    join(CACHE, "testbed-build.lock"),
    async () => {
      for (const name of lacking()) await timed(`built ${name}`, () => buildOne(name));
      copyDefinitions();
    },
    (holder: string) => say(`waiting for another build to finish (${holder})`),
  );
}

async function buildOne(name: ProgramName): Promise<void> {
  const { module, main, stamp = "" }: Program = PROGRAMS[name];
  const cwd = join(SOURCES, "go", module);
  const target = program(name);
  mkdirSync(join(folderOf(module), "bin"), { recursive: true });
  say(`building ${name} (first time only; downloads its sources if needed) ...`);
  const total = packagesOf(main, cwd);
  const unfinished = `${target}.${process.pid}`;
  const args = ["build", "-v", ...QUICKER, "-ldflags", `-s -w ${stamp}`.trim(), "-o", unfinished, main];
  const child = spawn("go", args, {
    cwd,
    env: { ...process.env, ...SETTINGS },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let compiled = 0;
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    compiled += text.split("\n").length - 1;
    said = (said + text).slice(-4000);
  });
  const told = setInterval(() => say(`  ${name}: ${compiled} packages compiled of at most ${total}`), TELL_EVERY_MS);
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject).once("close", (status) => resolve(status ?? 1));
  }).finally(() => clearInterval(told));
  if (code !== 0) {
    rmSync(unfinished, { force: true });
    throw new MissingError(
      `Cannot build ${name}: go build ended with exit code ${code}`,
      said.trim().split("\n").slice(-10).join("\n  "),
    );
  }
  renameSync(unfinished, target);
}

/** How many packages a program is made of; listing them downloads what is missing. */
function packagesOf(main: string, cwd: string): number {
  return output("go", ["list", "-deps", main], { cwd, env: SETTINGS }).trim().split("\n").length;
}

function copyDefinitions(): void {
  if (existsSync(operatorDefinitions())) return;
  const cwd = join(SOURCES, "go/operator");
  const answer = output("go", ["mod", "download", "-json", "github.com/kubeflow/spark-operator/v2"], {
    cwd,
    env: SETTINGS,
  });
  const module = (JSON.parse(answer) as { Dir: string }).Dir;
  mkdirSync(folderOf("operator"), { recursive: true });
  const unfinished = `${operatorDefinitions()}.${process.pid}`;
  cpSync(join(module, "config/crd/bases"), unfinished, { recursive: true });
  renameSync(unfinished, operatorDefinitions());
}

/** Another version, another sum, another line of ours or another way to compile makes another folder. */
function folderOf(module: string): string {
  const source = join(SOURCES, "go", module);
  const hash = createHash("sha256").update(QUICKER.join(" "));
  for (const file of readdirSync(source).toSorted()) hash.update(`${file}\0`).update(readFileSync(join(source, file)));
  return join(CACHE, `testbed-${module}-${hash.digest("hex").slice(0, 12)}`);
}

function checkGo(): void {
  const [, major = 0, minor = 0] = /go(\d+)\.(\d+)/.exec(ask("go", ["env", "GOVERSION"]) ?? "")?.map(Number) ?? [];
  if (major === 1 && minor >= 25) return;
  throw new MissingError(
    "Cannot build the testbed: no Go 1.25 or newer was found",
    "Install Go and put it on the PATH, then start again",
  );
}
