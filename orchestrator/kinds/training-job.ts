import { z } from "zod";
import { Column, Day, Name, jobFields } from "./fields.ts";
import { Sweep } from "./sweep.ts";

export const TrainingJob = z
  .strictObject({
    ...jobFields,
    main: z.string().default("jobs/train.py").describe("Python file to run, relative to the code folder."),
    inputs: z
      .strictObject({
        lines: Name.describe("Clean lines of a FeatureJob."),
        segments: Name.optional().describe(
          "Segments of a SegmentationJob, to break the evaluation down by; no score rests on them. With it the job waits for them, and runs again when they change.",
        ),
      })
      .describe("Datasets it reads, by role."),
    outputs: z
      .strictObject({
        model: Name.describe("The trained model: ONNX, signature, vocabulary, metrics."),
        scorer: Name.describe(
          "What is to be used for scoring: the model when the gate lets it pass, else the best baseline.",
        ),
        evaluation: Name.describe(
          "One row per scorer, metric and slice, with intervals; and how often each test period was opened.",
        ),
      })
      .describe("Datasets it writes, by role."),
    model: z
      .enum(["txt", "gru", "gru-latent-cross"])
      .default("txt")
      .describe(
        "What is trained and judged: Transformer Cross Transformer, a GRU without context, or one whose state the context multiplies.",
      ),
    compare: z
      .boolean()
      .default(false)
      .describe(
        "Whether the other models, and baselines that take longer, are trained and evaluated, too. The gate judges `model` only.",
      ),
    split: z
      .strictObject({
        tune: Day.describe("First day of the tuning period; training sees only earlier visits."),
        test: Day.describe("First day of the test period; the final model is fitted on earlier visits."),
        end: Day.describe("First day after the test period."),
      })
      .describe("Periods, by local day."),
    excludeCategories: z
      .array(Column)
      .default([])
      .describe("Categories left out of the main metric, as targets and as candidates."),
    context: z
      .array(z.enum(["hour", "weekday", "month", "place"]))
      .default(["hour", "weekday", "place"])
      .describe("Context of a visit that the model may see."),
    ranks: z.int().min(1).max(64).default(2).describe("Training processes, one task each (gloo, CPU)."),
    hyperparameters: z
      .strictObject({
        dim: z.int().min(4).default(64).describe("Width of embeddings and layers; a multiple of heads."),
        layers: z.int().min(1).default(2).describe("Layers of the visit encoder."),
        heads: z.int().min(1).default(4).describe("Attention heads per layer."),
        dropout: z.number().min(0).max(0.9).default(0.3).describe("Share of activations dropped in training."),
        contextDropout: z
          .number()
          .gt(0)
          .max(1)
          .default(0.3)
          .describe(
            "Share of training visits whose context is hidden. That trains what stands for an unknown context, and for a month or place not seen before; so it is never 0.",
          ),
        epochs: z.int().min(1).default(5).describe("Passes over the training visits."),
        batch: z.int().min(1).default(32).describe("Windows per step and rank."),
        window: z
          .int()
          .min(2)
          .default(20)
          .describe("Visits per training window; as many, less one, are looked back on."),
        halfLives: z
          .array(z.number().gt(0))
          .min(1)
          .default([7, 30, 120, 365])
          .describe("Half-lives in days of the decayed counts that reach the output directly."),
        learningRate: z.number().gt(0).default(0.003).describe("Peak of the one-cycle schedule."),
        weightDecay: z.number().min(0).default(0.01).describe("AdamW weight decay; not on biases and norms."),
      })
      .prefault({})
      .refine((h) => h.dim % h.heads === 0, { path: ["heads"], message: "dim must be a multiple of heads" })
      .describe("Hyper-parameters of the model."),
    sweep: Sweep.optional(),
    gate: z
      .strictObject({
        topK: z.int().min(1).default(10).describe("k of recall@k."),
        confidence: z.number().gt(0).lt(1).default(0.95).describe("Of the bootstrap interval."),
        replicates: z.int().min(100).default(1000).describe("Bootstrap samples of entities."),
        margin: z.number().default(0).describe("The lower bound of the gain over every baseline must exceed this."),
      })
      .prefault({})
      .describe(
        "The model passes when the lower bound of its paired gain over every count baseline exceeds the margin, context unknown.",
      ),
    seed: z.int().default(7).describe("Same seed and data, same metrics."),
  })
  .describe("Trains a next-visit recommender, compares it with count baselines and decides which of them is to score.");
export type TrainingJob = z.output<typeof TrainingJob>;
