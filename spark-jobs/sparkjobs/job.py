"""One job: params document in, Spark session, result document out, exit code (docs/job-protocol.md)."""

import hashlib
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from os import environ
from pathlib import Path
from time import monotonic
from typing import Any

from pyarrow import fs
from pyspark.sql import DataFrame, SparkSession

from sparkjobs.data_checks import check_outputs
from sparkjobs.dataset_profile import profile_outputs
from sparkjobs.documents import below, locate, read_document, write_document
from sparkjobs.failure import Failure, InputError, classify
from sparkjobs.footers import check_file
from sparkjobs.last_words import write_last_words
from sparkjobs.progress import Progress
from sparkjobs.tables import Keep, write_folder
from sparkjobs.tables import read as read_table
from sparkjobs.tables import write as write_table

PROTOCOL = "sparkwright.dev/job/v1"


@dataclass
class Job:
    """What a job's main function gets: its settings and inputs, and where its outputs and words go."""

    document: dict[str, Any]
    spark: SparkSession
    progress: Progress
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tables: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    fetched: list[Path] = field(default_factory=list)
    started: float = field(default_factory=monotonic)

    @property
    def settings(self) -> dict[str, Any]:
        """The job's spec with parameters filled in; of a SparkJob its `settings`."""
        settings = self.document["settings"]
        return settings.get("settings", settings) if self.document["kind"] == "SparkJob" else settings

    @property
    def sample(self) -> dict[str, Any] | None:
        """{"fraction", "seed"} when only a share of the entities is wanted."""
        return self.document.get("sample")

    @property
    def work(self) -> Path:
        """Folder of this machine for what the job itself needs on the way; see `kept` for what is to be kept."""
        place = self.document["work"]
        if "://" in place:
            place = f"{tempfile.gettempdir()}/sparkwright-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def kept(self) -> str:
        """Folder or URI that driver and executors see and that is kept between the attempts of this step."""
        place: str = self.document["work"]
        return place if "://" in place else str(self.work)

    def has(self, role: str) -> bool:
        """Whether the spec names an input for this role."""
        return role in self.document["inputs"]

    def manifest(self, role: str) -> dict[str, Any]:
        """Dataset, version and files of an input; raises InputError when the spec names none."""
        if not self.has(role):
            raise InputError(
                f"Cannot read input {role}: the job names no dataset for it", f"Add inputs.{role} to the job"
            )
        return self.document["inputs"][role]

    def input(self, role: str, keep: Keep | None = None) -> DataFrame:
        """Rows of an input; `keep` gets a file's partition values as text and says whether to read it."""
        manifest = self.manifest(role)
        self.versions[role] = manifest["version"]
        return read_table(self.spark, manifest, keep)

    def input_folder(self, role: str) -> Path:
        """Local folder with the files of an input of format `model`."""
        manifest = self.manifest(role)
        self.versions[role] = manifest["version"]
        return self._fetch(manifest)

    def previous(self, role: str) -> dict[str, Any] | None:
        """Manifest of what is published now for an output, if anything. Reading it makes nothing depend on it."""
        return (self.document.get("previous") or {}).get(role)

    def previous_folder(self, role: str) -> Path | None:
        """Local folder with the model published now for an output, if any."""
        manifest = self.previous(role)
        return None if manifest is None else self._fetch(manifest)

    def rest_on_previous(self, role: str) -> str:
        """Say that the result is only what it is as long as this stays published; gives the version."""
        version: str = self.document["previous"][role]["version"]
        self.versions[role] = version
        return version

    def write(self, role: str, df: DataFrame, carry: Iterable[dict[str, Any]] = ()) -> None:
        """Write an output's rows; `carry` are files of the previous version that stay part of it."""
        self.outputs[role] = write_table(df, self._output(role), carry)

    def written(self, role: str) -> DataFrame:
        """The rows of an output that this job has just written, read back from its files."""
        output = self._output(role)
        entry = self.outputs[role]
        files = [{**file, "path": below(output["path"], file["path"])} for file in entry["files"]]
        return read_table(self.spark, {**output, "columns": entry["columns"], "files": files})

    def write_model(self, role: str, fill: Callable[[Path], None]) -> None:
        """Let `fill` put files into an empty local folder, which becomes the output."""
        output = self._output(role)
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            fill(Path(folder))
            self.outputs[role] = write_folder(Path(folder), output)

    def metric(self, name: str, value: float) -> None:
        """Record a number; raises ValueError when it is not finite, because JSON has no such number."""
        number = value.item() if hasattr(value, "item") else value
        if not math.isfinite(number):
            raise ValueError(f"Cannot record metric {name}: {value} is not a finite number")
        self.metrics[name] = number

    def table(self, title: str, columns: list[str], rows: Iterable[Iterable[Any]]) -> None:
        """Record a table for people; cells are text, numbers or None."""
        cells = [[_cell(cell) for cell in row] for row in rows]
        self.tables.append({"title": title, "columns": columns, "rows": cells})

    def note(self, text: str) -> None:
        """Record a sentence for people."""
        self.notes.append(text)

    def stage(self, word: str) -> None:
        """Say what the job does now, such as "reading lines"."""
        print(f"[{monotonic() - self.started:6.1f} s] {word}", file=sys.stderr, flush=True)
        self.progress.stage(word)
        self.spark.sparkContext.setJobDescription(word)

    def result(self) -> dict[str, Any]:
        """The result document; raises RuntimeError when main left an output out."""
        missing = sorted(self.document["outputs"].keys() - self.outputs.keys())
        if missing:
            raise RuntimeError(f"Cannot finish: the job did not write its output {missing[0]}")
        return {
            "protocol": PROTOCOL,
            "outputs": self.outputs,
            "metrics": self.metrics,
            "tables": self.tables,
            "notes": self.notes,
            "inputs": self.versions,
        }

    def _output(self, role: str) -> dict[str, Any]:
        if role not in self.document["outputs"]:
            raise InputError(
                f"Cannot write output {role}: the job names no dataset for it", f"Add outputs.{role} to the job"
            )
        return self.document["outputs"][role]

    def _fetch(self, manifest: dict[str, Any]) -> Path:
        """Copy a model's files to a local folder; its root is the folder of the topmost file."""
        for file in manifest["files"]:
            check_file(manifest["dataset"], file)
        if not manifest["files"]:
            raise InputError(f"Cannot read model {manifest['dataset']}: version {manifest['version']} has no files")
        folder = Path(tempfile.mkdtemp(prefix=f"{manifest['dataset']}-", dir=self.work))
        root = min((file["path"].rsplit("/", 1)[0] for file in manifest["files"]), key=len)
        for file in manifest["files"]:
            target = folder / file["path"][len(root) :].lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            filesystem, path = locate(file["path"])
            fs.copy_files(path, str(target), source_filesystem=filesystem, destination_filesystem=fs.LocalFileSystem())
        self.fetched.append(folder)
        return folder

    def clean(self) -> None:
        """Remove the local copies of models."""
        for folder in self.fetched:
            shutil.rmtree(folder, ignore_errors=True)


