"""One candidate of a sweep: trained at its rung's budget, scored on the tuning period only, and told in one row."""

from time import monotonic
from typing import Any

from sparkjobs.evaluation import Interval, evaluate
from sparkjobs.job import Job
from sparkjobs.leaderboard import ROW, ranked, read_rows, set_parameters, text_of, words
from sparkjobs.training import DivergedError
from sparkjobs.training_job import read_histories, train_model
from sparkjobs.trial import Trial, period


def main(job: Job) -> None:
    """Trains whom the settings name, or who is at their place after the rung before, and writes the row of it.

    A candidate whose training diverges ends well, with a row that says so: it is the last of its rung.
    """
    start = monotonic()
    rung, budget = job.settings["sweep"]["rung"], job.settings["sweep"]["budget"]
    parameters, failed = candidate(job)
    job.note(f"rung {rung}: {words(parameters)}")
    found = None
    if failed is None:
        try:
            found = tuning_recall(job)
        except DivergedError as error:
            failed = error.message
    metric = f"recall@{job.settings['gate']['topK']}"
    if found is None:
        job.note(str(failed))
        numbers = (None, None, None, 0)
    else:
        numbers = (found.value, found.lower, found.upper, found.visits)
        for name, value in zip(("", ".lower", ".upper"), numbers[:3], strict=True):
            job.metric(f"tuning.{metric.replace('@', '')}{name}", value)
    row = (rung, text_of(parameters), float(budget), metric, *numbers, round(monotonic() - start, 1), failed)
    job.write("row", job.spark.createDataFrame([row], ROW))


def candidate(job: Job) -> tuple[dict[str, Any], str | None]:
    """Parameters of the candidate, put into the job's hyper-parameters, and why it failed on the rung before, if so."""
    sweep = job.settings["sweep"]
    if "parameters" in sweep:
        return sweep["parameters"], None
    chosen = ranked(read_rows(job))[sweep["place"] - 1]
    set_parameters(job, chosen["parameters"])
    return chosen["parameters"], chosen["failed"]


def tuning_recall(job: Job) -> Interval:
    """Recall@k of slice main, context unknown, on the tuning period; visits of the test period are not even read."""
    settings, split = job.settings, job.settings["split"]
    job.stage("reading visits")
    tuning = period(read_histories(job, split["test"]), settings, split["tune"], split["test"])
    job.stage("training")
    scorer, *_ = train_model(job, tuning)
    job.stage("evaluating")
    recalls = evaluate(
        lambda sequences, visits: scorer.score_visits(sequences, visits, False),
        tuning.sequences, tuning.visits, settings["gate"]["topK"], tuning.excluded, ("main",),
    )  # fmt: skip
    return Trial(settings, tuning).interval(recalls["main"])
