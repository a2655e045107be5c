import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparkjobs.documents import write_document
from sparkjobs.failure import InputError, classify, refuse
from sparkjobs.job import PROTOCOL, Job, read_params
from sparkjobs.progress import Progress
from sparkjobs.read import read

ROOT = Path(__file__).parent.parent


def params(folder: Path, **more):
    """A params document as the control plane writes it."""
    named = {"result": "resultPath", "progress": "progressPath", "termination": "terminationPath"}
    paths = {key: str(folder / f"{name}.json") for name, key in named.items()}
    document = {"protocol": PROTOCOL, "run": "r1", "step": "s", "attempt": 1, "kind": "SparkJob", "name": "j"}
    document |= {"settings": {}, "inputs": {}, "outputs": {}, "previous": {}, "sample": None}
    return {**document, "work": str(folder / "work"), **paths, **more}


@pytest.fixture
def job(spark, tmp_path):
    with Progress(spark.sparkContext, str(tmp_path / "progress.json")) as progress:
        outputs = {"model": {"dataset": "m", "format": "model", "columns": [], "path": str(tmp_path / "m")}}
        yield Job(params(tmp_path, outputs=outputs), spark, progress)


def start(folder: Path, code: str, **more):
    """Run a job as a process of its own and return its exit code and the documents it left."""
    (folder / "job.py").write_text(f"from sparkjobs.job import run\n{code}\nrun(main)\n")
    (folder / "params.json").write_text(json.dumps(params(folder, **more)))
    submit = "--master local[1] --driver-memory 512m --conf spark.ui.enabled=false pyspark-shell"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYSPARK_SUBMIT_ARGS": submit}
    done = subprocess.run(
        [sys.executable, "job.py", "params.json"], cwd=folder, env=env, capture_output=True, text=True, timeout=300
    )
    found = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    return done, found


def test_a_job_leaves_result_and_progress_and_exits_0(tmp_path):
    pq.write_table(pa.table({"id": [1, 2]}), tmp_path / "in.parquet")
    file = {"path": str(tmp_path / "in.parquet"), "size": (tmp_path / "in.parquet").stat().st_size, "etag": "-"}
    table = {"dataset": "raw", "version": "v-1", "format": "parquet", "columns": [], "partitionBy": [], "files": [file]}
    out = {"dataset": "made", "format": "parquet", "columns": [], "partitionBy": [], "path": str(tmp_path / "out")}
    code = 'def main(job):\n job.stage("copying")\n job.write("out", job.input("raw"))\n '
    code += 'job.metric("n", 2)\n job.note("hm")'

    done, found = start(tmp_path, code, inputs={"raw": table}, outputs={"out": out})

    assert done.returncode == 0, done.stderr
    result = found["result"]
    assert (result["inputs"], result["metrics"], result["notes"]) == ({"raw": "v-1"}, {"n": 2}, ["hm"])
    [made] = result["outputs"]["out"]["files"]
    assert (made["path"], made["rows"]) == ("part-0.parquet", 2)
    assert found["progress"]["stage"] == "finishing"
    assert found["progress"]["stages_done"] > 0
    assert "termination" not in found


def test_a_job_that_fails_leaves_its_class_and_no_result(tmp_path):
    done, found = start(tmp_path, 'def main(job):\n job.input("lines")')

    assert done.returncode == 2
    assert found["termination"]["class"] == "ConfigError"
    assert found["termination"]["message"] == "Cannot read input lines: the job names no dataset for it"
    assert "result" not in found


def test_a_jvm_out_of_memory_is_told_apart(tmp_path):
    code = "def main(job):\n job.spark._jvm.java.nio.ByteBuffer.allocate(2**31 - 8)"

    done, found = start(tmp_path, code)

    assert (done.returncode, found["termination"]["class"]) == (52, "OutOfMemory")


def test_a_job_that_forgets_an_output_fails(tmp_path):
    out = {"dataset": "made", "format": "parquet", "columns": [], "partitionBy": [], "path": str(tmp_path / "out")}

    done, found = start(tmp_path, "def main(job):\n pass", outputs={"out": out})

    assert done.returncode == 1
    assert found["termination"]["message"] == "Cannot finish: the job did not write its output out"


def test_a_job_whose_rows_fail_a_check_leaves_no_result(tmp_path):
    checks = [{"rule": "unique", "columns": ["id"], "onFailure": "fail"}]
    out = {"dataset": "made", "format": "parquet", "columns": [], "partitionBy": [], "path": str(tmp_path / "out")}

    code = 'def main(job):\n job.write("out", job.spark.createDataFrame([(1,), (1,)], "id int"))'
    done, found = start(tmp_path, code, outputs={"out": {**out, "checks": checks}})

    assert (done.returncode, found["termination"]["class"]) == (2, "ConfigError")
    assert found["termination"]["message"] == "Cannot publish made: unique id: found 1 row too many, expected no copies"
    assert "result" not in found


