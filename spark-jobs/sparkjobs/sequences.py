"""Visit histories as flat arrays: what the counts, the evaluation and the model compute on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

import numpy as np
import pandas as pd

EPOCH = date(1970, 1, 1)
UNKNOWN = -1
ABSENT_HOUR = -1


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Sequences:
    """Visits of many entities, entity after entity, oldest first.

    The visits of entity `e` are `starts[e]:starts[e + 1]`; the categories of visit `v` are
    `bag[bag_starts[v]:bag_starts[v + 1]]`, positions in the vocabulary or UNKNOWN.
    """

    entities: np.ndarray  # str [entities]
    starts: np.ndarray  # int64 [entities + 1]
    days: np.ndarray  # int32 [visits], days since 1970-01-01
    hours: np.ndarray  # int32 [visits], local hour or ABSENT_HOUR
    places: np.ndarray  # object [visits], str or None
    bag_starts: np.ndarray  # int64 [visits + 1]
    bag: np.ndarray  # int32 [purchases]
    width: int  # categories in the vocabulary

    @property
    def visits(self) -> int:
        return len(self.days)

    @property
    def last_day(self) -> int:
        """Day of the latest visit; raises ValueError where there is none."""
        return int(self.days.max())

    def lengths(self) -> np.ndarray:
        """Visits of each entity: int64 [entities]."""
        return np.diff(self.starts)

    def owner(self) -> np.ndarray:
        """Entity of each visit: int64 [visits]."""
        return np.repeat(np.arange(len(self.entities)), self.lengths())

    def between(self, first: date, end: date) -> np.ndarray:
        """Visits on days from `first` to before `end`: ascending positions, int64."""
        return np.flatnonzero((self.days >= day_number(first)) & (self.days < day_number(end)))

    def before(self, day: date) -> "Sequences":
        """The same entities with their visits before `day` only; an entity may be left without any."""
        return self.keep(self.days < day_number(day))

    def keep(self, wanted: np.ndarray) -> "Sequences":
        """The same entities with the visits for which `wanted` (bool [visits]) holds."""
        running = np.concatenate([[0], np.cumsum(wanted)])
        sizes = np.diff(self.bag_starts)
        return Sequences(
            self.entities,
            running[self.starts],
            self.days[wanted],
            self.hours[wanted],
            self.places[wanted],
            np.concatenate([[0], np.cumsum(sizes[wanted])]),
            self.bag[np.repeat(wanted, sizes)],
            self.width,
        )

    def occupied(self) -> "Sequences":
        """Only the entities that have visits."""
        some = self.lengths() > 0
        starts = np.concatenate([self.starts[:-1][some], self.starts[-1:]])
        return replace(self, entities=self.entities[some], starts=starts)

    def followed_by(self, day: int) -> tuple["Sequences", np.ndarray]:
        """The same histories, each with one more, empty visit on `day`, of unknown hour and place; and those visits."""
        ends = self.starts[1:]
        added = Sequences(
            self.entities,
            self.starts + np.arange(len(self.starts)),
            np.insert(self.days, ends, day),
            np.insert(self.hours, ends, ABSENT_HOUR),
            np.insert(self.places, ends, None),
            np.insert(self.bag_starts, ends + 1, self.bag_starts[ends]),
            self.bag,
            self.width,
        )
        return added, added.starts[1:] - 1

    def part(self, first: int, end: int) -> "Sequences":
        """Entities `first:end` with all their visits."""
        visits = slice(self.starts[first], self.starts[end])
        bag_starts = self.bag_starts[visits.start : visits.stop + 1]
        return Sequences(
            self.entities[first:end],
            self.starts[first : end + 1] - self.starts[first],
            self.days[visits],
            self.hours[visits],
            self.places[visits],
            bag_starts - bag_starts[0],
            self.bag[bag_starts[0] : bag_starts[-1]],
            self.width,
        )

    def entries(self, visits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The purchases of `visits` as (row in `visits`, category); unknown categories are left out."""
        sizes = self.bag_starts[visits + 1] - self.bag_starts[visits]
        rows = np.repeat(np.arange(len(visits)), sizes)
        offsets = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        categories = self.bag[np.repeat(self.bag_starts[visits], sizes) + offsets]
        known = categories != UNKNOWN
        return rows[known], categories[known]

    def bags(self, visits: np.ndarray) -> np.ndarray:
        """Categories of `visits` as bool [visits, categories]; unknown ones have no column."""
        dense = np.zeros((len(visits), self.width), dtype=bool)
        dense[self.entries(visits)] = True
        return dense

    def blocks(self, visits: int = 32768) -> Iterator[tuple[int, int]]:
        """Ranges of entities that hold about `visits` visits each, so that memory does not grow with the data."""
        first = 0
        while first < len(self.entities):
            end = int(np.searchsorted(self.starts, self.starts[first] + visits, side="right")) - 1
            end = min(max(end, first + 1), len(self.entities))
            yield first, end
            first = end


def sequences_of(histories: pd.DataFrame, categories: list[str]) -> Sequences:
    """Flat arrays of the rows that `visits.histories` makes; a category outside `categories` becomes UNKNOWN."""
    position = {category: index for index, category in enumerate(categories)}
    bags = [bag for entity in histories["categories"] for bag in entity]
    lengths = [len(days) for days in histories["days"]]
    hours = (ABSENT_HOUR if hour is None or hour != hour else hour for hour in chain(*histories["hours"]))
    places = np.empty(sum(lengths), dtype=object)
    places[:] = list(chain(*histories["places"]))
    return Sequences(
        entities=histories["entity"].to_numpy(dtype=object),
        starts=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        days=np.fromiter(chain(*histories["days"]), dtype=np.int32, count=len(places)),
        hours=np.fromiter(hours, dtype=np.int32, count=len(places)),
        places=places,
        bag_starts=np.concatenate([[0], np.cumsum([len(bag) for bag in bags], dtype=np.int64)]).astype(np.int64),
        bag=np.array([position.get(category, UNKNOWN) for category in chain(*bags)], dtype=np.int32),
        width=len(categories),
    )


def vocabulary(histories: pd.DataFrame, before: date) -> list[str]:
    """Categories seen before `before`, those of most visits first, equals in alphabetical order.

    That order is what breaks ties everywhere: of two equal scores the more popular category comes first.
    """
    end = day_number(before)
    counts: dict[str, int] = {}
    for days, bags in zip(histories["days"], histories["categories"], strict=True):
        for day, bag in zip(days, bags, strict=True):
            if day < end:
                for category in bag:
                    counts[category] = counts.get(category, 0) + 1
    return sorted(counts, key=lambda category: (-counts[category], category))
