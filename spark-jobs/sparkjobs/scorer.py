"""A published scorer: a folder that says how much each entity would like each category.

scorer.json names what scores (`kind`: a model of models.py, or baseline), the categories and everything else needed;
beside it lies model.onnx (a model) or neighbours.npz (a baseline that borrows from alike entities).
"""

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
import pandas as pd

from sparkjobs.baselines import Baseline
from sparkjobs.context import Context
from sparkjobs.models import MODELS
from sparkjobs.neighbours import Neighbours
from sparkjobs.onnx_session import run, session
from sparkjobs.sequences import Sequences, day_number, sequences_of
from sparkjobs.windows import scoring

FORMAT = "sparkwright.dev/scorer/v1"
BASELINE = "baseline"
BATCH = 512
PARAMETERS = ("own", "half_life", "popularity_weight", "neighbour_weight")


class Scorer(Protocol):
    """What scores: the trained model or a count baseline; both are used alike."""

    @property
    def name(self) -> str: ...

    @property
    def categories(self) -> list[str]: ...

    def score(self, histories: pd.DataFrame, as_of: date) -> np.ndarray:
        """Scores for a visit on `as_of` of unknown context: float32 [rows of `histories`, categories].

        `histories` has rows as `visits.histories` makes them, one per entity, in any order; a row with empty arrays is
        an entity without history. Only the order of a row's scores means something, not their size. Raises ValueError
        for a visit on `as_of` or later, since no scorer may see what it is to foretell.
        """
        ...


@dataclass(frozen=True)
class CountScorer:
    """A count baseline with its vocabulary."""

    baseline: Baseline
    categories: list[str]

    @property
    def name(self) -> str:
        return self.baseline.name

    def score(self, histories: pd.DataFrame, as_of: date) -> np.ndarray:
        sequences, visits = next_visits(histories, self.categories, as_of)
        return self.baseline(sequences, visits)


@dataclass(frozen=True)
class ModelScorer:
    """A trained model in ONNX Runtime with its vocabularies."""

    runtime: onnxruntime.InferenceSession
    categories: list[str]
    context: Context
    half_lives: list[float]
    window: int
    name: str = "txt"  # in models.py
    seen_to: int | None = None  # day of the last visit that training saw; known only where it was trained

    def score(self, histories: pd.DataFrame, as_of: date) -> np.ndarray:
        sequences, visits = next_visits(histories, self.categories, as_of)
        return self.score_visits(sequences, visits, known=False)

    def score_visits(self, sequences: Sequences, visits: np.ndarray, known: bool) -> np.ndarray:
        """Scores of `visits` (ascending) from what came before each, with their context when it is `known`."""
        scores = np.empty((len(visits), len(self.categories)), dtype=np.float32)
        for first in range(0, len(visits), BATCH):
            rows = visits[first : first + BATCH]
            ids = self.context.ids(sequences, rows) if known else self.context.unknown(len(rows))
            inputs = scoring(sequences, ids, self.half_lives, self.window, rows)
            scores[first : first + BATCH] = run(self.runtime, inputs)
        return scores


def next_visits(histories: pd.DataFrame, categories: list[str], as_of: date) -> tuple[Sequences, np.ndarray]:
    """Each history followed by an empty visit on `as_of`, and those visits: what a scorer is asked about."""
    sequences = sequences_of(histories, categories)
    if sequences.visits and int(sequences.days.max()) >= day_number(as_of):
        raise ValueError(f"Cannot score as of {as_of}: the histories hold visits on that day or later")
    return sequences.followed_by(day_number(as_of))


def load_scorer(folder: Path) -> Scorer:
    """The scorer in `folder`, loaded once per Python process and content.

    Raises ValueError when scorer.json is of another format or the files beside it are not the ones it names.
    """
    folder = Path(folder)
    return _load(str(folder.resolve()), (folder / "scorer.json").read_text())


