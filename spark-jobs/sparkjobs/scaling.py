"""Fills, clips, logs and standardises features; what was learnt is part of the model, so everyone is measured alike."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkjobs.failure import InputError


@dataclass(frozen=True)
class Scale:
    """How one feature becomes comparable: null → fill, clip to lower..upper, log1p if log, then (x - mean) / std."""

    name: str
    fill: float
    lower: float
    upper: float
    log: bool
    mean: float
    std: float

    @property
    def constant(self) -> bool:
        return self.lower == self.upper

    def apply(self) -> Column:
        """The feature in standard deviations from the mean; a constant one is 0 for everybody."""
        shaped = _shape(F.coalesce(number(self.name), F.lit(self.fill)), self.lower, self.upper, self.log)
        return (shaped - F.lit(self.mean)) / F.lit(self.std)

    def of(self, values: np.ndarray) -> np.ndarray:
        """As `apply`, for numbers in original units."""
        clipped = np.clip(values, self.lower, self.upper)
        return ((np.log1p(clipped) if self.log else clipped) - self.mean) / self.std

    def original(self, values: np.ndarray) -> np.ndarray:
        """From standard deviations back to original units."""
        shaped = values * self.std + self.mean
        return np.expm1(shaped) if self.log else shaped

    def document(self) -> dict[str, Any]:
        return asdict(self)


def number(name: str) -> Column:
    """A feature as double; NaN counts as null."""
    value = F.col(f"`{name}`").cast("double")
    return F.nanvl(value, F.lit(None).cast("double"))


def fit_scales(rows: DataFrame, names: list[str], lower: float, upper: float, log_above: float) -> list[Scale]:
    """Learns a Scale per feature. Nulls are filled with the median; `lower` and `upper` are quantiles.

    Columns without a negative value whose skew after clipping exceeds `log_above` get the logarithm.
    Raises InputError for a feature that is null for everybody.
    """
    quantiles = rows.agg(
        *[F.percentile(number(name), F.array(*map(F.lit, (lower, 0.5, upper)))).alias(name) for name in names]
    ).collect()[0]
    for name in names:
        if quantiles[name] is None:
            remedy = "Take it out of features, or look at what the feature job makes of it"
            raise InputError(f"Cannot cluster on {name}: it is null for everybody", remedy)
    bounds = {name: tuple(quantiles[name]) for name in names}
    filled = rows.select([F.coalesce(number(name), F.lit(bounds[name][1])).alias(name) for name in names])
    clipped = filled.select([_clip(F.col(f"`{n}`"), bounds[n][0], bounds[n][2]).alias(n) for n in names])
    skews = clipped.agg(*[F.skewness(f"`{name}`").alias(name) for name in names]).collect()[0]
    logs = {n: bounds[n][0] >= 0 and skews[n] is not None and skews[n] > log_above for n in names}
    shaped = clipped.select([_log(F.col(f"`{name}`"), logs[name]).alias(name) for name in names])
    moments = shaped.agg(
        *[F.avg(f"`{name}`").alias(f"mean{i}") for i, name in enumerate(names)],
        *[F.stddev_pop(f"`{name}`").alias(f"std{i}") for i, name in enumerate(names)],
    ).collect()[0]
    return [
        Scale(n, bounds[n][1], bounds[n][0], bounds[n][2], logs[n], moments[f"mean{i}"], moments[f"std{i}"] or 1.0)
        for i, n in enumerate(names)
    ]


def _shape(value: Column, lower: float, upper: float, log: bool) -> Column:
    return _log(_clip(value, lower, upper), log)


def _clip(value: Column, lower: float, upper: float) -> Column:
    return F.least(F.greatest(value, F.lit(lower)), F.lit(upper))


def _log(value: Column, log: bool) -> Column:
    return F.log1p(value) if log else value
