/** @module A training step with a sweep, as steps: one for each candidate and rung, the leaderboard, then the step itself with the winner. */
import { canonical, type Json } from "../json.ts";
import type { Sweep } from "../kinds/sweep.ts";
import { shortHash } from "../names.ts";
import { candidatesOf, rungSizes, type TrainingDocument, withParameters } from "../spec/sweep.ts";
import type { InputPort, OutputPort, Step } from "./plan.ts";

/** What makes the leaderboard, in the folder of the jobs shipped with the product. */
const LEADERBOARD = "jobs/leaderboard.py";

/**
 * Steps in an order in which each comes after those it needs; only the training step for a job without a sweep. Who is trained on a later rung is known
 * only when the rung before is done, so such a step is of a place ("the second best") and reads all rows of the rung before: the graph does not depend on data.
 */
export function withSweep(step: Step, { spec }: TrainingDocument, shippedCode: string): Step[] {
  const { sweep } = spec;
  if (sweep === undefined) return [step];
  const rungs: Step[][] = [];
  const candidates = candidatesOf(sweep, spec.seed);
  for (const [index, size] of rungSizes(candidates.length, sweep).entries()) {
    const rung = index + 1;
    const before = rungs.at(-1) ?? [];
    const places = Array.from({ length: size }, (_, place) => place + 1);
    rungs.push(
      places.map((place) => {
        const parameters = rung === 1 ? candidates[place - 1] : undefined;
        // A candidate keeps its row's name when others join it, so that it is found in the cache.
        const dataset = parameters === undefined ? String(place) : shortHash(canonical(parameters));
        return {
          ...step,
          name: `${step.name}-sweep-${rung}-${place}`,
          needs: [...step.needs, ...before.map(({ name }) => name)],
          inputs: { ...step.inputs, ...rowsOf(before) },
          outputs: { row: table(`${step.name}-sweep-${rung}-${dataset}`) },
          settings: settingsOf(step, sweep, rung, parameters === undefined ? { place } : { parameters }),
          main: sweep.main,
          sweepOf: step.name,
        };
      }),
    );
  }
  const all = rungs.flat();
  const board = leaderboard(step, sweep, all, shippedCode);
  const winner = board.outputs["winner"];
  const chosen = winner === undefined ? {} : { winner: { ...winner, step: board.name } };
  return [...all, board, { ...step, needs: [...step.needs, board.name], inputs: { ...step.inputs, ...chosen } }];
}

function settingsOf(step: Step, sweep: Sweep, rung: number, who: { [key: string]: Json }): Step["settings"] {
  const budget = sweep.rungs[rung - 1] ?? 0;
  const own = (who["parameters"] ?? {}) as { [key: string]: Json };
  const hyperparameters = withParameters(step.settings["hyperparameters"], { ...own, [sweep.budget]: budget });
  return { ...step.settings, hyperparameters, sweep: { rung, budget, ...who } };
}

function leaderboard(step: Step, sweep: Sweep, all: Step[], shippedCode: string): Step {
  const name = `${step.name}-sweep-leaderboard`;
  const parameters = Object.keys(sweep.values).toSorted();
  return {
    ...step,
    name,
    needs: all.map((one) => one.name),
    inputs: rowsOf(all),
    // The winner stands alone: as long as it stays the same, what is trained with it need not be trained again.
    outputs: { leaderboard: table(name), winner: table(`${step.name}-sweep-winner`) },
    settings: { sweep: { parameters, budget: sweep.budget, rungs: sweep.rungs } },
    runScoped: {},
    main: LEADERBOARD,
    code: shippedCode,
    ranks: 0,
    sweepOf: step.name,
  };
}

/** The rows that steps write, by role. */
function rowsOf(steps: Step[]): Record<string, InputPort> {
  return Object.fromEntries(
    steps.flatMap(({ name, outputs: { row } }, index) =>
      row === undefined ? [] : [[`row-${index + 1}`, { ...row, step: name }] as const],
    ),
  );
}

function table(dataset: string): OutputPort {
  return { dataset, format: "parquet", columns: [], partitionBy: [] };
}
