"""Raw purchases to clean lines: ids as text, instants, and the local day and hour in which the business counts."""

import difflib
from typing import Any
from zoneinfo import ZoneInfo

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkjobs.failure import InputError, refuse

# Roles without which a line says nothing, in the order in which they are blamed for dropping it.
REQUIRED = ["entity", "visit", "time", "item"]
COLUMNS = [
    "entity",
    "visit",
    "time",
    "local_time",
    "hour",
    "item",
    "category",
    "amount",
    "quantity",
    "discount",
    "place",
    "date",
]


def check_settings(settings: dict[str, Any], columns: list[str]) -> None:
    """Raises InputError for a zone nobody knows and for a column that the raw lines (`columns`) lack."""
    for name, zone in settings["zones"].items():
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            remedy = "Use a name of the IANA time zone database, such as Europe/Berlin"
            raise InputError(f"Cannot use zones.{name}: {zone} is not a time zone", remedy) from error
    roles = dict(settings["columns"])
    wanted = {f"columns.discounts[{i}]": name for i, name in enumerate(roles.pop("discounts", []))}
    wanted |= {f"columns.{role}": name for role, name in roles.items() if name is not None}
    check_columns_exist(wanted, columns, "lines")


def check_columns_exist(wanted: dict[str, str], columns: list[str], role: str) -> None:
    """Raises InputError when a setting (path → column) names a column that input `role` lacks."""
    for path, name in wanted.items():
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise InputError(
                f"Cannot use {path}: input {role} has no column {name}, it has {', '.join(sorted(columns))}",
                f"{hint}Correct {path}",
            )


def normalised(raw: DataFrame, settings: dict[str, Any]) -> DataFrame:
    """The raw lines with columns by role: entity, visit, time (UTC instant), item, place as text, numbers as double."""
    columns = settings["columns"]
    comma = settings.get("decimalComma", False)
    types = dict(raw.dtypes)

    def number(name: str | None) -> Column:
        return F.lit(None).cast("double") if name is None else as_number(name, types[name], comma)

    discounts = [F.coalesce(number(name), F.lit(0.0)) for name in columns.get("discounts", [])]
    total = F.lit(0.0)
    for discount in discounts:
        total = total + discount
    time = columns["time"]
    return raw.select(
        as_id(columns["entity"]).alias("entity"),
        as_id(columns["visit"]).alias("visit"),
        as_instant(time, types[time], settings["zones"]["source"], settings.get("timestampFormat")).alias("time"),
        as_id(columns["item"]).alias("item"),
        number(columns["amount"]).alias("amount"),
        number(columns.get("quantity")).alias("quantity"),
        total.alias("discount"),
        (as_id(columns["place"]) if columns.get("place") else F.lit(None).cast("string")).alias("place"),
    )


def as_id(name: str) -> Column:
    """An id as text; blank is null."""
    return F.nullif(F.trim(F.col(f"`{name}`").cast("string")), F.lit(""))


def as_number(name: str, type_: str, comma: bool) -> Column:
    """A number as double, NaN as null. Text may be written 1.234,50 when `comma`; text that is no number is refused."""
    value = F.col(f"`{name}`")
    if type_ != "string":
        return F.nanvl(value.cast("double"), F.lit(None).cast("double"))
    text = F.nullif(F.trim(value), F.lit(""))
    plain = F.replace(F.replace(text, F.lit("."), F.lit("")), F.lit(","), F.lit(".")) if comma else text
    message = F.concat(F.lit(f"Cannot read column {name} of the lines: '"), text, F.lit("' is not a number"))
    remedy = "Correct the value, or decimalComma of the job"
    return _or_refuse(text, plain.try_cast("double"), message, remedy)


def as_instant(name: str, type_: str, source: str, pattern: str | None) -> Column:
    """When a line was bought, as an instant.

    A timestamp with zone is one already. Anything else is a wall clock in zone `source`: a time that daylight saving
    skips counts as that much later, one that it repeats as the first. Text follows `pattern`, ISO 8601 without one.
    """
    value = F.col(f"`{name}`")
    if type_ == "timestamp":
        return value
    wall = value.cast("timestamp")
    if type_ == "string":
        text = F.nullif(F.trim(value), F.lit(""))
        parsed = F.try_to_timestamp(text, F.lit(pattern)) if pattern else text.try_cast("timestamp")
        shape = pattern or "a time such as 2024-01-31 18:05:00"
        message = F.concat(F.lit(f"Cannot read column {name} of the lines: '"), text, F.lit(f"' is not {shape}"))
        wall = _or_refuse(text, parsed, message, "Correct the value, or timestampFormat of the job")
    return wall if source == "UTC" else F.to_utc_timestamp(wall, source)


def _or_refuse(text: Column, parsed: Column, message: Column, remedy: str) -> Column:
    return F.when(text.isNull() | parsed.isNotNull(), parsed).otherwise(refuse(message, remedy))


def sampled(lines: DataFrame, sample: dict[str, Any] | None) -> DataFrame:
    """The lines of a share of the entities, chosen by a hash of the id: the same ones in every run and every job."""
    if sample is None:
        return lines
    bucket = F.pmod(F.xxhash64("entity", F.lit(sample["seed"])), F.lit(1_000_000))
    return lines.filter(bucket < F.lit(round(sample["fraction"] * 1_000_000)))


def categories(items: DataFrame, key: str, category: str) -> DataFrame:
    """item, category: one row per item. Of one listed twice the first category by name counts, so no line doubles."""
    named = items.select(as_id(key).alias("item"), as_id(category).alias("category")).filter("item IS NOT NULL")
    return named.groupBy("item").agg(F.min("category").alias("category"))


def dated(lines: DataFrame, zone: str) -> DataFrame:
    """Adds local_time, hour and date in the business zone, daylight saving included."""
    local = F.from_utc_timestamp("time", zone).cast("timestamp_ntz")
    return lines.withColumns({"local_time": local, "hour": F.hour(local), "date": F.to_date(local)})


def clean_lines(normal: DataFrame, of_items: DataFrame | None, zone: str) -> DataFrame:
    """Complete lines with category and local date; columns as in COLUMNS."""
    whole = normal.dropna(subset=REQUIRED)
    with_category = (
        whole.withColumn("category", F.lit(None).cast("string"))
        if of_items is None
        else whole.join(of_items, on="item", how="left")
    )
    return dated(with_category, zone).select(*COLUMNS)


def drop_counts() -> list[Column]:
    """Aggregates rows_in and, per reason, lines that lack a required role (the first one missing is the reason)."""
    counts = [F.count("*").alias("rows_in")]
    complete = F.lit(True)
    for role in REQUIRED:
        missing = F.col(role).isNull()
        counts.append(F.count_if(complete & missing).alias(f"dropped_no_{role}"))
        complete = complete & ~missing
    return counts
