"""A TrainingJob from lines to its three outputs: model, scorer and evaluation."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparkjobs.baselines import Baseline
from sparkjobs.context import Context
from sparkjobs.evaluation import SLICES
from sparkjobs.export import export
from sparkjobs.failure import InputError
from sparkjobs.gate import Verdict
from sparkjobs.job import Job
from sparkjobs.leaderboard import take_winner
from sparkjobs.models import MODELS
from sparkjobs.next_visit import NextVisitModel
from sparkjobs.onnx_session import session
from sparkjobs.openings import before, counted, earlier_openings, words
from sparkjobs.scorer import ModelScorer, save_baseline, save_model
from sparkjobs.training import train
from sparkjobs.trial import Period, Trial, model_of, period, refitted, tuned
from sparkjobs.visits import histories, visits
from sparkjobs.windows import scoring

EVALUATION = (
    "scorer string, metric string, context string, slice string, "
    "value double, lower double, upper double, visits bigint, entities bigint"
)


def main(job: Job) -> None:
    """Tunes the baselines, trains the model, evaluates all alike and lets the gate decide what is to score."""
    take_winner(job)
    settings, split = job.settings, job.settings["split"]
    if not split["tune"] < split["test"] < split["end"]:
        days = f"tune {split['tune']}, test {split['test']}, end {split['end']}"
        raise InputError(f"Cannot train: the days of split do not follow each other ({days})", "Put them in order")
    with _part(job, "reading visits"):
        past = read_histories(job, split["end"])
        earlier = earlier_openings(job)
    opening = (job.manifest("lines")["dataset"], split["test"], split["end"])
    times = before(earlier, *opening)
    with _part(job, "tuning baselines"):
        chosen = tuned(past, settings)
    test = period(past, settings, split["test"], split["end"])
    with _part(job, "training"):
        scorer, signature, onnx = train_model(job, test)
    others = []
    if settings["compare"]:
        with _part(job, "training the others"):
            others = [train_other(job, test, name) for name in MODELS if name != scorer.name]
    with _part(job, "evaluating"):
        trial = Trial(settings, test, segments=read_segments(job))
        baselines = refitted(chosen, test, settings)
        trial.add_tuning(chosen)
        trial.add_baselines(baselines)
        for model in (scorer, *others):
            trial.add_model(model)
        verdict = trial.judge()
    fallback = next(baseline for baseline in baselines if baseline.name == chosen.best().name)
    facts = {"lineage": lineage(job, test), "gate": asdict(verdict), "test_period_opened_before": times}
    job.write_model("model", lambda folder: save_model(scorer, signature, onnx, folder, facts))
    if verdict.promoted:
        job.write_model("scorer", lambda folder: save_model(scorer, signature, onnx, folder, facts))
    else:
        job.write_model("scorer", lambda folder: save_baseline(fallback, test.categories, folder, facts))
    openings = job.spark.createDataFrame([one.row() for one in counted(earlier, *opening)], EVALUATION)
    job.write("evaluation", job.spark.createDataFrame(trial.rows(), EVALUATION).unionByName(openings))
    report(job, trial, verdict, fallback)
    job.metric("test_period_opened_before", times)
    job.note(words(times))


def read_histories(job: Job, end: str) -> pd.DataFrame:
    """All visits before local day `end`, one row per entity, in the order of their names."""
    lines = job.input("lines", keep=lambda partition: partition.get("date", "") < end)
    job.spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    return histories(visits(lines), date.fromisoformat(end)).toPandas().sort_values("entity", ignore_index=True)


def read_segments(job: Job) -> dict[str, str]:
    """Segment of each entity; empty when the job names no segments."""
    if not job.has("segments"):
        return {}
    return {row["entity"]: row["segment"] for row in job.input("segments").select("entity", "segment").collect()}


def train_model(job: Job, test: Period) -> tuple[ModelScorer, dict[str, Any], Path]:
    """Trains on all visits before the test period: the model as it will be served, its signature and its file."""
    context, shape, recipe = model_of(job.settings, test)
    ids = context.ids(test.fit, np.arange(test.fit.visits))
    name = job.settings["model"]
    model, training = train(test.fit, ids, shape, recipe, job.settings["ranks"], job.kept, name)
    if training["resumed"]:
        job.note(f"training went on after epoch {training['resumed']}, which ranks that are gone had finished")
    _report_ranks(job, training)
    onnx = job.work / "model.onnx"
    scorer, signature = exported(model, name, test, context, ids, onnx)
    job.metric("train.loss", training["losses"][-1])
    if training["seconds"]:
        job.metric("train.visits_per_s", test.fit.visits / float(np.median(training["seconds"])))
    job.metric("export.difference", signature["difference"])
    return scorer, signature, onnx


def train_other(job: Job, test: Period, name: str) -> ModelScorer:
    """Another model for comparison, with the same visits, recipe and seed."""
    context, shape, recipe = model_of(job.settings, test)
    ids = context.ids(test.fit, np.arange(test.fit.visits))
    # In a place of its own: the judged model's checkpoint must outlast it, for a rerun.
    place = f"{job.kept}/compared-{name}"
    model, training = train(test.fit, ids, shape, recipe, job.settings["ranks"], place, name)
    job.metric(f"{name}.train.loss", training["losses"][-1])
    return exported(model, name, test, context, ids, job.work / f"{name}.onnx")[0]


def exported(
    model: NextVisitModel, name: str, test: Period, context: Context, ids: np.ndarray, onnx: Path
) -> tuple[ModelScorer, dict[str, Any]]:
    """The model as it is served, held against torch on the last visits that it was trained on, and its signature."""
    shape, rows = model.shape, np.arange(max(0, test.fit.visits - 64), test.fit.visits)
    signature = export(model, scoring(test.fit, ids[rows], shape.half_lives, shape.window, rows), onnx)
    halves, seen_to = list(shape.half_lives), test.fit.last_day
    return ModelScorer(session(onnx), test.categories, context, halves, shape.window, name, seen_to), signature


def _report_ranks(job: Job, training: dict[str, Any]) -> None:
    """What each rank read, and its digest of the weights after every epoch: a rank that differs has ended the job."""
    ranks = training["ranks"]
    # On one machine its name says nothing.
    told = ["entities", "visits", *(["host"] if len({of["host"] for of in ranks}) > 1 else [])]
    job.table("Ranks", ["rank", *told], [[rank, *(of[name] for name in told)] for rank, of in enumerate(ranks)])
    epochs = zip(training["losses"], training["weights"], strict=True)
    job.table(
        "Weights after each epoch",
        ["epoch", "loss", *(f"rank {rank}" for rank in range(len(ranks)))],
        [[number, round(loss, 4), *(digest[:16] for digest in of)] for number, (loss, of) in enumerate(epochs, 1)],
    )


def lineage(job: Job, test: Period) -> dict[str, Any]:
    """What the scorer was made of."""
    return {
        "run": job.document["run"],
        "step": job.document["step"],
        "inputs": dict(job.versions),
        "settings": job.settings,
        "visits": test.fit.visits,
        "entities": int((test.fit.lengths() > 0).sum()),
    }


def report(job: Job, trial: Trial, verdict: Verdict, fallback: Baseline) -> None:
    """Metrics, the table for people and the verdict in words."""
    k = job.settings["gate"]["topK"]
    others = sorted(trial.models - {trial.model})
    for label, name in ((trial.model, trial.model), ("baseline", fallback.name), *zip(others, others, strict=True)):
        found = trial.interval(trial.recalls[name, "unknown"]["main"])
        job.metric(f"{label}.recall{k}", found.value)
        job.metric(f"{label}.recall{k}.lower", found.lower)
        job.metric(f"{label}.recall{k}.upper", found.upper)
    job.metric("gate.promoted", int(verdict.promoted))
    for name, value in (("gain", verdict.gain.value), ("lower", verdict.gain.lower), ("upper", verdict.gain.upper)):
        job.metric(f"gate.{name}", value)
    rows = []
    for (name, context), by_slice in trial.recalls.items():
        main = trial.interval(by_slice["main"])
        values = [round(trial.interval(by_slice[slice_]).value, 4) for slice_ in SLICES]
        rows.append([name, context, *values, f"{main.lower:.4f} to {main.upper:.4f}"])
    job.table(f"{trial.metric} of the next visit", ["scorer", "context", *SLICES, "main, interval"], rows)
    columns = ["visits by", "group", "visits", fallback.name, trial.model, "gain", "gain, interval"]
    job.table(f"{trial.metric} by kind of visit, context unknown", columns, trial.by_group(fallback.name))
    gains = [
        [context, name, f"{gain.value:+.4f}", f"{gain.lower:+.4f} to {gain.upper:+.4f}"]
        for context in ("unknown", "known")
        for name, gain in trial.gains_over_models(context).items()
    ]
    if gains:
        columns = ["context", "other model", "gain", "gain, interval"]
        job.table(f"{trial.metric} of {trial.model} over other models, main", columns, gains)
    job.note(f"gate: {verdict.reason}")
    if not verdict.promoted:
        job.note(f"the scorer is {fallback.name}, the best baseline in the tuning period: {fallback.parameters()}")


@contextmanager
def _part(job: Job, word: str) -> Iterator[None]:
    """Names the stage and records how many seconds it took."""
    job.stage(word)
    start = time.monotonic()
    yield
    job.metric(f"seconds.{word.replace(' ', '_')}", round(time.monotonic() - start, 1))
