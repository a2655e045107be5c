"""Writes the tables of the failure tests into the folder of the first argument: one good, the others each wrong in one way."""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

folder = Path(sys.argv[1])
folder.mkdir()
rows = 60_000
start = datetime(2026, 3, 1, 9)
good = pd.DataFrame(
    {
        "who": [f"c{number % 5000}" for number in range(rows)],
        "basket": [f"b{number // 4}" for number in range(rows)],
        "at": [(start + timedelta(hours=number % 48)).strftime("%Y-%m-%d %H:%M") for number in range(rows)],
        "article": [f"a{number * 7919 % 100_003}" for number in range(rows)],
        "price": [number % 997 / 100 for number in range(rows)],
    }
)
few = good.head(100)
few.to_parquet(folder / "good.parquet")
few.drop(columns="price").to_parquet(folder / "missing.parquet")
few.head(0).to_parquet(folder / "empty.parquet")
content = (folder / "good.parquet").read_bytes()
(folder / "corrupt.parquet").write_bytes(content[:200] + b"\0" * 200 + content[400:])
(folder / "cut.parquet").write_bytes(content[: len(content) // 2])
(folder / "mixed").mkdir()
few.to_parquet(folder / "mixed/a.parquet")
few.assign(price=few["price"].astype(str)).to_parquet(folder / "mixed/b.parquet")
good.to_parquet(folder / "large.parquet")
