"""The segment model as a document: scales, centroids, and the ids that people know the segments by."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparkjobs.failure import InputError
from sparkjobs.scaling import Scale
from sparkjobs.segment_ids import SegmentModel, named

FORMAT = "sparkwright.dev/kmeans/v1"
FILE = "model.json"


@dataclass(frozen=True)
class Model:
    """What assigns: `segments` lie in the space of `scales`. `facts` say how it came about (k, seed, shares, input)."""

    scales: list[Scale]
    segments: SegmentModel
    facts: dict[str, Any]

    @property
    def features(self) -> list[str]:
        return [scale.name for scale in self.scales]

    @property
    def digest(self) -> str:
        """The same for models that assign alike, whatever their facts."""
        text = json.dumps({key: self.document()[key] for key in ("features", "ids", "centroids")})
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def document(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "features": [scale.document() for scale in self.scales],
            "k": len(self.segments.ids),
            "ids": self.segments.ids,
            "retired": self.segments.retired,
            "centroids": self.segments.centroids.tolist(),
            **self.facts,
        }

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(self.document(), indent=1) + "\n")


def read_model(folder: Path) -> Model:
    """The model that was saved in `folder`; one without ids is numbered by its centroids.

    Raises InputError for another format.
    """
    document = json.loads((folder / FILE).read_text())
    if document.get("format") != FORMAT:
        raise InputError(
            f"Cannot use the earlier model: its format is {document.get('format')}, not {FORMAT}",
            "Publish the segments under another dataset, or roll the model back",
        )
    centroids = np.array(document["centroids"], dtype=np.float64)
    ids = document.get("ids") or named(centroids).ids
    known = {"format", "features", "k", "ids", "retired", "centroids"}
    return Model(
        [Scale(**scale) for scale in document["features"]],
        SegmentModel(ids, centroids, document.get("retired") or []),
        {key: value for key, value in document.items() if key not in known},
    )


def rescaled(centroids: np.ndarray, before: list[Scale], now: list[Scale]) -> np.ndarray:
    """Centroids [segments, features] from the space of the scales `before` to that of `now`, for the same features."""
    columns = [new.of(old.original(centroids[:, at])) for at, (old, new) in enumerate(zip(before, now, strict=True))]
    return np.column_stack(columns)
