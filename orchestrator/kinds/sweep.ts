/** A search for hyper-parameters by successive halving: many candidates for little training, the best of them for more. */
import { z } from "zod";

/** Most candidates of one sweep; each is a step of the run. */
export const MOST_CANDIDATES = 64;

export const Sweep = z
  .strictObject({
    values: z
      .record(z.string(), z.array(z.json()).min(1))
      .refine((values) => Object.keys(values).length > 0, "expected at least one hyper-parameter with its values")
      .describe(
        "Path below hyperparameters, such as dim or halfLives[0], to the values it may have. Every combination is a candidate.",
      ),
    trials: z
      .int()
      .min(2)
      .max(MOST_CANDIDATES)
      .optional()
      .describe("So many combinations are drawn by the job's seed, none twice. Default: all of them."),
    budget: z.string().default("epochs").describe("Path below hyperparameters of what a rung gives more of."),
    rungs: z
      .array(z.number().gt(0))
      .min(1)
      .max(8)
      .describe("Value of budget on each rung, rising. The job itself has its own value, whichever that is."),
    reduction: z
      .int()
      .min(2)
      .max(MOST_CANDIDATES)
      .default(2)
      .describe("Of so many candidates one goes on to the next rung: the best on the tuning period."),
    main: z
      .string()
      .default("jobs/sweep.py")
      .describe("Python file that trains and scores one candidate, relative to the code folder."),
  })
  .describe(
    "Hyper-parameters to choose from before the job trains. Each candidate and rung is a step of its own; they see nothing of the test period.",
  );
export type Sweep = z.output<typeof Sweep>;
