"""Rates of the jobs' own parts beside what they are made of, one thread each: `python tests/rates.py` prints JSON."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from sparkjobs.context import Context
from sparkjobs.export import export
from sparkjobs.next_visit import NextVisitModel, Shape, loss_of
from sparkjobs.onnx_session import run, session
from sparkjobs.scorer import BATCH, ModelScorer
from sparkjobs.segments import STARTS, candidates
from sparkjobs.sequences import Sequences
from sparkjobs.training import MODEL_INPUTS, Recipe, train
from sparkjobs.windows import Arrays, batches, scoring, steps_of

# Of the form of the retail data: 290 categories, eight of them in a visit.
ENTITIES, VISITS, CATEGORIES, BAG = 400, 60, 290, 8
CONTEXT = {"hour": list(range(24)), "weekday": list(range(7))}
SHAPE = Shape(CATEGORIES, (24, 7), (7.0, 30.0, 120.0, 365.0), window=20, dim=64, layers=2, heads=4, dropout=0.3)
RECIPE = Recipe(3, batch=32, learning_rate=0.003, weight_decay=0.01, context_dropout=0.3, seed=7)
ROWS, FEATURES, CLUSTERS, ITERATIONS = 200_000, 6, 6, 20
SEEDS = 10


def main() -> None:
    torch.set_num_threads(1)
    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = session.config("spark.sql.execution.arrow.pyspark.enabled", "true").getOrCreate()
    rows = [*training_rates(), *clustering_rates(spark)]
    spark.stop()
    print(json.dumps(rows))


def training_rates() -> Iterator[dict[str, object]]:
    """Visits a second in a rank under Spark and in a plain loop; then of the model it gave, in a scorer and alone."""
    made = histories()
    ids = np.column_stack([np.random.default_rng(2).integers(1, size + 1, made.visits) for size in SHAPE.contexts])
    with tempfile.TemporaryDirectory() as folder:
        model, report = train(made, ids, SHAPE, RECIPE, 1, folder)
        ranked = made.visits / median(report["seconds"][1:])  # the first epoch warms up
        yield of("train.rank_sequences_per_s", ranked)
        yield of("train.bare_sequences_per_s", bare_training(model, made, ids))
        file = Path(folder) / "model.onnx"
        inputs = scoring(made, ids[:BATCH], list(SHAPE.half_lives), SHAPE.window, np.arange(BATCH))
        export(model.eval(), inputs, file)
        scorer = ModelScorer(
            session(file),
            [str(c) for c in range(CATEGORIES)],
            Context(CONTEXT),
            list(SHAPE.half_lives),
            SHAPE.window,
            "txt",
        )
        asked = np.arange(made.visits)[-8 * BATCH :]
        yield of("train.scorer_rows_per_s", len(asked) / best_of(3, lambda: scorer.score_visits(made, asked, True)))
        yield of("train.onnxruntime_rows_per_s", BATCH / best_of(10, lambda: run(scorer.runtime, inputs)))


def bare_training(model: NextVisitModel, made: Sequences, ids: np.ndarray) -> float:
    """Visits a second of an epoch of forward, backward and step on batches that are all there before it begins."""
    steps = steps_of(made, SHAPE.window, RECIPE.batch)
    ready = [
        tensors(one)
        for one in batches(made, ids, list(SHAPE.half_lives), SHAPE.window, steps, np.random.default_rng(3))
    ]
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def epoch() -> None:
        for one in ready:
            loss = loss_of(model(*(one[name] for name in MODEL_INPUTS)).flatten(0, 1), one["targets"].flatten(0, 1))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    return made.visits / best_of(2, epoch)


def clustering_rates(spark: SparkSession) -> Iterator[dict[str, object]]:
    """Fits a second of one k as the job makes them, from its table to a candidate, and as scikit-learn does of all."""
    seeds = range(1, 1 + SEEDS)
    numbers = spark.range(0, ROWS, 1, 1).select(
        F.col("id").alias("entity"), F.array(*[F.randn(seed) for seed in range(FEATURES)]).alias("x")
    )
    numbers.cache().count()
    settings = {
        "clusters": {"min": CLUSTERS, "max": CLUSTERS},
        "stability": {"seeds": SEEDS, "minMedianAri": -1},
        "minShare": 0,
        "maxIter": ITERATIONS,
        "seed": seeds[0],
    }
    seconds = best_of(2, lambda: candidates(numbers, settings, lambda _: None))
    yield of("segments.fits_per_s", SEEDS / seconds)
    points = np.stack(numbers.toPandas()["x"].to_list())
    with threadpool_limits(1):
        bare = [KMeans(CLUSTERS, n_init=STARTS, max_iter=ITERATIONS, random_state=seed) for seed in seeds]
        seconds = best_of(2, lambda: [one.fit(points) for one in bare])
    yield of("segments.scikit_fits_per_s", SEEDS / seconds)


def histories() -> Sequences:
    """Entities that visit every fifth day and buy by chance."""
    draws = np.random.default_rng(1)
    visits = ENTITIES * VISITS
    places = np.full(visits, "p", dtype=object)
    return Sequences(
        entities=np.array([f"e{number:04d}" for number in range(ENTITIES)], dtype=object),
        starts=np.arange(ENTITIES + 1, dtype=np.int64) * VISITS,
        days=np.tile(np.arange(VISITS, dtype=np.int32) * 5 + 19_000, ENTITIES),
        hours=draws.integers(0, 24, visits).astype(np.int32),
        places=places,
        bag_starts=np.arange(visits + 1, dtype=np.int64) * BAG,
        bag=np.concatenate([draws.choice(CATEGORIES, BAG, replace=False) for _ in range(visits)]).astype(np.int32),
        width=CATEGORIES,
    )


def tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def best_of(times: int, work: Callable[[], object]) -> float:
    """Seconds of the fastest of so many runs."""
    found = []
    for _ in range(times):
        start = perf_counter()
        work()
        found.append(perf_counter() - start)
    return min(found)


def of(name: str, value: float) -> dict[str, object]:
    return {"name": name, "value": value}


if __name__ == "__main__":
    main()