def packed(folder: Path) -> dict[str, bytes]:
    """The files of a scorer by their names, to be sent to where it is used."""
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.is_file()}


def unpacked(files: dict[str, bytes]) -> Path:
    """A folder of this machine with these files: one per Python process and content."""
    digest = hashlib.sha256()
    for name, content in files.items():
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    key = digest.hexdigest()
    if key not in _FOLDERS:
        folder = Path(tempfile.mkdtemp(prefix="scorer-"))
        for name, content in files.items():
            (folder / name).write_bytes(content)
        _FOLDERS[key] = folder
    return _FOLDERS[key]


_FOLDERS: dict[str, Path] = {}


@lru_cache(maxsize=2)
def _load(folder: str, text: str) -> Scorer:
    document = json.loads(text)
    if document.get("format") != FORMAT:
        found = document.get("format")
        raise ValueError(f"Cannot load scorer {folder}: its format is {found!r}, this release reads {FORMAT}")
    kind = document["kind"]
    if kind not in (BASELINE, *MODELS):
        known = ", ".join((BASELINE, *MODELS))
        raise ValueError(f"Cannot load scorer {folder}: its kind is {kind!r}, this release knows {known}")
    load = _load_baseline if kind == BASELINE else _load_model
    return load(Path(folder), document)


def _load_model(folder: Path, document: dict[str, Any]) -> ModelScorer:
    path = _intact(folder / "model.onnx", document["signature"]["sha256"])
    context = Context(document["context"])
    of = (document["categories"], context, document["half_lives"], document["window"], document["name"])
    return ModelScorer(session(path), *of)


def _load_baseline(folder: Path, document: dict[str, Any]) -> CountScorer:
    near = None
    if "neighbours" in document:
        with np.load(_intact(folder / "neighbours.npz", document["neighbours"]["sha256"])) as arrays:
            near = Neighbours(arrays["entities"], arrays["habits"], arrays["directions"], int(arrays["size"]))
    parameters = {name: float(document["parameters"][name]) for name in PARAMETERS}
    share = np.array(document["popularity"], dtype=np.float32)
    return CountScorer(Baseline(document["name"], share, near=near, **parameters), document["categories"])


def _intact(path: Path, digest: str) -> Path:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise ValueError(f"Cannot load {path}: its sha256 is {found}, scorer.json names {digest}; train again")
    return path


def save_baseline(baseline: Baseline, categories: list[str], folder: Path, facts: dict[str, Any]) -> None:
    """Fills `folder` with a baseline; `facts` (lineage, gate) go into scorer.json too."""
    parameters = {name: str(getattr(baseline, name)) for name in PARAMETERS}  # text, since JSON has no infinity
    document = {
        "kind": BASELINE,
        "name": baseline.name,
        "parameters": parameters,
        "categories": categories,
        "popularity": [float(share) for share in baseline.popularity],
        **facts,
    }
    if baseline.near is not None:
        path = folder / "neighbours.npz"
        near = baseline.near
        np.savez(path, entities=near.entities, habits=near.habits, directions=near.directions, size=near.size)
        document["neighbours"] = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    _write(folder, document)


def save_model(scorer: ModelScorer, signature: dict[str, Any], onnx: Path, folder: Path, facts: dict[str, Any]) -> None:
    """Fills `folder` with a model: a copy of the file `onnx`, whose `signature` is as `export` gave it."""
    shutil.copyfile(onnx, folder / "model.onnx")
    document = {
        "kind": scorer.name,
        "name": scorer.name,
        "categories": scorer.categories,
        "context": scorer.context.features,
        "half_lives": scorer.half_lives,
        "window": scorer.window,
        "signature": signature,
        **facts,
    }
    _write(folder, document)


def _write(folder: Path, document: dict[str, Any]) -> None:
    (folder / "scorer.json").write_text(json.dumps({"format": FORMAT, **document}, indent=1) + "\n")
