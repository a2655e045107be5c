"""Small JSON documents that pass between a job and whoever asked for it: read whole, written atomically."""

import json
import os
from pathlib import Path
from typing import Any

from pyarrow import fs


def locate(uri: str) -> tuple[fs.FileSystem, str]:
    """File system and path within it of an absolute path or a URI (file:, s3:, s3a:)."""
    if uri.startswith("s3a://"):
        uri = "s3://" + uri[len("s3a://") :]
    if "://" in uri or uri.startswith("file:"):
        return fs.FileSystem.from_uri(uri)
    return fs.LocalFileSystem(), os.path.abspath(uri)


def below(folder: str, path: str) -> str:
    """`path` as it stands when it is absolute or a URI, else under `folder`."""
    return path if path.startswith("/") or "://" in path else f"{folder.rstrip('/')}/{path}"


def read_document(uri: str) -> Any:
    """The JSON value at `uri`; raises OSError or ValueError as it stands, the caller knows what the document is for."""
    filesystem, path = locate(uri)
    with filesystem.open_input_stream(path) as stream:
        return json.loads(stream.read())


def write_document(uri: str, value: Any, durable: bool = True) -> None:
    """Write `value` as JSON so that a reader sees the old document or the new one, never a part.

    `durable` also forces it to disk, so that it outlives a crash of the machine; off for progress, which may be lost.
    NaN and infinities raise ValueError: they are not JSON.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=None if not durable else 1).encode()
    filesystem, path = locate(uri)
    if not isinstance(filesystem, fs.LocalFileSystem):
        # An object store shows an object only when it is complete.
        with filesystem.open_output_stream(path) as stream:
            stream.write(text)
        return
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        stream.write(text)
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