def run(main: Callable[[Job], None]) -> None:
    """Run `main` on the params document named by the first argument, then exit with 0, 1, 2 or 52."""
    if len(sys.argv) != 2:
        print(f"Usage: {Path(sys.argv[0]).name} PARAMS.json", file=sys.stderr)
        sys.exit(2)
    try:
        document = read_params(sys.argv[1])
    except InputError as error:
        # Without params there is nowhere to leave a termination document.
        print(f"{error.message}. {error.remedy}", file=sys.stderr)
        sys.exit(2)
    failure = execute(document, main)
    if failure is None:
        sys.exit(0)
    print(f"{failure.traceback}\n{failure.class_}: {failure.message}. {failure.remedy}", file=sys.stderr)
    try:
        write_last_words(document["terminationPath"], failure)
    except OSError as error:
        print(f"Cannot write {document['terminationPath']}: {error}", file=sys.stderr)
    sys.exit(failure.exit_code)


def read_params(path: str) -> dict[str, Any]:
    """The params document; raises InputError when it is not one this version of the jobs understands."""
    try:
        document = read_document(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"Cannot read params document {path}: {error}", "Name a document written by sparkwright"
        ) from error
    protocol = document.get("protocol") if isinstance(document, dict) else None
    if protocol != PROTOCOL:
        raise InputError(
            f"Cannot run {path}: its protocol is {json.dumps(protocol)}, this job speaks {PROTOCOL}",
            "Use jobs and sparkwright of the same release",
        )
    return document


def execute(document: dict[str, Any], main: Callable[[Job], None]) -> Failure | None:
    """Run `main` with a session of its own and write the result document; a failure is returned, not raised."""
    spark = None
    try:
        spark = session(document)
        with Progress(spark.sparkContext, document["progressPath"]) as progress:
            job = Job(document, spark, progress)
            try:
                main(job)
                check_outputs(job)
                profile_outputs(job)
                job.stage("finishing")
                write_document(document["resultPath"], job.result())
            finally:
                job.clean()
    except BaseException as error:
        return classify(error)
    finally:
        if spark is not None:
            _stop(spark)
    return None


def session(document: dict[str, Any]) -> SparkSession:
    """The Spark session: UTC and exact timestamps for every job; master, sizes and all else come from spark-submit."""
    # Python workers must be this interpreter, or they miss the packages the driver has.
    environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(f"{document['run']}/{document['step']}")
    for key, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.legacy.parquet.nanosAsLong": "true",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    return spark


def _stop(spark: SparkSession) -> None:
    try:
        spark.stop()
    except Exception as error:
        # The work is done or has failed already, and the JVM may be gone; its end changes neither.
        print(f"Spark did not stop cleanly: {error}", file=sys.stderr)


def _cell(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
