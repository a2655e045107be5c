/**
 * @module Which Spark settings a spec may give. An allow-list: whoever submits does so with its own rights, and a setting can choose whose they are,
 * run a program, or carry a secret into logs.
 */
import type { Problem } from "../problem.ts";
import { type Document, problemIn } from "./document.ts";
import type { Path } from "./path.ts";

/** Keys, or beginnings of keys when they end in a dot, that change how Spark computes and nothing else. */
const ALLOWED = [
  "spark.broadcast.",
  "spark.checkpoint.",
  "spark.cleaner.",
  "spark.decommission.",
  "spark.default.parallelism",
  "spark.driver.maxResultSize",
  "spark.dynamicAllocation.",
  "spark.eventLog.",
  "spark.excludeOnFailure.",
  "spark.executor.decommission.",
  "spark.executor.heartbeatInterval",
  "spark.executor.processTreeMetrics.enabled",
  "spark.files.fetchTimeout",
  "spark.hadoop.fs.s3a.",
  "spark.hadoop.io.",
  "spark.hadoop.mapreduce.",
  "spark.hadoop.parquet.",
  "spark.io.compression.",
  "spark.io.encryption.enabled",
  "spark.kryo.",
  "spark.kryoserializer.",
  "spark.kubernetes.allocation.",
  "spark.kubernetes.driver.annotation.",
  "spark.kubernetes.driver.label.",
  "spark.kubernetes.executor.annotation.",
  "spark.kubernetes.executor.label.",
  "spark.kubernetes.local.dirs.tmpfs",
  "spark.kubernetes.memoryOverheadFactor",
  "spark.kubernetes.node.selector.",
  "spark.locality.",
  "spark.log.level",
  "spark.memory.",
  "spark.metrics.",
  "spark.ml.",
  "spark.network.",
  "spark.port.maxRetries",
  "spark.python.",
  "spark.rdd.",
  "spark.reducer.",
  "spark.rpc.",
  "spark.scheduler.",
  "spark.serializer",
  "spark.serializer.",
  "spark.shuffle.",
  "spark.sparkr.",
  "spark.speculation",
  "spark.speculation.",
  "spark.sql.",
  "spark.stage.",
  "spark.stageMaxConsecutiveAttempts",
  "spark.storage.",
  "spark.task.",
  "spark.ui.",
  "spark.authenticate",
  "pytorch.spark.distributor.ignoreSsl",
];

/** Names of what must stay hidden. */
const SECRET_NAME = /secret|password|passwd|token|access[._-]?key|credential(?!s\.provider)|private[._-]?key/;

/** Settings people do write and must not; with the reason and what to write in their place. First match counts; letter case is ignored. */
const REFUSED: readonly { key: RegExp; why: string; remedy?: string }[] = [
  {
    key: /^spark\.(master|submit\.|app\.name|app\.id)|^spark\.kubernetes\.driver\.master$/,
    why: "the target says where applications run",
    remedy: "choose another target",
  },
  {
    key: /(^|\.)spark\.(driver|executor)\.(memory|memoryoverhead|cores|instances)$|^spark\.(cores\.max|kubernetes\.(driver|executor)\.(request|limit)\.cores)$/,
    why: "sizes belong to the target",
    remedy: "write them under sizes",
  },
  {
    key: /serviceaccount|serviceaccountname/,
    why: "the target names the service account",
    remedy: "write serviceAccount",
  },
  {
    key: /oauthtoken|cacertfile|clientkeyfile|clientcertfile|proxy-?user|kerberos|\.keytab|\.principal/,
    why: "it chooses whose rights are used",
  },
  {
    key: /^spark\.kubernetes\.(.*\.)?(container\.image|image)(\.|$)/,
    why: "the target names the image, by digest",
    remedy: "write image",
  },
  {
    key: /^spark\.kubernetes\.(namespace|context)$/,
    why: "applications run in the target's namespace",
    remedy: "write namespace",
  },
  {
    key: /podtemplate|\.volumes\.|secretkeyref|\.secrets\.|\.hadoop\.configmapname|\.podname/,
    why: "it reaches into the pod",
  },
  {
    key: /^spark\.(jars|pyfiles|files|archives|submit\.pyfiles|yarn\.|mesos\.)|classpath|librarypath|userclasspathfirst|\.plugins?$|listeners$|extensions$|\.env\./,
    why: "it brings in code; code travels by digest and dependencies are in the image",
  },
  { key: /^spark\.(pyspark\.|python\.use)|\.redaction\./, why: "the target names the interpreter and what is hidden" },
  {
    key: SECRET_NAME,
    why: "it carries a secret, which would be seen in logs and in the cluster",
    remedy: "give the pods access by their service account",
  },
];

