"""When an entity first and last bought each category before a visit."""

import numpy as np

from sparkjobs.sequences import Sequences


def purchase_days(sequences: Sequences, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days since the owner's first and since its last purchase of each category, as of each visit of `wanted`
    (ascending): twice float32 [wanted, categories], NaN where there is none before that visit."""
    since_first, since_last = (np.full((len(wanted), sequences.width), np.nan, dtype=np.float32) for _ in range(2))
    owner = sequences.owner()
    for entity in np.unique(owner[wanted]):
        start, end = sequences.starts[entity], sequences.starts[entity + 1]
        rows = np.arange(*np.searchsorted(wanted, [start, end]))
        first, last = _before(sequences, start, wanted[rows])
        on = sequences.days[wanted[rows], None]
        since_first[rows], since_last[rows] = on - first, on - last
    return since_first, since_last


def _before(sequences: Sequences, start: int, visits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days of the first and the last purchase of each category from visit `start` to before each of `visits`."""
    shape = (len(visits), sequences.width)
    first, last = np.full(shape, np.inf, dtype=np.float32), np.full(shape, -np.inf, dtype=np.float32)
    past = np.arange(start, visits[-1])
    rows, categories = sequences.entries(past)
    days = sequences.days[past[rows]].astype(np.float32)
    # The first of `visits` that comes after each purchase; later ones inherit what it saw.
    seen_by = np.searchsorted(visits, past[rows], side="right")
    np.minimum.at(first, (seen_by, categories), days)
    np.maximum.at(last, (seen_by, categories), days)
    found = np.minimum.accumulate(first, axis=0), np.maximum.accumulate(last, axis=0)
    return tuple(np.where(np.isinf(of), np.nan, of) for of in found)
