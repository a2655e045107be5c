"""Clean lines to one row of features per entity, from the days before the as-of date and no others."""

from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Money is added up in millionths as whole numbers: sums of doubles depend on the order in which tasks end.
UNITS = 1_000_000


def features(lines: DataFrame, as_of: str, windows: list[int], dayparts: list[dict[str, Any]]) -> DataFrame:
    """One row per entity that bought before `as_of` (a local day, yyyy-MM-dd, itself excluded).

    entity, as_of, recency_days and tenure_days (since the last and the first visit), then for each window of w days
    that ends the day before `as_of`: spend_, visits_, items_ (lines), ticket_ (spend per visit), discount_share_ (of
    the price before discount), categories_ and places_ (distinct), top_place_share_ (of the visits), and per daypart
    the share of visits that began in it. Sums and counts without visits are 0, shares and ticket null.
    """
    past = lines.transform(before(as_of))
    visits = (
        past.transform(per_visit).transform(by_place(as_of, windows, dayparts)).transform(by_entity(windows, dayparts))
    )
    rows = visits.join(past.transform(category_use(as_of, windows)), on="entity", how="left")
    columns = [column for w in windows for column in _columns(w, dayparts)]
    days = [F.datediff(_day(as_of), "last_day").alias("recency_days"), F.datediff(_day(as_of), "first_day")]
    return rows.select("entity", _day(as_of).alias("as_of"), days[0], days[1].alias("tenure_days"), *columns)


def before(as_of: str):
    """Keep the lines of earlier local days; anything later would leak what is to be predicted."""
    return lambda lines: lines.filter(F.col("date") < _day(as_of))


def per_visit(lines: DataFrame) -> DataFrame:
    """One row per visit: entity, visit, day and hour of its first line, place, items, spend and discount in UNITS."""
    return (
        lines.groupBy("entity", "visit")
        .agg(
            F.min("local_time").alias("began"),
            F.min("place").alias("place"),
            F.count("*").alias("items"),
            F.sum(_units("amount")).alias("spend"),
            F.sum(_units("discount")).alias("discount"),
        )
        .withColumns({"day": F.to_date("began"), "hour": F.hour("began")})
    )


def by_place(as_of: str, windows: list[int], dayparts: list[dict[str, Any]]):
    """Visits → per entity and place first and last day and, per window, sums, visits and visits per daypart."""

    def aggregate(visits: DataFrame) -> DataFrame:
        sums = [F.min("day").alias("first_day"), F.max("day").alias("last_day")]
        for w in windows:
            inside = _inside("day", as_of, w)
            sums += [_sum_if(inside, F.coalesce(name, F.lit(0))).alias(f"{name}_{w}") for name in _SUMMED]
            sums.append(_sum_if(inside, F.lit(1)).alias(f"visits_{w}"))
            sums += [_sum_if(inside & within(part), F.lit(1)).alias(f"{part['name']}_{w}_part") for part in dayparts]
        return visits.groupBy("entity", "place").agg(*sums)

    return aggregate


def by_entity(windows: list[int], dayparts: list[dict[str, Any]]):
    """Entity and place → per entity the same, with the number of places and the visits to the one visited most."""

    def aggregate(places: DataFrame) -> DataFrame:
        sums = [F.min("first_day").alias("first_day"), F.max("last_day").alias("last_day")]
        for w in windows:
            parts = [f"{part['name']}_{w}_part" for part in dayparts]
            sums += [F.sum(name).alias(name) for name in [*(f"{name}_{w}" for name in _SUMMED), f"visits_{w}", *parts]]
            used = F.when(F.col("place").isNotNull(), F.col(f"visits_{w}"))
            sums += [F.count_if(used > 0).alias(f"places_{w}"), F.max(used).alias(f"top_place_{w}")]
        return places.groupBy("entity").agg(*sums)

    return aggregate


_SUMMED = ["spend", "discount", "items"]


def category_use(as_of: str, windows: list[int]):
    """Lines → per entity and window the number of categories: those last bought inside it, as all windows end alike."""

    def aggregate(lines: DataFrame) -> DataFrame:
        last = lines.filter("category IS NOT NULL").groupBy("entity", "category").agg(F.max("date").alias("last"))
        counts = [_sum_if(_inside("last", as_of, w), F.lit(1)).alias(f"categories_{w}") for w in windows]
        return last.groupBy("entity").agg(*counts)

    return aggregate


def within(part: dict[str, Any]) -> Column:
    """Whether `hour` lies in a daypart, from its first hour until before its last; 22 until 6 goes over midnight."""
    after, ahead = F.col("hour") >= part["from"], F.col("hour") < part["until"]
    return after & ahead if part["from"] < part["until"] else after | ahead


def _columns(w: int, dayparts: list[dict[str, Any]]) -> list[Column]:
    spend, discount, visits = F.col(f"spend_{w}"), F.col(f"discount_{w}"), F.col(f"visits_{w}")
    return [
        (spend / UNITS).alias(f"spend_{w}d"),
        visits.alias(f"visits_{w}d"),
        F.col(f"items_{w}").alias(f"items_{w}d"),
        _ratio(spend / UNITS, visits).alias(f"ticket_{w}d"),
        _ratio(discount, spend + discount).alias(f"discount_share_{w}d"),
        F.coalesce(f"categories_{w}", F.lit(0).cast("bigint")).alias(f"categories_{w}d"),
        F.col(f"places_{w}").alias(f"places_{w}d"),
        _ratio(F.col(f"top_place_{w}"), visits).alias(f"top_place_share_{w}d"),
        *[_ratio(F.col(f"{part['name']}_{w}_part"), visits).alias(f"{part['name']}_{w}d") for part in dayparts],
    ]


def _day(as_of: str) -> Column:
    return F.lit(as_of).cast("date")


def _inside(day: str, as_of: str, w: int) -> Column:
    """Whether a day lies in the `w` days that end the day before `as_of`."""
    return (F.col(day) >= F.date_sub(_day(as_of), w)) & (F.col(day) < _day(as_of))


def _sum_if(condition: Column, value: Column) -> Column:
    return F.sum(F.when(condition, value).otherwise(F.lit(0)).cast("bigint"))


def _units(name: str) -> Column:
    return F.round(F.col(name) * UNITS).cast("bigint")


def _ratio(part: Column, whole: Column) -> Column:
    return F.when(whole != 0, part / whole)
