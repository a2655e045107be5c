"""Documents, Parquet files and models in a bucket of a real S3 server: versitygw from the cache (`pytest -m s3`)."""

import hashlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import fs
from s3_object import Bucket, put
from training_sample import ids_of, recipe, sequences, shape

from sparkjobs import documents, failure, footers, parquet_files, tables
from sparkjobs.job import Job
from sparkjobs.read import read
from sparkjobs.training import fit, prepare

CACHE = Path(os.environ.get("SPARKWRIGHT_CACHE") or Path(__file__).parents[2] / ".cache")
SERVERS = sorted(CACHE.glob("testbed*/bin/versitygw"))
pytestmark = pytest.mark.s3


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A URI in a fresh bucket; the AWS_* variables name the server while the tests run."""
    assert SERVERS, f"there is no versitygw below {CACHE}: npm run testbed -- up --tier 2 builds it"
    home = tmp_path_factory.mktemp("s3")
    for name in ("data", "sidecar"):
        (home / name).mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [SERVERS[0], "--port", f"127.0.0.1:{port}", "--quiet", "posix", "--sidecar", home / "sidecar"]
    server = subprocess.Popen(
        [*command, home / "data"], env={"ROOT_ACCESS_KEY": "tester", "ROOT_SECRET_KEY": "tester-secret"}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "tester")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "tester-secret")
        documents._bucket_files.cache_clear()
        try:
            _wait(port)
            fs.S3FileSystem(
                endpoint_override=f"127.0.0.1:{port}", scheme="http", region="us-east-1", allow_bucket_creation=True
            ).create_dir("jobs")
            yield "s3a://jobs/store"
        finally:
            documents._bucket_files.cache_clear()
            server.kill()
            server.wait()


def _wait(port):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=1)
        except urllib.error.HTTPError:
            return  # It answers; that it refuses the nameless is right.
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError("versitygw does not answer")


def keys(uri):
    filesystem, path = documents.locate(uri)
    return sorted(one.path for one in filesystem.get_file_info(fs.FileSelector(path, recursive=True)) if one.is_file)


def test_documents_are_replaced_whole_and_leave_nothing_else(bucket):
    place = f"{bucket}/documents/progress.json"
    for stage in ("reading", "writing"):
        documents.write_document(place, {"stage": stage}, durable=False)
        assert documents.read_document(place) == {"stage": stage}
    assert keys(f"{bucket}/documents") == ["jobs/store/documents/progress.json"]


def test_a_document_that_is_not_there_is_an_os_error(bucket):
    with pytest.raises(FileNotFoundError):
        documents.read_document(f"{bucket}/documents/none.json")


@pytest.mark.parametrize("rows", [0, 3, 1_500_000])
def test_parquet_files_are_what_their_entries_say(bucket, rows):
    schema = pa.schema([("n", pa.int64())])
    table = pa.table({"n": pa.array(range(rows), pa.int64())}, schema)
    root = f"{bucket}/rows-{rows}"
    entry = parquet_files.write_file(root, "date=2017-01-01/part-0.parquet", schema, [table])
    filesystem, path = documents.locate(f"{root}/{entry['path']}")
    content = filesystem.open_input_stream(path).read()
    assert (len(content), f"sha256:{hashlib.sha256(content).hexdigest()}") == (entry["size"], entry["etag"])
    footer = footers.footer("numbers", {**entry, "path": f"{root}/{entry['path']}"})
    assert (footer.rows, footer.types) == (rows, {"n": "bigint"})
    # Folders are no objects: a marker for each would be one more request and one more thing to list.
    assert keys(root) == [path]


def test_a_file_of_another_size_is_refused(bucket):
    entry = parquet_files.write_file(f"{bucket}/sized", "a.parquet", pa.schema([("n", pa.int64())]), [])
    with pytest.raises(failure.InputError, match="when it was pinned"):
        footers.check_file("d", {**entry, "path": f"{bucket}/sized/a.parquet", "size": 1})
    with pytest.raises(failure.InputError, match="is not there any more"):
        footers.check_file("d", {**entry, "path": f"{bucket}/sized/b.parquet"})


def test_models_go_there_and_come_back(bucket, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "model.onnx").write_bytes(b"graph")
    (tmp_path / "deep" / "words.json").write_text("{}")
    written = tables.write_folder(tmp_path, {"dataset": "model", "path": f"{bucket}/model"})
    files = [{**file, "path": f"{bucket}/model/{file['path']}"} for file in written["files"]]
    manifest = {"dataset": "model", "version": "v-1", "files": files}
    job = Job({"inputs": {"model": manifest}, "work": f"{bucket}/runs/r/s/work"}, None, None)
    folder = job.input_folder("model")
    assert (folder / "model.onnx").read_bytes() == b"graph"
    assert (folder / "deep" / "words.json").read_text() == "{}"
    job.clean()
    assert not folder.exists()


def test_published_datasets_are_read_back(bucket):
    root = f"{bucket}/published"
    data = parquet_files.write_file(
        f"{root}/data", "part-0.parquet", pa.schema([("n", pa.int64())]), [pa.table({"n": [1, 2]})]
    )
    columns = [{"name": "n", "type": "bigint"}]
    file = {**data, "path": f"{root}/data/part-0.parquet"}
    manifest = {"format": "parquet", "columns": columns, "partitionBy": [], "files": [file]}
    documents.write_document(f"{root}/datasets/default/numbers/versions/v-1.json", manifest)
    documents.write_document(f"{root}/datasets/default/numbers/current.json", {"version": "v-1"})
    documents.write_document(f"{root}/runs/offers-1/status.json", {"steps": {"s": {"outputs": {"numbers": "v-1"}}}})
    assert read("numbers", root=root)["n"].tolist() == [1, 2]
    assert read("numbers", run="offers-1", root=root)["n"].tolist() == [1, 2]
    with pytest.raises(failure.InputError, match="nothing is published") as caught:
        read("number", root=root)
    assert caught.value.remedy == "Did you mean numbers"
    with pytest.raises(failure.InputError, match="has no such run") as caught:
        read("numbers", run="offers-2", root=root)
    assert caught.value.remedy == "Runs there: offers-1"


def test_training_is_laid_out_and_goes_on_there(bucket, monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}.items():
        monkeypatch.setenv(name, value)
    made, work = sequences(), f"{bucket}/runs/r/train/work"

    def cut(line):
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(prepare(made, ids_of(made), shape(), recipe(3), 1, work), cut)
    place = prepare(made, ids_of(made), shape(), recipe(3), 1, work)
    assert place.startswith(f"{work}/training-")
    assert fit(place, print)["resumed"] == 2
    assert keys(place) == [
        f"{place.removeprefix('s3a://')}/{name}" for name in ("checkpoint.pt", "plan.json", "shard-0.npz")
    ]

    other = prepare(made, ids_of(made), shape(), recipe(4), 1, work)
    assert [key for key in keys(work) if not key.startswith(other.removeprefix("s3a://"))] == []


@pytest.mark.usefixtures("bucket")
def test_a_model_that_cannot_be_sent_ends_the_job(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"graph")
    with pytest.raises(OSError, match="NO_SUCH_BUCKET"):
        tables.write_folder(tmp_path, {"dataset": "model", "path": "s3a://nobodys-bucket/model"})


@pytest.mark.usefixtures("bucket")
def test_what_a_person_must_mend_is_a_config_error():
    with pytest.raises(OSError, match="NO_SUCH_BUCKET") as caught:
        documents.write_document("s3a://nobodys-bucket/x.json", {})
    assert failure.classify(caught.value).class_ == "ConfigError"


def test_spark_without_the_jars_is_told_what_it_lacks(bucket, spark):
    with pytest.raises(Exception, match="S3AFileSystem not found") as caught:
        spark.read.parquet(f"{bucket}/rows-3").count()
    found = failure.classify(caught.value)
    assert (found.class_, "hadoop-aws" in found.remedy) == ("ConfigError", True)


def test_the_log_of_a_container_is_written_without_any_library(bucket):
    asks = Bucket.of(os.environ)
    uri = f"{bucket}/runs/r-1/step/1/executor-1 (ä+~).log"
    put(asks, uri, b"", 10)
    put(asks, uri, b"first\n", 10)
    put(asks, uri, b"whole\n" * 100_000, 30)
    filesystem, path = documents.locate(uri)
    with filesystem.open_input_stream(path) as stream:
        assert stream.read() == b"whole\n" * 100_000
    wrong = Bucket(asks.endpoint, asks.region, asks.access_key, "another secret")
    with pytest.raises(OSError, match="answered 403"):
        put(wrong, uri, b"x", 10)