def test_another_protocol_is_refused(tmp_path):
    path = tmp_path / "params.json"
    path.write_text(json.dumps(params(tmp_path, protocol="sparkwright.dev/job/v9")))

    with pytest.raises(InputError, match=r'its protocol is "sparkwright\.dev/job/v9", this job speaks'):
        read_params(str(path))


@pytest.mark.parametrize(
    ("error", "class_", "message"),
    [
        (InputError("m", "r"), "ConfigError", "m"),
        (MemoryError(), "OutOfMemory", "Python ran out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "OutOfMemory", "DefaultCPUAllocator"),
        (OSError(errno.ENOSPC, "full", "/data/x"), "ConfigError", "Cannot write /data/x: the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "ConfigError", "Cannot reach /x: Permission denied"),
        (ValueError("odd\nsecond line"), "ApplicationError", "odd"),
    ],
)
def test_python_errors_have_a_class(error, class_, message):
    failure = classify(error)

    assert failure.class_ == class_
    assert failure.message.startswith(message)
    assert failure.exit_code == {"ConfigError": 2, "OutOfMemory": 52, "ApplicationError": 1}[class_]


def test_what_spark_refuses_in_a_row_is_an_input_error(spark):
    from pyspark.sql import functions as F

    frame = spark.range(1).select(refuse(F.concat(F.lit("Cannot read [it]\n"), F.col("id")), "Mend it"))

    with pytest.raises(Exception) as error:  # noqa: PT011 - what Spark raises is judged by classify
        frame.collect()
    failure = classify(error.value)
    assert (failure.class_, failure.message, failure.remedy) == ("ConfigError", "Cannot read (it) 0", "Mend it")


def test_spark_errors_say_the_innermost_cause(spark):
    with pytest.raises(Exception) as error:  # noqa: PT011 - what Spark raises is judged by classify
        spark.sql("SELECT 1 / 0").collect()

    failure = classify(error.value)
    assert failure.class_ == "ApplicationError"
    assert "[DIVIDE_BY_ZERO]" in failure.message


def test_a_document_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "d.json"
    write_document(str(path), {"a": 1})
    with pytest.raises(ValueError, match="Out of range float"):
        write_document(str(path), {"a": float("nan")})

    assert json.loads(path.read_text()) == {"a": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["d.json"]


def test_a_metric_must_be_finite(job):
    with pytest.raises(ValueError, match="Cannot record metric share: nan is not a finite number"):
        job.metric("share", float("nan"))


def test_a_model_folder_comes_back_as_it_was(job):
    def fill(folder):
        (folder / "deep").mkdir()
        (folder / "model.json").write_text("{}")
        (folder / "deep" / "weights").write_bytes(b"\x00\x01")

    job.write_model("model", fill)
    output = job.document["outputs"]["model"]
    files = [{**file, "path": f"{output['path']}/{file['path']}"} for file in job.outputs["model"]["files"]]
    job.document["previous"]["model"] = {**output, "version": "v-7", "files": files}
    folder = job.previous_folder("model")

    assert (folder / "model.json").read_text() == "{}"
    assert (folder / "deep" / "weights").read_bytes() == b"\x00\x01"
    assert job.versions == {}
    assert job.rest_on_previous("model") == "v-7"
    assert job.versions == {"model": "v-7"}
    job.clean()
    assert not folder.exists()


def test_published_rows_are_read_back_as_pandas_and_spark(spark, tmp_path):
    from sparkjobs.tables import write

    base = tmp_path / "datasets" / "default" / "sales"
    out = {"dataset": "sales", "format": "parquet", "columns": [], "partitionBy": ["day"], "path": str(tmp_path / "x")}
    frame = spark.sql("SELECT 'a' AS id, DATE '2024-01-01' AS day UNION ALL SELECT 'b', DATE '2024-01-02'")
    made = write(frame, out)
    files = [{**file, "path": f"{out['path']}/{file['path']}"} for file in made["files"]]
    version = {"files": files, "columns": made["columns"], "format": "parquet"}
    (base / "versions").mkdir(parents=True)
    (base / "versions" / "v-1.json").write_text(json.dumps(version))
    (base / "current.json").write_text(json.dumps({"version": "v-1"}))
    (tmp_path / "runs" / "r1").mkdir(parents=True)
    (tmp_path / "runs" / "r1" / "status.json").write_text('{"steps": {"s": {"outputs": {"sales": "v-1"}}}}')

    assert read("sales", root=str(tmp_path)).astype(str).values.tolist() == [["a", "2024-01-01"], ["b", "2024-01-02"]]
    assert sorted(read("sales", run="r1", root=str(tmp_path), spark=spark).collect()) == sorted(frame.collect())
    with pytest.raises(InputError, match="nothing is published") as error:
        read("sale", root=str(tmp_path))
    assert error.value.remedy == "Did you mean sales"
    with pytest.raises(InputError, match="has no such run"):
        read("sales", run="r2", root=str(tmp_path))
