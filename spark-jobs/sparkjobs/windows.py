"""Training windows and scoring inputs of the model, cut from visit histories."""

from collections.abc import Iterator

import numpy as np

from sparkjobs.counts import counts_before, decay
from sparkjobs.sequences import Sequences

Arrays = dict[str, np.ndarray]


def windows(sequences: Sequences, window: int, draws: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Cuts every history into runs of at most `window` visits: (first visit, length), each visit in exactly one.

    Where the first run ends is drawn anew for each entity, so that epochs see different prefixes.
    """
    firsts, sizes = [], []
    for start, length in zip(sequences.starts[:-1], sequences.lengths(), strict=True):
        if length == 0:
            continue
        cuts = np.arange(draws.integers(1, window + 1), length, window)
        edges = np.concatenate([[0], cuts, [length]])
        firsts.append(start + edges[:-1])
        sizes.append(np.diff(edges))
    return np.concatenate(firsts), np.concatenate(sizes)


def batches(
    sequences: Sequences, ids: np.ndarray, half_lives: list[float], window: int, steps: int, draws: np.random.Generator
) -> Iterator[Arrays]:
    """One epoch as exactly `steps` batches in random order; windows of like length go together, to pad little.

    The number is given, not found, because ranks that take different numbers of steps wait for each other forever.

    `ids` int64 [visits, K] is the context of each visit. Arrays are as `TxT.forward` takes them, plus `targets`
    (bool [B, T, C], all false on padding).
    """
    first, size = windows(sequences, window, draws)
    shuffled = draws.permutation(len(first))
    # Sorted in large random groups only: like lengths stay together, yet no two epochs pair the same windows.
    groups = np.array_split(shuffled, max(1, steps // 16))
    order = np.concatenate([group[np.argsort(size[group], kind="stable")] for group in groups])
    ascending = np.sort(first)
    counts, visits = counts_before(sequences, ascending, half_lives)
    row = np.searchsorted(ascending, first)
    chunks = np.array_split(order, steps)
    for chunk in (chunks[i] for i in draws.permutation(steps)):
        yield _training(sequences, ids, half_lives, first[chunk], size[chunk], counts[row[chunk]], visits[row[chunk]])


def steps_of(sequences: Sequences, window: int, batch: int) -> int:
    """Batches of about `batch` windows that an epoch over `sequences` takes, at least 1."""
    lengths = sequences.lengths()
    expected = float((lengths / window + 0.5)[lengths > 0].sum())
    return max(1, round(expected / batch))


def _training(
    sequences: Sequences,
    ids: np.ndarray,
    half_lives: list[float],
    first: np.ndarray,
    size: np.ndarray,
    counts: np.ndarray,
    visits: np.ndarray,
) -> Arrays:
    steps = int(size.max())
    shape = (len(first), steps)
    position = np.minimum(first[:, None] + np.arange(steps), sequences.visits - 1)
    real = np.arange(steps) < size[:, None]
    targets = sequences.bags(position.ravel()).reshape(*shape, -1) & real[:, :, None]
    gaps = days_between(sequences)[position]
    all_counts = np.empty((*shape, *counts.shape[1:]), dtype=np.float32)
    all_visits = np.empty((*shape, *visits.shape[1:]), dtype=np.float32)
    rates = np.asarray(half_lives)
    for step in range(steps):
        if step > 0:
            left = decay(np.where(real[:, step], gaps[:, step], 0), rates)
            counts = (counts + targets[:, step - 1, :, None]) * left[:, None, :]
            visits = (visits + 1.0) * left
        all_counts[:, step], all_visits[:, step] = counts, visits
    return {
        "bags": targets[:, :-1].astype(np.float32),
        "gaps": gaps[:, :-1].astype(np.float32),
        "ids": ids[position],
        "counts": all_counts,
        "visits": all_visits,
        "targets": targets,
    }


def scoring(sequences: Sequences, ids: np.ndarray, half_lives: list[float], window: int, wanted: np.ndarray) -> Arrays:
    """Inputs of `Serving` for the visits `wanted` (ascending): at most window - 1 visits before each, nothing of it.

    `ids` int64 [wanted, K]: context of the visits to score, 0 for unknown.
    """
    start = sequences.starts[sequences.owner()[wanted]]
    length = np.minimum(wanted - start, window - 1)
    steps = max(1, int(length.max(initial=0)))
    real = np.arange(steps) < length[:, None]
    position = np.where(real, (wanted - length)[:, None] + np.arange(steps), 0)
    bags = sequences.bags(position.ravel()).reshape(*position.shape, -1) & real[:, :, None]
    counts, visits = counts_before(sequences, wanted, half_lives)
    return {
        "bags": bags.astype(np.float32),
        "gaps": np.where(real, days_between(sequences)[position], 0).astype(np.float32),
        "length": length.astype(np.int64),
        "ids": ids,
        "counts": counts,
        "visits": visits,
    }


def days_between(sequences: Sequences) -> np.ndarray:
    """Days since the entity's visit before; 0 for its first: int32 [visits]."""
    gaps = np.diff(sequences.days, prepend=0)
    gaps[sequences.starts[:-1][sequences.lengths() > 0]] = 0
    return gaps
