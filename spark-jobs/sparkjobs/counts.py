"""Decayed counts: how often an entity bought each category before a visit, recent visits weighing more."""

from collections.abc import Iterator

import numpy as np

from sparkjobs.sequences import Sequences


def decay(days: np.ndarray, half_lives: np.ndarray) -> np.ndarray:
    """Share that is left after `days` [n]: float32 [n, half-lives]; an infinite half-life never decays."""
    return np.exp2(-days[:, None].astype(np.float32) / half_lives[None, :].astype(np.float32))


def counts_before(sequences: Sequences, wanted: np.ndarray, half_lives: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """State of the owner just before each visit of `wanted` (ascending positions), decayed to that visit's day.

    Returns counts float32 [wanted, categories, half-lives], where each earlier visit with the category adds
    0.5 ** (days since / half-life), and visits float32 [wanted, half-lives], the same sum over all earlier visits.
    The visit itself and later ones have no influence.
    """
    counts = np.zeros((len(wanted), sequences.width, len(half_lives)), dtype=np.float32)
    visits = np.zeros((len(wanted), len(half_lives)), dtype=np.float32)
    row_of = np.full(sequences.visits, -1)
    row_of[wanted] = np.arange(len(wanted))
    for first, end in sequences.blocks():
        offset = sequences.starts[first]
        for positions, state, total in _roll(sequences.part(first, end), np.asarray(half_lives)):
            rows = row_of[positions + offset]
            asked = rows >= 0
            counts[rows[asked]] = state[asked]
            visits[rows[asked]] = total[asked]
    return counts, visits


def _roll(sequences: Sequences, half_lives: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Walks all entities visit by visit side by side: (visits, counts before them, visits before them).

    The longest histories stand first, so those still walking are always the leading rows.
    """
    order = np.argsort(-sequences.lengths(), kind="stable")
    starts, lengths = sequences.starts[order], sequences.lengths()[order]
    counts = np.zeros((len(order), sequences.width, len(half_lives)), dtype=np.float32)
    visits = np.zeros((len(order), len(half_lives)), dtype=np.float32)
    for step in range(int(lengths[0]) if len(lengths) else 0):
        active = int(np.searchsorted(-lengths, -step, side="left"))
        positions = starts[:active] + step
        if step > 0:
            left = decay(sequences.days[positions] - sequences.days[positions - 1], half_lives)
            counts[:active] *= left[:, None, :]
            visits[:active] *= left
        yield positions, counts[:active], visits[:active]
        counts[sequences.entries(positions)] += 1.0
        visits[:active] += 1.0
