/** Who submits on the testbed: the rights of a submitter in the cluster, and the bucket's owner. */
import { kubeconfig } from "./places.ts";
import { S3, accounts } from "./s3.ts";

/** Environment variables of `sparkwright` there. */
export function submitter(config: string = kubeconfig("sparkwright")): Record<string, string> {
  const { sparkwright: owner } = accounts();
  return {
    KUBECONFIG: config,
    AWS_ENDPOINT_URL: S3.endpoint,
    AWS_REGION: S3.region,
    AWS_ACCESS_KEY_ID: owner.access,
    AWS_SECRET_ACCESS_KEY: owner.secret,
  };
}
