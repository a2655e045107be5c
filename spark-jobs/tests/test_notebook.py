"""A step by hand: the Job that the pipeline's attempt had, run on real Spark, with outputs of its own."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from sparkjobs import notebook
from sparkjobs.failure import InputError

SETTINGS = {
    "asOf": "2024-02-01",
    "zones": {"source": "UTC", "business": "America/New_York"},
    "columns": {"entity": "who", "visit": "basket", "time": "at", "item": "what", "amount": "paid", "discounts": []},
    "windows": [28],
    "dayparts": [{"name": "midday", "from": 10, "until": 14}],
    "decimalComma": False,
}


@pytest.fixture
def store(spark, tmp_path):
    """A store with one run, whose step features had two attempts; in a later run it was found in the cache."""
    rows = [
        ("ann", "b1", datetime(2024, 1, 31, 17), "bread", 2.0),
        ("bob", "b2", datetime(2024, 1, 3, 17), "milk", 1.5),
    ]
    raw = tmp_path / "raw"
    spark.createDataFrame(rows, "who string, basket string, at timestamp_ntz, what string, paid double").coalesce(
        1
    ).write.parquet(str(raw))
    (file,) = raw.glob("*.parquet")
    root = tmp_path / "store"
    entry = {"path": str(file), "size": file.stat().st_size, "etag": "sha256:unused"}
    lines = {
        "dataset": "raw",
        "version": "v-1",
        "format": "parquet",
        "columns": [],
        "partitionBy": [],
        "files": [entry],
    }
    for attempt in (1, 2, 10):
        prefix = root / "runs/shop-1/features" / str(attempt)
        prefix.mkdir(parents=True)
        if attempt == 10:
            break  # recorded, and killed before its document was written
        outputs = {
            role: {"dataset": role, "format": "parquet", "columns": [], "path": str(root / "data" / role),
                   "partitionBy": ["date"] if role == "lines" else []}
            for role in ("lines", "features")
        }  # fmt: skip
        document = {
            "protocol": "sparkwright.dev/job/v1", "run": "shop-1", "step": "features", "attempt": attempt,
            "kind": "FeatureJob", "name": "features", "settings": SETTINGS, "inputs": {"lines": lines},
            "outputs": outputs, "previous": {}, "sample": None, "work": str(root / "runs/shop-1/features/work"),
            **{f"{name}Path": str(prefix / f"{name}.json") for name in ("result", "progress", "termination")},
        }  # fmt: skip
        (prefix / "params.json").write_text(json.dumps(document))
    status = {"steps": {"features": {"phase": "Cached", "cachedFrom": {"run": "shop-1", "attempt": 1}}}}
    (root / "runs/shop-2").mkdir()
    (root / "runs/shop-2/status.json").write_text(json.dumps(status))
    return root


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


SHELL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from sparkjobs import feature_job, notebook
job = notebook.step("shop-1", "features", store="store", scratch="scratch")
read = job.input("lines").count()
job.settings["windows"] = [7, 28]
feature_job.main(job)
rows = [row.asDict() for row in job.written("features").select("entity", "spend_7d", "spend_28d").collect()]
print(json.dumps({"attempt": job.document["attempt"], "read": read, "rows": rows, "versions": job.versions}))
"""


def test_a_step_runs_in_a_python_of_its_own_and_leaves_the_store_alone(store, tmp_path):
    before = files_of(store)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PY")}
    command = [sys.executable, "-c", SHELL, str(Path(notebook.__file__).parents[1])]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (told["attempt"], told["read"], told["versions"]) == (2, 2, {"lines": "v-1"})
    assert {row.pop("entity"): row for row in told["rows"]} == {
        "ann": {"spend_7d": 2.0, "spend_28d": 2.0},
        "bob": {"spend_7d": 0.0, "spend_28d": 0.0},
    }
    assert list((tmp_path / "scratch/outputs/features").glob("*.parquet"))
    assert files_of(store) == before


@pytest.mark.usefixtures("spark")
def test_of_a_cached_step_it_is_the_attempt_that_stands_for_it(store):
    job = notebook.step("shop-2", "features", store=f"{store}/")
    assert (job.document["run"], job.document["attempt"]) == ("shop-1", 1)
    assert str(store) not in job.kept


@pytest.mark.parametrize(
    ("run", "step", "message"),
    [
        ("shop-3", "features", "Cannot find run shop-3"),
        ("shop-1", "train", "Cannot find step train of run shop-1: it has had no attempt there"),
    ],
)
def test_what_is_not_there_is_told(store, run, step, message):
    with pytest.raises(InputError, match=message):
        notebook.step(run, step, store=str(store))
