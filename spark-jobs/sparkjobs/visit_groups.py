"""Groups of visits by which an evaluation is broken down: each function of GROUPS labels visits, None for no group."""

from collections.abc import Callable, Iterator

import numpy as np

from sparkjobs.sequences import Sequences

EARLIER_VISITS = ((0, "none"), (1, "1 to 10"), (11, "11 to 50"), (51, "51 and more"))
CATEGORIES = ((1, "1"), (2, "2 to 5"), (6, "6 and more"))


def earlier_visits(sequences: Sequences, visits: np.ndarray) -> list[str | None]:
    """How long the owner's history was before each visit."""
    return _labels(visits - sequences.starts[sequences.owner()[visits]], EARLIER_VISITS)


def categories(sequences: Sequences, visits: np.ndarray) -> list[str | None]:
    """How many categories each visit holds, those included that no scorer can name."""
    return _labels(np.diff(sequences.bag_starts)[visits], CATEGORIES)


GROUPS: dict[str, Callable[[Sequences, np.ndarray], list[str | None]]] = {
    "earlier visits": earlier_visits,
    "categories": categories,
}


def labelled(name: str, labels: list[str | None]) -> Iterator[tuple[str, str, np.ndarray]]:
    """(`name`, label, bool [visits]) of every label that visits have; None is no label."""
    found = np.array(labels, dtype=object)
    for one in sorted({one for one in found if one is not None}, key=lambda label: (_first_number(label), label)):
        yield name, one, found == one


def grouped(sequences: Sequences, visits: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """(grouping, label, bool [visits]) of every group that has visits, in the order of the labels' first numbers."""
    for name, label in GROUPS.items():
        yield from labelled(name, label(sequences, visits))


def _labels(values: np.ndarray, steps: tuple[tuple[int, str], ...]) -> list[str | None]:
    """The label of the last step that is not above each value; None below the first."""
    at = np.searchsorted([start for start, _ in steps], values, side="right") - 1
    return [steps[i][1] if i >= 0 else None for i in at]


def _first_number(label: str) -> int:
    word = label.split()[0]
    return int(word) if word.isdigit() else -1
