/** A folder with the specs of the cases and the code of their job, and the command line run in it with the submitter's rights. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MissingError } from "../../../scripts/missing.mjs";
import { SHORT_LIVED } from "../../../scripts/spark-archive.mjs";
import { CLAIM } from "../accounts.ts";
import { sparkImage } from "../image.ts";
import { NAMESPACE, ROOT, SOURCES } from "../places.ts";
import { S3 } from "../s3.ts";
import { submitter } from "../submitter.ts";
import type { Case } from "./cases.ts";
import { MARK } from "./harm.ts";

export interface Place {
  folder: string;
  /** Where runs and data of this invocation are kept. */
  store: string;
  /** Part of every run's name: a submission of an earlier invocation may still be under way. */
  stamp: string;
}

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  ended: Promise<Ended>;
  /** The first text on standard error that matches; undefined when it ended without. */
  says: (pattern: RegExp) => Promise<RegExpExecArray | undefined>;
}

const API_VERSION = "sparkwright.dev/v1alpha1";

export function makePlace(cases: Case[]): Place {
  const folder = mkdtempSync(join(tmpdir(), "sparkwright-classes-"));
  const stamp = randomBytes(3).toString("hex");
  const store = `${S3.root}/classes/${stamp}`;
  const code = join(folder, "code");
  mkdirSync(code);
  cpSync(join(SOURCES, "classes/job.py"), join(code, "job.py"));
  cpSync(join(ROOT, "spark-jobs/sparkjobs"), join(code, "sparkjobs"), {
    recursive: true,
    filter: (path) => !path.endsWith("__pycache__"),
  });
  for (const one of cases) {
    const specs = join(folder, one.name);
    mkdirSync(specs);
    for (const document of documentsOf(one, store, stamp)) {
      writeFileSync(join(specs, `${document.kind.toLowerCase()}.yaml`), `${JSON.stringify(document, undefined, 2)}\n`);
    }
  }
  return { folder, store, stamp };
}

export function removePlace({ folder }: Place): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Starts `sparkwright WORDS`. */
export function sparkwright(place: Place, words: string[], config?: string): Started {
  const child = spawn(join(ROOT, "sparkwright"), words, {
    cwd: place.folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...submitter(config), SPARKWRIGHT_STORE: place.store },
  });
  const heard = { stdout: "", stderr: "" };
  const listeners = new Set<() => void>();
  child.stdout.on("data", (chunk: Buffer) => (heard.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    heard.stderr += chunk.toString();
    for (const tell of listeners) tell();
  });
  const ended = new Promise<Ended>((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => done({ code, ...heard }));
  });
  return {
    ended,
    says: (pattern) =>
      Promise.race([
        new Promise<RegExpExecArray>((done) => {
          const look = (): void => {
            const match = pattern.exec(heard.stderr);
            if (match !== null) done(match);
          };
          listeners.add(look);
          look();
        }),
        ended.then(() => undefined),
      ]),
  };
}

interface Document {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: Record<string, unknown>;
}

function documentsOf(one: Case, store: string, stamp: string): Document[] {
  const make = (kind: string, name: string, spec: Record<string, unknown>): Document => {
    return { apiVersion: API_VERSION, kind, metadata: { name }, spec };
  };
  const { settings = { behaviour: "stays", seconds: 1 }, deadlines = {} } = one;
  const job = {
    code: "../code",
    main: "job.py",
    outputs: { out: "numbers" },
    settings,
    retry: { attempts: 1 },
    deadlines,
    cache: false,
  };
  return [
    make("SparkJob", one.name, job),
    make("Dataset", "numbers", { format: "parquet", columns: [{ name: "n", type: "bigint" }] }),
    make("Target", "testbed", targetOf(one, store, stamp)),
  ];
}

/** Small enough for several at once on two processors. */
function targetOf({ target, size }: Case, store: string, stamp: string): Record<string, unknown> {
  const image = process.env["SPARKWRIGHT_IMAGE"] ?? sparkImage();
  if (image === undefined)
    throw new MissingError("Cannot try anything: there is no image", "npm run testbed -- up --tier 2");
  const pod = { cores: 1, coreRequest: "250m", memory: "512m", memoryOverhead: "512m" };
  return {
    backend: "kubeflow",
    namespace: NAMESPACE,
    storage: { root: store },
    image,
    volumes: [{ claim: CLAIM, mountPath: "/opt/python" }],
    credentials: "s3-jobs",
    environment: { AWS_ENDPOINT_URL: S3.endpoint, AWS_REGION: S3.region, JDK_JAVA_OPTIONS: SHORT_LIVED },
    labels: { [MARK]: stamp },
    sizes: {
      small: {
        driver: { ...pod, ...size?.driver },
        executor: { ...pod, ...size?.executor },
        executors: 1,
        ...(size?.conf === undefined ? {} : { conf: size.conf }),
      },
    },
    conf: {
      "spark.hadoop.fs.s3a.endpoint": S3.endpoint,
      "spark.hadoop.fs.s3a.endpoint.region": S3.region,
      "spark.hadoop.fs.s3a.path.style.access": "true",
      "spark.sql.shuffle.partitions": "1",
    },
    ...target,
  };
}
