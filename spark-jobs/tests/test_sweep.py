"""A sweep on generated lines, Spark and torchrun included: rungs, leaderboard, and what the training takes from it."""

import json

import pytest
from generated_histories import rounds, settings
from test_training_job import COLUMNS, lines

from sparkjobs import leaderboard, sweep
from sparkjobs.failure import InputError
from sparkjobs.job import Job
from sparkjobs.leaderboard import take_winner
from sparkjobs.progress import Progress

MADE = rounds(entities=40)
# The tuning period of `settings`: days 70 to 89.
TUNING_VISITS = sum(70 <= on < 90 for listed in MADE.values() for on, *_ in listed)


@pytest.fixture
def step(spark, tmp_path):
    """Runs a step of a sweep as the control plane would: a document in, manifests of its outputs out."""

    def step(name, main, wanted, inputs, outputs):
        folder = tmp_path / name
        document = {
            "kind": "TrainingJob", "run": "r1", "step": name, "settings": wanted, "work": str(folder / "work"),
            "inputs": inputs,
            "outputs": {role: {"dataset": role, "path": str(folder / role), "columns": [], "partitionBy": [],
                               "format": "parquet"} for role in outputs},
        }  # fmt: skip
        job = Job(document, spark, Progress(spark.sparkContext, str(tmp_path / "progress.json")))
        main(job)
        return job, {role: manifest(job, role) for role in outputs}

    return step


def manifest(job, role):
    output, written = job.document["outputs"][role], job.outputs[role]
    files = [{**file, "path": f"{output['path']}/{file['path']}"} for file in written["files"]]
    return {**output, "version": f"v-{role}", "columns": written["columns"], "files": files}


@pytest.fixture
def visits(spark, tmp_path):
    """Manifest of the lines of MADE."""
    path = tmp_path / "lines.parquet"
    spark.createDataFrame(lines(MADE), COLUMNS).coalesce(1).write.parquet(str(path))
    (file,) = path.glob("*.parquet")
    columns = [dict(zip(("name", "type"), column.split(), strict=True)) for column in COLUMNS.split(", ")]
    entry = {"path": str(file), "size": file.stat().st_size, "etag": "sha256:unused"}
    return {"dataset": "lines", "version": "v1", "format": "parquet", "columns": columns, "partitionBy": [],
            "files": [entry]}  # fmt: skip


def asked(epochs, **who):
    wanted = settings(ranks=1, hyperparameters={"dim": 8, "epochs": epochs, **who.get("parameters", {})})
    return {**wanted, "sweep": {"rung": 1, "budget": epochs, **who}}


def test_candidates_rungs_leaderboard_and_winner(step, visits):
    rows = {}
    candidates = [{"learningRate": 1e30}, {"learningRate": 0.01}]
    for number, parameters in enumerate(candidates, 1):
        wanted = asked(3, parameters=parameters)
        job, made = step(f"train-sweep-1-{number}", sweep.main, wanted, {"lines": visits}, ["row"])
        rows[f"row-{number}"] = made["row"]
        if number == 1:
            assert "training diverged" in job.notes[-1]
            (failed,) = job.written("row").collect()
            assert (failed["value"], failed["visits"]) == (None, 0)

    wanted = asked(6, rung=2, place=1)
    job, made = step("train-sweep-2-1", sweep.main, wanted, {"lines": visits, **rows}, ["row"])
    rows["row-3"] = made["row"]
    (second,) = job.written("row").collect()
    assert json.loads(second["parameters"]) == {"learningRate": 0.01}
    assert (second["rung"], second["budget"]) == (2, 6.0)
    assert second["visits"] == TUNING_VISITS  # none of the test period
    assert job.metrics["tuning.recall2"] == second["value"]
    assert second["lower"] <= second["value"] <= second["upper"]
    # Who diverged costs no training at a place of the next rung, and ends no sweep.
    before = {role: rows[role] for role in ("row-1", "row-2")}
    job, _ = step("train-sweep-2-2", sweep.main, asked(6, rung=2, place=2), {"lines": visits, **before}, ["row"])
    assert "training diverged" in job.notes[-1]
    assert "train.loss" not in job.metrics

    wanted = {"sweep": {"parameters": ["learningRate"], "budget": "epochs", "rungs": [3, 6]}}
    job, made = step("train-sweep-leaderboard", leaderboard.main, wanted, rows, ["leaderboard", "winner"])
    board = job.written("leaderboard").toPandas().sort_values("place")
    assert [json.loads(of)["learningRate"] for of in board.parameters] == [0.01, 1e30]
    assert list(board.rung) == [2, 1]
    (table,) = job.tables
    assert table["columns"] == [
        "place", "learningRate", "recall@2", "recall@2, interval", "epochs", "seconds", "stopped at",
    ]  # fmt: skip
    assert [of[-1] for of in table["rows"]] == ["won", "rung 1 of 2"]
    assert table["rows"][1][3] == "diverged"
    assert job.notes[0].startswith("winner of 2 candidates: learningRate 0.01 (recall@2 0.")

    def main(job):
        take_winner(job)
        job.write("row", job.input("winner"))

    job, _ = step("train", main, settings(), {"winner": made["winner"]}, ["row"])
    assert job.settings["hyperparameters"]["learningRate"] == 0.01
    assert job.settings["hyperparameters"]["epochs"] == 24
    assert job.versions == {"winner": "v-winner"}


def test_a_sweep_in_which_all_diverge_names_no_winner(step, spark):
    frame = spark.createDataFrame(
        [(1, '{"dim":8}', 1.0, "recall@2", None, None, None, 0, 1.0, "training diverged")], leaderboard.ROW
    )
    _, made = step("row", lambda job: job.write("row", frame), settings(), {}, ["row"])
    wanted = {"sweep": {"parameters": ["dim"], "budget": "epochs", "rungs": [1]}}
    with pytest.raises(InputError, match="every candidate failed, dim 8 with: training diverged"):
        step("board", leaderboard.main, wanted, {"row-1": made["row"]}, ["leaderboard", "winner"])
