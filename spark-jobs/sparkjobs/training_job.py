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
from sparkjobs.evaluation import SLICES
from sparkjobs.export import export, session
from sparkjobs.failure import InputError
from sparkjobs.gate import Verdict
from sparkjobs.job import Job
from sparkjobs.scorer import TxtScorer, save_baseline, save_txt
from sparkjobs.training import train
from sparkjobs.trial import MODEL, Period, Trial, model_of, period, refitted, tuned
from sparkjobs.visits import histories, visits
from sparkjobs.windows import scoring

EVALUATION = (
    "scorer string, metric string, context string, slice string, "
    "value double, lower double, upper double, visits bigint, entities bigint"
)


def main(job: Job) -> None:
    """Tunes the baselines, trains the model, evaluates all alike and lets the gate decide what is to score."""
    settings, split = job.settings, job.settings["split"]
    if not split["tune"] < split["test"] < split["end"]:
        days = f"tune {split['tune']}, test {split['test']}, end {split['end']}"
        raise InputError(f"Cannot train: the days of split do not follow each other ({days})", "Put them in order")
    with _part(job, "reading visits"):
        past = read_histories(job, split["end"])
    with _part(job, "tuning baselines"):
        chosen = tuned(past, settings)
    test = period(past, settings, split["test"], split["end"])
    with _part(job, "training"):
        scorer, signature, onnx = train_model(job, test)
    with _part(job, "evaluating"):
        trial = Trial(settings, test)
        baselines = refitted(chosen, test, settings)
        trial.add_baselines(baselines)
        trial.add_model(scorer)
        verdict = trial.judge()
    fallback = next(baseline for baseline in baselines if baseline.name == chosen.best().name)
    facts = {"lineage": lineage(job, test), "gate": asdict(verdict)}
    job.write_model("model", lambda folder: save_txt(scorer, signature, onnx, folder, facts))
    if verdict.promoted:
        job.write_model("scorer", lambda folder: save_txt(scorer, signature, onnx, folder, facts))
    else:
        job.write_model("scorer", lambda folder: save_baseline(fallback, test.categories, folder, facts))
    job.write("evaluation", job.spark.createDataFrame(trial.rows(), EVALUATION))
    report(job, trial, verdict, fallback)


def read_histories(job: Job, end: str) -> pd.DataFrame:
    """All visits before local day `end`, one row per entity, in the order of their names."""
    lines = job.input("lines", keep=lambda partition: partition.get("date", "") < end)
    job.spark.conf.set("spark.sql.execution.arrow.pyspark.enabled", "true")
    return histories(visits(lines), date.fromisoformat(end)).toPandas().sort_values("entity", ignore_index=True)


def train_model(job: Job, test: Period) -> tuple[TxtScorer, dict[str, Any], Path]:
    """Trains on all visits before the test period: the model as it will be served, its signature and its file."""
    context, shape, recipe = model_of(job.settings, test)
    ids = context.ids(test.fit, np.arange(test.fit.visits))
    model, training = train(test.fit, ids, shape, recipe, job.settings["ranks"], job.kept)
    if training["resumed"]:
        job.note(f"training went on after epoch {training['resumed']}, which ranks that are gone had finished")
    _report_ranks(job, training)
    rows = np.arange(max(0, test.fit.visits - 64), test.fit.visits)
    example = scoring(test.fit, ids[rows], shape.half_lives, shape.window, rows)
    onnx = job.work / "model.onnx"
    signature = export(model, example, onnx)
    job.metric("train.loss", training["losses"][-1])
    job.metric("export.difference", signature["difference"])
    halves, seen_to = list(shape.half_lives), test.fit.last_day
    scorer = TxtScorer(session(onnx), test.categories, context, halves, shape.window, seen_to=seen_to)
    return scorer, signature, onnx


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
    for label, name in ((MODEL, MODEL), ("baseline", fallback.name)):
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
    columns = ["visits by", "group", "visits", fallback.name, MODEL, "gain", "gain, interval"]
    job.table(f"{trial.metric} by kind of visit, context unknown", columns, trial.by_group(fallback.name))
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
