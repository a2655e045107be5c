/** An S3 server with two accounts: one that owns the bucket, and one for jobs that may not write commits and pointers. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { PutBucketPolicyCommand, S3Client } from "@aws-sdk/client-s3";
import { program } from "./build.ts";
import { output } from "./command.ts";
import type { Part } from "./part.ts";
import { NAMESPACE, NETWORK, PORTS, inRun } from "./places.ts";

interface Account {
  access: string;
  secret: string;
}

interface Accounts {
  root: Account;
  /** Owns the bucket: the driver of a run. */
  sparkwright: Account;
  /** Drivers and executors. */
  jobs: Account;
}

export const S3 = {
  endpoint: `http://${NETWORK.host}:${PORTS.s3}`,
  region: "us-east-1",
  bucket: "sparkwright",
  root: `s3a://sparkwright/${NAMESPACE}`,
} as const;

/** What jobs may write: outputs and results of attempts; commits, versions, pointers and run records are not below these. */
const WRITABLE = ["data/*", "runs/*/*/*/*"].map((path) => `arn:aws:s3:::${S3.bucket}/*/${path}`);

/** Pods and the machine reach it under the same address, that of the bridge. */
export function s3Server(): Part {
  for (const folder of ["objects", "sidecar", "accounts"]) mkdirSync(inRun("s3", folder), { recursive: true });
  const { root } = accounts();
  return {
    name: "s3",
    command: program("versitygw"),
    args: [
      `--port=${NETWORK.host}:${PORTS.s3}`,
      `--region=${S3.region}`,
      `--iam-dir=${inRun("s3/accounts")}`,
      "--quiet",
      "posix",
      `--sidecar=${inRun("s3/sidecar")}`,
      inRun("s3/objects"),
    ],
    env: { ROOT_ACCESS_KEY: root.access, ROOT_SECRET_KEY: root.secret },
    reads: [],
    missing: async () => ((await fetch(S3.endpoint).catch(() => undefined)) ? undefined : "its port does not answer"),
    readyWithinMs: 30_000,
  };
}

/** Makes the accounts, the bucket and what each account may do in it. */
export async function ensureBucket(): Promise<void> {
  const all = accounts();
  const { root, sparkwright, jobs } = all;
  const known = admin(["list-users"]);
  for (const { access, secret } of [sparkwright, jobs]) {
    if (!known.includes(access)) admin(["create-user", "--access", access, "--secret", secret, "--role", "user"]);
  }
  if (!admin(["list-buckets"]).includes(S3.bucket)) {
    admin(["create-bucket", "--owner", sparkwright.access, "--bucket", S3.bucket]);
  }
  const credentials = { accessKeyId: root.access, secretAccessKey: root.secret };
  const client = new S3Client({ endpoint: S3.endpoint, region: S3.region, forcePathStyle: true, credentials });
  await client.send(new PutBucketPolicyCommand({ Bucket: S3.bucket, Policy: JSON.stringify(policy(all)) }));
  client.destroy();
}

/** The accounts of this testbed, made at the first call. */
export function accounts(): Accounts {
  const file = inRun("s3/accounts.json");
  if (!existsSync(file)) {
    const secret = (): string => randomBytes(20).toString("hex");
    const fresh: Accounts = {
      root: { access: "testbed-root", secret: secret() },
      sparkwright: { access: "sparkwright", secret: secret() },
      jobs: { access: "spark-jobs", secret: secret() },
    };
    mkdirSync(inRun("s3"), { recursive: true, mode: 0o700 });
    writeFileSync(file, JSON.stringify(fresh), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(file, "utf8")) as Accounts;
}

function policy({ sparkwright, jobs }: Accounts): unknown {
  const allow = ({ access }: Account, Action: string[], Resource: string | string[]): unknown => ({
    Effect: "Allow",
    Principal: { AWS: [access] },
    Action,
    Resource,
  });
  const bucket = `arn:aws:s3:::${S3.bucket}`;
  return {
    Version: "2012-10-17",
    Statement: [
      // Once a bucket has a policy this server asks nothing else, not even who owns it.
      allow(sparkwright, ["s3:*"], [bucket, `${bucket}/*`]),
      allow(jobs, ["s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"], bucket),
      allow(jobs, ["s3:GetObject"], `${bucket}/*`),
      allow(
        jobs,
        ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
        WRITABLE,
      ),
    ],
  };
}

function admin(words: string[]): string {
  const { root } = accounts();
  const login = ["--access", root.access, "--secret", root.secret, "--region", S3.region];
  return output(program("versitygw"), ["admin", ...login, "--endpoint-url", S3.endpoint, ...words]);
}
