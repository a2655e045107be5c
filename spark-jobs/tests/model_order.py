"""What each model makes of sessions whose truth is known: `python tests/model_order.py [SEEDS] [--json]`.

Every model is trained by `training.fit`, as in the job, with the same visits, recipe and seed. Wanted: with the
multiplicative truth gru < gru-latent-cross < txt, each step by two standard errors or more; and no gain of txt where
there is nothing for it to gain: over gru-latent-cross with the additive truth, over gru with none.
"""

import json
import os
import socket
import sys
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from generated_sessions import DAYS_APART, SIZES, TRUTHS, Sessions, sessions

from sparkjobs.next_visit import INPUTS, NextVisitModel, Serving, Shape
from sparkjobs.sequences import Sequences
from sparkjobs.training import Recipe, fit, prepare, trained
from sparkjobs.windows import scoring

ORDER = ("gru", "gru-latent-cross", "txt")
CEILING, HIDDEN = "ceiling", "txt, context hidden"
# Of each truth the steps (lower, higher) that matter, and whether higher must be above lower or must not.
STEPS = {
    "multiplicative": ((("gru", "gru-latent-cross"), ("gru-latent-cross", "txt")), True),
    "additive": ((("gru-latent-cross", "txt"),), False),
    "none": ((("gru", "txt"),), False),
}
ENOUGH = 2.0  # standard errors
KS = (1, 3)
Row = dict[str, Any]  # truth, name, k, value, error; of a gain also errors
TEST_VISITS = 10  # the last of each history
RECIPE = Recipe(epochs=16, batch=64, learning_rate=0.005, weight_decay=0.01, context_dropout=0.1, seed=7)


@dataclass(frozen=True)
class Margin:
    """Mean over seeds of the difference of two models on the same sessions, and its standard error."""

    mean: float
    error: float

    @property
    def errors(self) -> float:
        """How many standard errors the mean is."""
        return self.mean / max(self.error, 1e-12)


def measured(truth: str, seed: int) -> dict[str, list[float]]:
    """Recalls of the ceiling and of each model on the same sessions: name -> a value for each of KS."""
    made = sessions(truth, seed)
    found = {CEILING: ceiling(made)}
    for name in ORDER:
        model = model_on(name, made)
        found[name] = recalls(model, made)
    found[HIDDEN] = recalls(model, made, known=False)  # the last is txt
    told = ", ".join(f"{name} {values[0]:.3f}" for name, values in found.items())
    print(f"{truth}, seed {seed}, top-{KS[0]}: {told}", file=sys.stderr, flush=True)
    return found


def margin(lower: np.ndarray, higher: np.ndarray) -> Margin:
    """Of values [seeds]; the error is NaN for a single seed."""
    differences = higher - lower
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.std(differences, ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else np.nan
    return Margin(float(differences.mean()), float(error))


def holds(rows: list[Row], truth: str) -> bool:
    """Whether what is wanted of this truth is so at every k."""
    above = STEPS[truth][1]
    return all((row["errors"] >= ENOUGH) == above for row in rows if row["truth"] == truth and "errors" in row)


def rows_of(truth: str, found: dict[str, np.ndarray]) -> list[Row]:
    """Of values [seeds, KS]: the mean of each, and the mean gain of each step, with standard errors."""
    rows = []
    for index, k in enumerate(KS):
        for name, values in found.items():
            one = margin(np.zeros(len(values)), values[:, index])
            rows.append({"truth": truth, "name": name, "k": k, "value": one.mean, "error": one.error})
        for low, high in STEPS[truth][0]:
            one = margin(found[low][:, index], found[high][:, index])
            gain = {"value": one.mean, "error": one.error, "errors": one.errors}
            rows.append({"truth": truth, "name": f"{high} over {low}", "k": k, **gain})
    return rows


def table(seeds: int = 5) -> list[Row]:
    """What the seeds come to, truth after truth."""
    by_seed = [{truth: measured(truth, seed) for truth in TRUTHS} for seed in range(seeds)]
    rows = []
    for truth in TRUTHS:
        names = by_seed[0][truth]
        rows += rows_of(truth, {name: np.array([found[truth][name] for found in by_seed]) for name in names})
    return rows


def main(words: list[str]) -> None:
    rows = table(*(int(word) for word in words if word.isdigit()))
    if "--json" in words:
        print(json.dumps(rows))
        return
    for row in rows:
        told = f"{row['truth']:<15} top-{row['k']} {row['name']:<26} {row['value']:+.4f} ± {row['error']:.4f}"
        print(told + (f"  {row['errors']:+.1f} standard errors" if "errors" in row else ""))
    for truth in TRUTHS:
        print(f"{truth}: {'holds' if holds(rows, truth) else 'does not hold'}")


def shape_of(made: Sessions) -> Shape:
    return Shape(made.sequences.width, SIZES, (7.0, 30.0), window=8, dim=32, layers=1, heads=2, dropout=0.0)


def model_on(name: str, made: Sessions, recipe: Recipe = RECIPE) -> NextVisitModel:
    """The model trained on all but the last visits, by one rank in this process."""
    early = _early(made.sequences)
    with tempfile.TemporaryDirectory() as folder:
        place = prepare(made.sequences.keep(early), made.ids[early], shape_of(made), recipe, 1, folder, name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        os.environ.update(RANK="0", WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        fit(place, lambda _: None)
        return trained(place)


def _early(sequences: Sequences) -> np.ndarray:
    return sequences.days < sequences.days.max() - (TEST_VISITS - 1) * DAYS_APART


def recalls(model: NextVisitModel, made: Sessions, known: bool = True) -> list[float]:
    """The chance that the next category is among the k the model ranks first, for each of KS, by the truth's own
    probabilities: what is drawn in the test visits does not blur it."""
    visits = np.flatnonzero(~_early(made.sequences))
    ids = made.ids[visits] * known
    inputs = scoring(made.sequences, ids, model.shape.half_lives, model.shape.window, visits)
    with torch.inference_mode():
        scores = Serving(model)(*(torch.from_numpy(inputs[name]) for name in INPUTS)).numpy()
    return _chances_of(scores, made.chances[visits])


def ceiling(made: Sessions) -> list[float]:
    """The same of whoever knows the truth."""
    chances = made.chances[~_early(made.sequences)]
    return _chances_of(chances, chances)


def _chances_of(scores: np.ndarray, chances: np.ndarray) -> list[float]:
    ranked = np.take_along_axis(chances, np.argsort(-scores, axis=1), axis=1)
    return [float(ranked[:, :k].sum(axis=1).mean()) for k in KS]


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