/** Values that look like a secret whatever their key: user:password in a URL, an AWS key id, a PEM block. */
const SECRET_VALUE = /:\/\/[^/\s:@]+:[^/\s@]+@|\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN /;
const JAVA_OPTIONS = /^spark\.(driver|executor)\.(extra|default)JavaOptions$/;
/** Options of the JVM that set numbers, switches and properties. Not agents, and not commands to run on an error. */
const SAFE_JAVA_OPTION =
  /^(-XX:[+-][A-Za-z]\w*|-XX:(?!OnError|OnOutOfMemoryError|Flags|VMOptionsFile)[A-Za-z]\w*=\w+|-Xss\d+[kmg]|-D[\w.]+=[\w.:,/-]*)$/;

/** Problems of the Spark settings in a target and its sizes; none for other kinds. */
export function checkConf(document: Document): Problem[] {
  if (document.kind !== "Target") return [];
  const places: { path: Path; conf: Record<string, string> }[] = [
    { path: ["spec", "conf"], conf: document.spec.conf },
    ...Object.entries(document.spec.sizes).map(([name, size]) => ({
      path: ["spec", "sizes", name, "conf"],
      conf: size.conf,
    })),
  ];
  return places.flatMap(({ path, conf }) =>
    Object.entries(conf).flatMap(([key, value]) => {
      const refusal = refusalOf(key, value);
      if (refusal === undefined) return [];
      return [
        problemIn(
          document,
          [...path, key],
          `the Spark setting ${JSON.stringify(key)} is refused: ${refusal.why}`,
          refusal.remedy,
          "key",
        ),
      ];
    }),
  );
}

/** Why a setting may not be given; undefined when it may. Never quotes the value. */
export function refusalOf(key: string, value: string): { why: string; remedy?: string } | undefined {
  if (JAVA_OPTIONS.test(key)) {
    const unsafe = value.split(/\s+/).some((option) => option !== "" && !SAFE_JAVA_OPTION.test(option));
    return unsafe
      ? {
          why: "only -XX switches and numbers, -Xss and -D properties may be given to the JVM",
          remedy: "memory is set by sizes",
        }
      : undefined;
  }
  const refused = REFUSED.find((rule) => rule.key.test(key.toLowerCase()));
  if (refused !== undefined)
    return { why: refused.why, ...(refused.remedy === undefined ? {} : { remedy: refused.remedy }) };
  if (SECRET_VALUE.test(value))
    return { why: "its value looks like a secret", remedy: "give the pods access by their service account" };
  if (ALLOWED.some((known) => key === known || (known.endsWith(".") && key.startsWith(known)))) return undefined;
  return {
    why: "it is not on the list of settings that may be given",
    remedy: "see the settings that may be given in docs/reference.md",
  };
}

/** Whether a name says that it is a secret, or a value looks like one. */
export function looksSecret(name: string, value: string): boolean {
  return SECRET_NAME.test(name.toLowerCase()) || SECRET_VALUE.test(value);
}

/** The list, for the reference page. */
export const ALLOWED_SETTINGS: readonly string[] = ALLOWED;
