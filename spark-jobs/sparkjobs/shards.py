"""What the driver lays out for the ranks of a training where all of them see it: a plan, and a shard for each."""

import hashlib
import io
import json
import zipfile
from importlib.resources import files
from typing import Any

import numpy as np
from pyarrow import fs

from sparkjobs.documents import locate, make_folder, read_bytes, read_document, write_bytes
from sparkjobs.failure import InputError
from sparkjobs.sequences import Sequences

PREFIX = "training-"
ARRAYS = ("starts", "days", "bag_starts", "bag", "ids")


def deal(sequences: Sequences, ranks: int) -> list[tuple[Sequences, np.ndarray]]:
    """Whole histories dealt to `ranks` shards with as equal numbers of visits as can be, and where those visits stood.

    The longest go first, each to the shard that has least. Raises InputError when a shard would stay empty.
    """
    lengths = sequences.lengths()
    load = np.zeros(ranks, dtype=np.int64)
    shard_of = np.zeros(len(lengths), dtype=np.int64)
    for entity in np.argsort(-lengths, kind="stable"):
        shard_of[entity] = load.argmin()
        load[shard_of[entity]] += lengths[entity]
    if load.min() == 0:
        raise InputError(
            f"Cannot train on {ranks} ranks: only {(lengths > 0).sum()} entities have visits to train on",
            "Lower ranks, or take split.test later",
        )
    owner = shard_of[sequences.owner()]
    return [(sequences.keep(owner == rank), np.flatnonzero(owner == rank)) for rank in range(ranks)]


def lay_out(shards: list[tuple[Sequences, np.ndarray]], ids: np.ndarray, plan: dict[str, Any], work: str) -> str:
    """Writes `plan` and the shards into a place below `work` (folder or URI) and returns it.

    The place is named after all of that, so a rerun with the same data and settings finds the checkpoint it left there,
    and one with others starts afresh. Trainings on anything else below `work` are removed.
    """
    arrays = [_arrays(shard.occupied(), ids[visits]) for shard, visits in shards]
    whole = {**plan, "shards": [_digest(of_rank) for of_rank in arrays]}
    text = json.dumps(whole, sort_keys=True).encode()
    name = f"{PREFIX}{hashlib.sha256(text).hexdigest()[:16]}"
    _forget_others(work, name)
    place = f"{work.rstrip('/')}/{name}"
    filesystem, folder = locate(place)
    make_folder(filesystem, folder)
    for rank, of_rank in enumerate(arrays):
        content = io.BytesIO()
        np.savez(content, **of_rank)
        write_bytes(_shard(place, rank), content.getvalue())
    write_bytes(f"{place}/plan.json", text)
    return place


def read_plan(place: str) -> dict[str, Any]:
    """What `lay_out` was given, with the digest of each shard."""
    return read_document(f"{place}/plan.json")


def read_shard(place: str, rank: int, plan: dict[str, Any]) -> tuple[Sequences, np.ndarray]:
    """Visits and context ids of one rank. Raises RuntimeError for a shard that is not the one of the plan."""
    with np.load(io.BytesIO(read_bytes(_shard(place, rank)))) as stored:
        arrays = {name: stored[name] for name in ARRAYS}
    found = _digest(arrays)
    if found != plan["shards"][rank]:
        raise RuntimeError(f"Cannot train on {_shard(place, rank)}: it is not the shard of the plan (digest {found})")
    starts, days, bag_starts, bag, ids = arrays.values()
    nothing = np.empty(len(days), dtype=object)
    entities = np.arange(len(starts) - 1)
    width = plan["shape"]["categories"]
    return Sequences(entities, starts, days, np.zeros_like(days), nothing, bag_starts, bag, width), ids


def packed_code() -> bytes:
    """This package's sources as a zip; they may lie in one themselves."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for source in files("sparkjobs").iterdir():
            if source.name.endswith(".py"):
                archive.writestr(f"sparkjobs/{source.name}", source.read_bytes())
    return packed.getvalue()


def _arrays(shard: Sequences, ids: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(ARRAYS, (shard.starts, shard.days, shard.bag_starts, shard.bag, ids), strict=True))


def _digest(arrays: dict[str, np.ndarray]) -> str:
    """sha256 of the values; the file around them may differ between versions of numpy."""
    digest = hashlib.sha256()
    for name, values in arrays.items():
        digest.update(f"{name} {values.dtype} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def _shard(place: str, rank: int) -> str:
    return f"{place}/shard-{rank}.npz"


def _forget_others(work: str, name: str) -> None:
    """Removes what was trained below `work` on other data or with other settings: nobody will ask for it again."""
    filesystem, folder = locate(work)
    for found in filesystem.get_file_info(fs.FileSelector(folder, allow_not_found=True)):
        if found.base_name.startswith(PREFIX) and found.base_name != name:
            filesystem.delete_dir(found.path)
