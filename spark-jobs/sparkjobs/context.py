"""Context of a visit as ids: 0 stands for unknown and for every value not seen before the fit."""

from dataclasses import dataclass

import numpy as np

from sparkjobs.sequences import ABSENT_HOUR, Sequences


@dataclass(frozen=True)
class Context:
    """Vocabulary of each context feature; value i of a feature has the id i + 1."""

    features: dict[str, list[object]]

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.features.values())

    def ids(self, sequences: Sequences, visits: np.ndarray) -> np.ndarray:
        """int64 [visits, features]."""
        columns = []
        for feature, values in self.features.items():
            position = {value: index + 1 for index, value in enumerate(values)}
            columns.append([position.get(value, 0) for value in values_of(sequences, visits, feature)])
        return np.array(columns, dtype=np.int64).reshape(len(self.features), len(visits)).T

    def unknown(self, rows: int) -> np.ndarray:
        """Ids of visits whose context nobody knows: zeros int64 [rows, features]."""
        return np.zeros((rows, len(self.features)), dtype=np.int64)


def context_of(sequences: Sequences, features: list[str]) -> Context:
    """Vocabularies from the values that these visits have."""
    visits = np.arange(sequences.visits)
    return Context({f: sorted(set(values_of(sequences, visits, f)) - {None, ABSENT_HOUR}) for f in features})


def values_of(sequences: Sequences, visits: np.ndarray, feature: str) -> list[object]:
    """Values of hour (0-23), weekday (0 is Monday), month (1-12) or place for each of `visits`."""
    if feature == "hour":
        return sequences.hours[visits].tolist()
    if feature == "place":
        return sequences.places[visits].tolist()
    days = sequences.days[visits]
    if feature == "weekday":
        return ((days + 3) % 7).tolist()  # 1970-01-01 was a Thursday
    return (days.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 + 1).tolist()
