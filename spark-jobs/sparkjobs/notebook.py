"""A step in a notebook or a Python shell: the Job that its main function gets in the pipeline, publishing nothing.

from sparkjobs import feature_job, notebook
job = notebook.step("offers-1", "features")
feature_job.main(job)
"""

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from sparkjobs.documents import folders, is_file, read_document
from sparkjobs.failure import InputError
from sparkjobs.job import Job, read_params, session
from sparkjobs.progress import Progress


def step(run: str, name: str, store: str = ".sparkwright", scratch: str | None = None) -> Job:
    """The Job of step `name` of `run`, as its newest attempt got it: same settings, same versions of the same inputs.

    `store` is the root of the store, a folder or s3a://BUCKET/PREFIX. Of a step that was found in the cache it is the
    attempt that it was found of. Everything written goes to `scratch`, default a fresh temporary folder. Raises
    InputError for a step that has had no attempt.
    """
    return document(newest_attempt(store.rstrip("/"), run, name), scratch)


def document(path: str, scratch: str | None = None) -> Job:
    """The Job of a params document, wherever that came from: of an attempt, or of `sparkwright plan --params-of STEP`.

    Runs in the Spark session there is, else in a local one with all cores. Settings may be changed before the main
    function is called, as in `job.settings["hyperparameters"]["epochs"] = 1`.
    """
    asked = moved(read_params(path), scratch or tempfile.mkdtemp(prefix="sparkwright-"))
    if SparkSession.getActiveSession() is None:
        _start()
    spark = session(asked)
    return Job(asked, spark, Progress(spark.sparkContext, asked["progressPath"]))


def _start() -> None:
    """A local session whose workers are this Python and find this package, however this process came by it."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    package = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    chosen = {
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
        "spark.ui.showConsoleProgress": "false",
    }
    SparkSession.builder.master("local[*]").config(map=chosen).getOrCreate()


def moved(asked: dict[str, Any], scratch: str) -> dict[str, Any]:
    """A params document of which all that is written lies below the folder `scratch`; a copy."""
    folder = Path(scratch).absolute()
    copy: dict[str, Any] = json.loads(json.dumps(asked))
    for role, output in copy["outputs"].items():
        output["path"] = str(folder / "outputs" / role)
    copy["work"] = str(folder / "work")
    for name in ("result", "progress", "termination"):
        copy[f"{name}Path"] = str(folder / f"{name}.json")
    folder.mkdir(parents=True, exist_ok=True)
    return copy


def newest_attempt(store: str, run: str, name: str) -> str:
    """Place of the params document of a step's newest attempt, also where another run's attempt stood for it."""
    folder, runs = f"{store}/runs/{run}", folders(f"{store}/runs")
    if run not in runs:
        raise InputError(
            f"Cannot find run {run}: {folder} is not there", f"Runs there: {', '.join(runs[-5:]) or 'none'}"
        )
    attempts = [int(number) for number in folders(f"{folder}/{name}") if re.fullmatch("[0-9]+", number)]
    for attempt in sorted(attempts, reverse=True):
        path = f"{folder}/{name}/{attempt}/params.json"
        if is_file(path):
            return path
    cached = _cached(f"{folder}/status.json", name)
    if cached is not None:
        path = f"{store}/runs/{cached['run']}/{cached.get('step', name)}/{cached['attempt']}/params.json"
        if is_file(path):
            return path
    steps = ", ".join(one for one in folders(folder) if folders(f"{folder}/{one}")) or "none"
    raise InputError(
        f"Cannot find step {name} of run {run}: it has had no attempt there",
        f"Steps with attempts: {steps}; without a run, write a document with `sparkwright plan --params-of {name}`",
    )


def _cached(status: str, name: str) -> dict[str, Any] | None:
    if not is_file(status):
        return None
    return (read_document(status)["steps"].get(name) or {}).get("cachedFrom")
