import { z } from "zod";
import { Column, Day, Name, jobFields } from "./fields.ts";

export const SegmentationJob = z
  .strictObject({
    ...jobFields,
    main: z.string().default("jobs/segment.py").describe("Python file to run, relative to the code folder."),
    inputs: z.strictObject({ features: Name.describe("One row per entity.") }).describe("Datasets it reads, by role."),
    outputs: z
      .strictObject({
        model: Name.describe("Clips, log columns, scaler and centroids as one model."),
        segments: Name.describe("entity, segment, distance, second_distance."),
        profile: Name.describe(
          "Per segment: share, means, index against all, what sets it apart, in words and numbers.",
        ),
        history: Name.optional().describe(
          "Who was where as of each day: entity, segment, model, distance, second_distance, x (the scaled features). Partitioned by as_of; rows of other days stay. With it entities leave a segment only for one that is closer by `closer`.",
        ),
        moves: Name.optional().describe(
          "Since the last day in history: entity, origin, target, cause (stayed, behaviour, model, both, refitted, new, lost).",
        ),
      })
      .describe("Datasets it writes, by role."),
    asOf: Day.optional().describe("Day of the rows added to history."),
    update: z
      .enum(["fit", "retrain", "assign"])
      .default("fit")
      .describe(
        "fit: choose the number of segments and their centroids anew. retrain: go on from the published centroids, with its scales and number. assign: the published model as it is. Without a published model each fits. Ids of segments are kept by the members they share.",
      ),
    closer: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.2)
      .describe("Share by which another centroid must be closer before an entity leaves the segment it had."),
    entity: Column.default("entity").describe("Column that names the entity."),
    features: z.array(Column).min(1).describe("Columns to cluster on: behaviour only, never offers."),
    winsorise: z
      .strictObject({
        lower: z.number().min(0).max(0.5).default(0.01).describe("Quantile below which values are raised to it."),
        upper: z.number().min(0.5).max(1).default(0.99).describe("Quantile above which values are lowered to it."),
      })
      .prefault({})
      .describe("Quantiles to which outliers are clipped."),
    logAbove: z.number().default(1).describe("Non-negative columns skewed more than this get log1p."),
    clusters: z
      .strictObject({
        min: z.int().min(2).default(3).describe("Fewest segments."),
        max: z.int().max(64).default(8).describe("Most segments."),
      })
      .prefault({})
      .describe("The k to try."),
    minShare: z.number().min(0).max(0.5).default(0.05).describe("Smallest share of entities a segment may hold."),
    stability: z
      .strictObject({
        seeds: z.int().min(2).max(50).default(10).describe("Clusterings compared per k."),
        minMedianAri: z
          .number()
          .min(0)
          .max(1)
          .default(0.8)
          .describe("Least median adjusted Rand index for a k to count."),
      })
      .prefault({})
      .describe("How alike the clusterings from different seeds must be (adjusted Rand index, median over pairs)."),
    maxIter: z.int().min(1).max(1000).default(50).describe("Most iterations of one clustering."),
    seed: z.int().default(7).describe("Same seed and data, same segments."),
  })
  .refine(({ outputs, asOf }) => outputs.history === undefined || asOf !== undefined, {
    path: ["outputs", "history"],
    message: "its rows are of a day; name it in asOf",
  })
  .refine(({ outputs }) => outputs.moves === undefined || outputs.history !== undefined, {
    path: ["outputs", "moves"],
    message: "moves are told from history; name outputs.history as well",
  })
  .describe("Groups entities into segments with k-means.");
export type SegmentationJob = z.output<typeof SegmentationJob>;
