/** @module The files of a first project: a target, a table of purchases and one job that reads it. */

/** Path below the project → content. */
export function projectFiles(): Record<string, string> {
  return {
    "job-specs/laptop.yaml": TARGET,
    "job-specs/datasets.yaml": DATASETS,
    "job-specs/features.yaml": JOB,
    "job-specs/pipeline.yaml": PIPELINE,
    "data/purchases.csv": purchases(),
  };
}

const TARGET = `# Where jobs run. A cluster is another document of this kind; the jobs stay as they are.
apiVersion: sparkwright.dev/v1alpha1
kind: Target
metadata:
  name: laptop
spec:
  backend: local
  storage:
    root: .sparkwright
  sources:
    shop:
      path: ../data
  sizes:
    small:
      driver: { cores: 2, memory: 1g }
      executors: 0
  conf:
    spark.sql.shuffle.partitions: "2"
`;

const DATASETS = `# From outside: a file below a source of the target.
apiVersion: sparkwright.dev/v1alpha1
kind: Dataset
metadata:
  name: purchases
spec:
  description: Lines of baskets
  format: csv
  source: shop
  path: purchases.csv
  columns:
    - { name: customer, type: string }
    - { name: basket, type: string }
    - { name: at, type: string }
    - { name: article, type: string }
    - { name: price, type: double }
---
# Written by jobs.
apiVersion: sparkwright.dev/v1alpha1
kind: Dataset
metadata:
  name: visit-lines
spec:
  description: Clean lines by local day
  partitionBy: [date]
---
apiVersion: sparkwright.dev/v1alpha1
kind: Dataset
metadata:
  name: customer-features
spec:
  description: One row per customer as of a day
`;

const JOB = `# sparkwright explain FeatureJob tells what each field means.
apiVersion: sparkwright.dev/v1alpha1
kind: FeatureJob
metadata:
  name: features
spec:
  params:
    asOf: { type: date, default: "2026-04-01", description: Only days before this one count }
  inputs:
    lines: purchases
  outputs:
    lines: visit-lines
    features: customer-features
  asOf: \${params.asOf}
  zones: { source: UTC, business: Europe/Berlin }
  columns:
    entity: customer
    visit: basket
    time: at
    item: article
    amount: price
  timestampFormat: yyyy-MM-dd HH:mm
  windows: [7, 28]
`;

const PIPELINE = `# Jobs are ordered by the datasets they read and write.
apiVersion: sparkwright.dev/v1alpha1
kind: Pipeline
metadata:
  name: first
spec:
  params:
    asOf: { type: date, default: "2026-04-01" }
  jobs:
    - job: features
  publish: [customer-features]
`;

const CUSTOMERS = 20;
const VISITS = 8;
const ARTICLES = ["bread", "milk", "apples", "coffee", "rice", "cheese", "soap"];
const DAY_MS = 86_400_000;

/** Made up, the same every time: each customer comes every few days of March 2026 and buys two to four articles. */
function purchases(): string {
  const first = Date.UTC(2026, 2, 1);
  const lines = ["customer,basket,at,article,price"];
  for (let customer = 1; customer <= CUSTOMERS; customer++) {
    for (let visit = 0; visit < VISITS; visit++) {
      const day = first + ((visit * (2 + (customer % 3)) + (customer % 7)) % 28) * DAY_MS;
      const at = new Date(day + (8 + ((customer * 3 + visit) % 12)) * 3_600_000)
        .toISOString()
        .slice(0, 16)
        .replace("T", " ");
      for (let line = 0; line < 2 + ((customer + visit) % 3); line++) {
        const article = (customer + visit * 2 + line * 3) % ARTICLES.length;
        const price = (99 + article * 73 + ((customer * visit) % 40)) / 100;
        lines.push(
          `c${String(customer).padStart(2, "0")},c${customer}-${visit},${at},${ARTICLES[article] ?? ""},${price.toFixed(2)}`,
        );
      }
    }
  }
  return `${lines.join("\n")}\n`;
}
