"""Small files that pass between a job and whoever asked for it: read whole, written atomically."""

import functools
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyarrow import fs


def locate(uri: str) -> tuple[fs.FileSystem, str]:
    """File system and path within it of an absolute path or a URI (file:, s3:, s3a:).

    Which S3 server, region and credentials is said by the standard AWS_* variables.
    """
    scheme, _, rest = uri.partition("://")
    if scheme in ("s3", "s3a") and rest:
        # Made per process: what the library keeps open does not survive a fork.
        return _bucket_files(os.getpid()), rest
    if "://" in uri or uri.startswith("file:"):
        return fs.FileSystem.from_uri(uri)
    return fs.LocalFileSystem(), os.path.abspath(uri)


@functools.cache
def _bucket_files(_process: int) -> fs.S3FileSystem:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    server = urlsplit(endpoint)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    # Servers other than Amazon's have one region, whatever it is called.
    options = {"region": region or "us-east-1"} if region or endpoint else {}
    if endpoint:
        options |= {"endpoint_override": server.netloc, "scheme": server.scheme}
    retry = fs.AwsStandardS3RetryStrategy(max_attempts=5)
    # Small files take one request, not three.
    options |= {"allow_delayed_open": True, "request_timeout": 30, "connect_timeout": 15}
    return fs.S3FileSystem(retry_strategy=retry, **options)


def make_folder(filesystem: fs.FileSystem, folder: str) -> None:
    """Make a folder and those above it; a bucket has none, only keys with slashes."""
    if isinstance(filesystem, fs.LocalFileSystem):
        filesystem.create_dir(folder, recursive=True)


def below(folder: str, path: str) -> str:
    """`path` as it stands when it is absolute or a URI, else under `folder`."""
    return path if path.startswith("/") or "://" in path else f"{folder.rstrip('/')}/{path}"


def is_file(uri: str) -> bool:
    """Whether there is a file at `uri`."""
    filesystem, path = locate(uri)
    return filesystem.get_file_info(path).is_file


def folders(uri: str) -> list[str]:
    """Names of the folders in the one at `uri`, sorted; none where that is not there."""
    filesystem, path = locate(uri)
    found = filesystem.get_file_info(fs.FileSelector(path, allow_not_found=True))
    return sorted(info.base_name for info in found if info.type == fs.FileType.Directory)


def read_bytes(uri: str) -> bytes:
    """All that is in the file at `uri`; raises OSError as it stands, FileNotFoundError when there is none."""
    filesystem, path = locate(uri)
    with filesystem.open_input_stream(path) as stream:
        return stream.read()


def read_document(uri: str) -> Any:
    """The JSON value at `uri`; raises OSError or ValueError as it stands, the caller knows what the document is for."""
    return json.loads(read_bytes(uri))


def write_document(uri: str, value: Any, durable: bool = True) -> None:
    """Write `value` as JSON; see `write_bytes`. NaN and infinities raise ValueError: they are not JSON."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=None if not durable else 1)
    write_bytes(uri, text.encode(), durable)


def write_bytes(uri: str, content: bytes, durable: bool = True) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part. Its folder must be there.

    `durable` also forces it to disk, so that it outlives a crash of the machine; off for progress, which may be lost.
    """
    filesystem, path = locate(uri)
    if not isinstance(filesystem, fs.LocalFileSystem):
        # An object store shows an object only when it is complete.
        with filesystem.open_output_stream(path) as stream:
            stream.write(content)
        return
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        if durable:
            os.fsync(stream.fileno())
    temporary.replace(target)
    if durable:
        sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in `folder` to disk; a rename is only durable after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
