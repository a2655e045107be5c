"""The whole job on generated lines, Spark and torchrun included: a model that passes the gate and one that does not."""

import json
from datetime import UTC, datetime, time

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from generated_histories import day, frame, habits, rounds, settings

from sparkjobs.failure import InputError
from sparkjobs.job import Job
from sparkjobs.progress import Progress
from sparkjobs.scorer import load_scorer
from sparkjobs.training_job import main

COLUMNS = "entity string, visit string, time timestamp, hour int, category string, place string, date date"


def lines(made):
    rows = []
    for entity, listed in made.items():
        for number, (on, bag, hour, place) in enumerate(listed):
            at = datetime.combine(day(on), time(hour), UTC)
            rows += [(entity, f"{entity}-{number:03d}", at, hour, category, place, day(on)) for category in bag]
    return pd.DataFrame(rows, columns=[column.split()[0] for column in COLUMNS.split(", ")])


@pytest.fixture
def run(spark, tmp_path):
    def table(dataset, frame, columns):
        path = tmp_path / f"{dataset}.parquet"
        spark.createDataFrame(frame, columns).coalesce(1).write.parquet(str(path))
        (file,) = path.glob("*.parquet")
        named = [dict(zip(("name", "type"), column.split(), strict=True)) for column in columns.split(", ")]
        entry = {"path": str(file), "size": file.stat().st_size, "etag": "sha256:unused"}
        of = {"dataset": dataset, "version": "v1", "format": "parquet", "columns": named, "partitionBy": []}
        return {**of, "files": [entry]}

    def run(made, wanted, segments=None):
        inputs = {"lines": table("lines", lines(made), COLUMNS)}
        if segments is not None:
            inputs["segments"] = table("segments", segments, "entity string, segment string")
        outputs = {}
        for role in ("model", "scorer", "evaluation"):
            outputs[role] = {"dataset": role, "path": str(tmp_path / role), "columns": [], "partitionBy": []}
            outputs[role]["format"] = "parquet" if role == "evaluation" else "model"
        document = {
            "kind": "TrainingJob", "run": "r1", "step": "train", "settings": wanted, "work": str(tmp_path / "work"),
            "inputs": inputs, "outputs": outputs,
        }  # fmt: skip
        job = Job(document, spark, Progress(spark.sparkContext, str(tmp_path / "progress.json")))
        main(job)
        return job

    return run


def test_the_model_is_promoted_where_the_order_of_visits_says_what_comes_next(run, tmp_path):
    made = rounds()
    segments = [(entity, f"s{1 + number % 2}") for number, entity in enumerate(sorted(made))]
    job = run(made, settings(gate={"topK": 1}), segments)

    assert job.metrics["gate.promoted"] == 1
    assert job.metrics["txt.recall1"] > job.metrics["baseline.recall1"] + 0.2
    assert job.metrics["gate.lower"] > 0.1
    assert job.metrics["export.difference"] <= 1e-4
    scorer = load_scorer(tmp_path / "scorer")
    assert scorer.name == "txt"
    assert (tmp_path / "scorer/model.onnx").read_bytes() == (tmp_path / "model/model.onnx").read_bytes()
    rows = pq.read_table(tmp_path / "evaluation").to_pandas()
    value = (
        rows[(rows.scorer == "txt") & (rows.metric == "recall@1") & (rows.slice == "main")].set_index("context").value
    )
    assert value["known"] > value["unknown"] + 0.05  # hour decides between two categories
    assert value["unknown"] == job.metrics["txt.recall1"]
    assert not {"gru", "gru-latent-cross", "logistic"} & set(rows.scorer)
    (kinds,) = [table for table in job.tables if "by kind of visit" in table["title"]]
    assert [row[1] for row in kinds["rows"] if row[0] == "segment"] == ["s1", "s2"]
    best = scorer.score(frame({"x": [(90 + i, [f"c{i:02d}"], 9, "p") for i in range(5)]}), day(96)).argmax()
    assert scorer.categories[best] in ("c05", "c06")


def test_the_model_is_refused_where_frequency_is_all_there_is(run, tmp_path):
    job = run(habits(), settings(hyperparameters={"epochs": 4}))

    assert job.metrics["gate.promoted"] == 0
    scorer, model = load_scorer(tmp_path / "scorer"), load_scorer(tmp_path / "model")
    assert model.name == "txt"
    assert scorer.name in ("own-frequency", "decayed", "decayed+neighbours")
    document = json.loads((tmp_path / "scorer/scorer.json").read_text())
    assert "txt is refused: recall@2 over" in document["gate"]["reason"]
    assert any(document["gate"]["reason"] in note for note in job.notes)
    assert any(note.startswith(f"the scorer is {scorer.name}, the best baseline in the") for note in job.notes)
    assert document["lineage"]["inputs"] == {"lines": "v1"}
    assert np.isfinite(scorer.score(frame({"x": [(1, ["c01"])]}), day(9))).all()


def test_other_models_are_compared_and_only_the_chosen_one_is_judged_and_saved(run, tmp_path):
    job = run(rounds(), settings(model="gru", compare=True, gate={"topK": 1}, hyperparameters={"epochs": 12}))

    document = json.loads((tmp_path / "scorer/scorer.json").read_text())
    assert job.metrics["gate.promoted"] == 1
    assert (document["kind"], load_scorer(tmp_path / "scorer").name) == ("gru", "gru")
    assert document["gate"]["reason"].startswith("gru passes: recall@1 over ")
    assert document["gate"]["rival"] not in ("txt", "gru-latent-cross")
    rows = pq.read_table(tmp_path / "evaluation").to_pandas()
    value = rows[(rows["metric"] == "recall@1") & (rows["slice"] == "main")].set_index(["scorer", "context"])["value"]
    assert value["gru", "known"] == value["gru", "unknown"]
    assert value["gru-latent-cross", "known"] > value["gru", "known"] + 0.05  # hour decides between two categories
    assert value["txt", "unknown"] == job.metrics["txt.recall1"]
    gains = rows[rows["metric"] == "recall@1 gain over gru-latent-cross"].set_index("context")["value"]
    assert gains["known"] == pytest.approx(value["gru", "known"] - value["gru-latent-cross", "known"])
    assert {"logistic", "logistic*context"} <= set(rows["scorer"])
    assert not {path.name for path in (tmp_path / "scorer").iterdir()} - {"scorer.json", "model.onnx"}


def test_days_of_the_split_must_follow_each_other(run):
    with pytest.raises(InputError, match="the days of split do not follow each other"):
        run(habits(3, 3), settings(split={"test": str(day(10))}))
