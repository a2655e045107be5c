import { describe, expect, test } from "vitest";
import { refusalOf } from "../orchestrator/spec/conf.ts";
import { problemsOf, TARGET } from "./specs.ts";

describe("refusalOf()", () => {
  test.for([
    ["spark.sql.shuffle.partitions", "4"],
    ["spark.memory.fraction", "0.7"],
    ["spark.hadoop.fs.s3a.endpoint", "http://10.0.0.1:7070"],
    [
      "spark.hadoop.fs.s3a.aws.credentials.provider",
      "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
    ],
    ["spark.kubernetes.executor.label.team", "offers"],
    ["spark.driver.extraJavaOptions", "-XX:+UseG1GC -XX:MaxGCPauseMillis=200 -Xss4m -Duser.timezone=UTC"],
  ] as const)("%s may be given", ([key, value]) => expect(refusalOf(key, value)).toBeUndefined());

  test.for([
    ["spark.master", "k8s://elsewhere", "the target says where applications run"],
    ["SPARK.MASTER", "local", "the target says where applications run"],
    ["spark.kubernetes.driver.master", "x", "the target says where applications run"],
    ["spark.kubernetes.namespace", "kube-system", "applications run in the target's namespace"],
    ["spark.kubernetes.container.image", "evil", "the target names the image, by digest"],
    ["spark.kubernetes.executor.container.image", "evil", "the target names the image, by digest"],
    ["spark.kubernetes.authenticate.driver.serviceAccountName", "admin", "the target names the service account"],
    ["spark.kubernetes.authenticate.submission.oauthToken", "abc", "it chooses whose rights are used"],
    ["spark.kubernetes.authenticate.caCertFile", "/x", "it chooses whose rights are used"],
    ["spark.kubernetes.driver.podTemplateFile", "/x", "it reaches into the pod"],
    ["spark.kubernetes.driver.volumes.hostPath.a.mount.path", "/", "it reaches into the pod"],
    ["spark.kubernetes.driver.secretKeyRef.A", "b:c", "it reaches into the pod"],
    ["spark.kubernetes.driver.secrets.x", "/x", "it reaches into the pod"],
    ["spark.jars.packages", "g:a:1", "it brings in code; code travels by digest and dependencies are in the image"],
    [
      "spark.executor.extraClassPath",
      "/x",
      "it brings in code; code travels by digest and dependencies are in the image",
    ],
    ["spark.sql.extensions", "x.Y", "it brings in code; code travels by digest and dependencies are in the image"],
    ["spark.executor.memory", "4g", "sizes belong to the target"],
    ["spark.hadoop.fs.s3a.secret.key", "abc", "it carries a secret, which would be seen in logs and in the cluster"],
    ["spark.hadoop.fs.s3a.access.key", "abc", "it carries a secret, which would be seen in logs and in the cluster"],
    ["spark.sql.catalog.x.password", "abc", "it carries a secret, which would be seen in logs and in the cluster"],
    ["spark.sql.catalog.x.url", "jdbc:postgresql://user:pass@host/db", "its value looks like a secret"],
    [
      "spark.driver.extraJavaOptions",
      "-XX:OnOutOfMemoryError=sh",
      "only -XX switches and numbers, -Xss and -D properties may be given to the JVM",
    ],
    [
      "spark.driver.extraJavaOptions",
      "-javaagent:/x.jar",
      "only -XX switches and numbers, -Xss and -D properties may be given to the JVM",
    ],
    [
      "spark.executor.defaultJavaOptions",
      "-Da=$(id)",
      "only -XX switches and numbers, -Xss and -D properties may be given to the JVM",
    ],
    ["spark.executor.extrajavaoptions", "-XX:+UseG1GC", "it is not on the list of settings that may be given"],
    ["hive.metastore.uris", "x", "it is not on the list of settings that may be given"],
  ] as const)("%s is refused", ([key, value, why]) => expect(refusalOf(key, value)?.why).toBe(why));

  test("the value is never repeated", () => {
    expect(JSON.stringify(refusalOf("spark.sql.catalog.x.password", "hunter2"))).not.toContain("hunter2");
  });
});

test("settings of a target and of its sizes are checked, with their place", () => {
  const text = TARGET.replace(
    "sizes:",
    "conf: { spark.sql.shuffle.partitions: '4', spark.master: 'local[9]' }\n  sizes:",
  ).replace("executors: 0 }", "executors: 0, conf: { spark.foo: '1' } }");
  expect(problemsOf(text)).toEqual([
    '8:46 spec.conf["spark.master"]: the Spark setting "spark.master" is refused: the target says where applications run',
    '10:70 spec.sizes.small.conf["spark.foo"]: the Spark setting "spark.foo" is refused: it is not on the list of settings that may be given',
  ]);
});
