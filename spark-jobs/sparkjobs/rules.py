"""Which offers a segment gets: the marketers' rules (OfferRules) applied to scored candidates."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from sparkjobs.failure import InputError

# In the order in which a missing offer is replaced.
GROUPS = ("frequent", "lapsed", "fresh")
DEFAULT = "default"

RULE_SCHEMA = (
    "segment string, rule_name string, never string, campaign_types array<string>, frequent int, lapsed int, fresh int"
)


def matches_any(category: Column, globs: Iterable[str]) -> Column:
    """Whether a category matches one of the globs: case-blind, `*` stands for any text, all else for itself."""
    return F.coalesce(category.rlike(glob_pattern(globs)), F.lit(False))


def glob_pattern(globs: Iterable[str]) -> str:
    """Java regular expression of what `matches_any` accepts; no globs give one that matches nothing."""
    whole = ["".join(".*" if char == "*" else _literal(char) for char in glob) for glob in globs]
    return rf"(?isu)\A(?:{'|'.join(whole)})\z" if whole else r"\b\B"


def _literal(char: str) -> str:
    return char if char.isalnum() or char in " _" else re.escape(char)


def rule_rows(rules: dict[str, Any], segments: Iterable[str]) -> list[tuple[Any, ...]]:
    """One row of RULE_SCHEMA per segment that exists, its own rule or the default one.

    Raises InputError when a segment has two rules, since the later one would win in silence.
    """
    own: dict[str, dict[str, Any]] = {}
    for rule in rules["segments"]:
        if rule["segment"] in own:
            raise InputError(
                f"Cannot choose a rule for segment {rule['segment']}: the offer rules have two of them",
                "Keep one rule for each segment",
            )
        own[rule["segment"]] = rule
    rows = []
    for segment in sorted(segments):
        rule = own.get(segment, rules["default"])
        quotas = [rule["quotas"][group] for group in GROUPS]
        never = glob_pattern(rule.get("neverOffer", []))
        rows.append((segment, segment if segment in own else DEFAULT, never, rule.get("campaignTypes", []), *quotas))
    return rows


def rule_table(spark: SparkSession, rules: dict[str, Any], segments: Iterable[str]) -> DataFrame:
    """`rule_rows` as a DataFrame: small, to be broadcast."""
    return spark.createDataFrame(rule_rows(rules, segments), RULE_SCHEMA)


def orphans(rules: dict[str, Any], segments: Iterable[str]) -> list[str]:
    """Segments that have a rule but do not exist, sorted: their rules do nothing."""
    return sorted({rule["segment"] for rule in rules["segments"]} - set(segments))


def group_of(last_bought: Column, as_of: Column, recent_days: int) -> Column:
    """frequent: bought in the `recent_days` days that end the day before `as_of`; lapsed: earlier; fresh: never."""
    return (
        F.when(last_bought.isNull(), F.lit("fresh"))
        .when(last_bought >= F.date_sub(as_of, recent_days), F.lit("frequent"))
        .otherwise(F.lit("lapsed"))
    )


def best_first() -> list[Column]:
    """The one order of an entity's candidates: equal scores go by what ends first, then by ids, never by chance."""
    return [F.col("score").desc(), F.col("end").asc(), F.col("campaign").asc(), F.col("coupon").asc()]


def once_per_coupon(candidates: DataFrame) -> DataFrame:
    """Keep one candidate per entity and coupon, the best: coupons live in several campaigns at once."""
    place = F.row_number().over(Window.partitionBy("entity", "coupon").orderBy(*best_first()))
    return candidates.withColumn("place", place).filter("place = 1").drop("place")


def fill_quotas(candidates: DataFrame, rules: DataFrame) -> DataFrame:
    """Choose the offers of each entity: the best of each group up to its quota, then replacements.

    `candidates`: entity, segment, campaign, coupon, score, end, group and whatever else; `rules`: RULE_SCHEMA.
    Adds `slot` (the group whose quota the offer fills; another than `group` when it is a fallback), `rule` (such as
    `s1: 5 frequent`) and `rank` (1 is the best). What a group lacks is filled with the best candidates left over from
    all groups, the quotas of frequent, lapsed and fresh in this order; without candidates left there are fewer offers.
    """
    names = [name for name in candidates.columns if name != "segment"]
    quoted = candidates.join(F.broadcast(rules), on="segment", how="inner")
    quota = _by_group(F.col("group"), {group: F.col(group) for group in GROUPS})
    in_group = Window.partitionBy("entity", "group").orderBy(*best_first())
    per_entity = Window.partitionBy("entity")
    placed = quoted.withColumn("direct", F.row_number().over(in_group) <= quota)
    for group in GROUPS:
        chosen = F.sum((F.col("direct") & (F.col("group") == group)).cast("int")).over(per_entity)
        placed = placed.withColumn(f"lack_{group}", F.col(group) - chosen)
    leftover = F.row_number().over(Window.partitionBy("entity", "direct").orderBy(*best_first()))
    chosen = placed.withColumn("slot", F.when(F.col("direct"), F.col("group")).otherwise(_replaced(leftover)))
    kept = chosen.filter(F.col("slot").isNotNull())
    of_slot = _by_group(F.col("slot"), {group: F.col(group) for group in GROUPS})
    rank = F.row_number().over(per_entity.orderBy(*best_first()))
    rule = F.format_string("%s: %d %s", "rule_name", of_slot, "slot")
    return kept.select("segment", *names, "slot", rule.alias("rule"), rank.alias("rank"))


def _by_group(group: Column, values: dict[str, Column]) -> Column:
    first, *others = GROUPS
    chosen = F.when(group == first, values[first])
    for name in others:
        chosen = chosen.when(group == name, values[name])
    return chosen


def _replaced(place: Column) -> Column:
    """Group whose open quota the candidate at `place` among the left-over ones fills; null when all are filled."""
    until = F.lit(0)
    chosen = None
    for group in GROUPS:
        until = until + F.col(f"lack_{group}")
        chosen = F.when(place <= until, F.lit(group)) if chosen is None else chosen.when(place <= until, F.lit(group))
    return chosen


def fallback_shares(offers: DataFrame) -> DataFrame:
    """Per segment: segment, entities, offers, fallbacks, share of the offers that are fallbacks."""
    is_fallback = (F.col("group") != F.col("slot")).cast("int")
    counted = offers.groupBy("segment").agg(
        F.countDistinct("entity").alias("entities"),
        F.count("*").alias("offers"),
        F.sum(is_fallback).alias("fallbacks"),
    )
    return counted.withColumn("share", F.col("fallbacks") / F.col("offers")).orderBy("segment")


def refuse_fallbacks(shares: Mapping[str, float], most: float, candidates: Mapping[str, str]) -> None:
    """Raise InputError when a segment's share of fallbacks exceeds `most` (rules.maxFallbackShare).

    `candidates` says for each segment, in words, what its entities could choose from: what quotas to tune to.
    """
    beyond = [
        f"{segment} ({share:.1%}; candidates per entity: {candidates[segment]})"
        for segment, share in shares.items()
        if share > most
    ]
    if beyond:
        raise InputError(
            f"Cannot publish offers: more than {most:.0%} fill another group's quota in segment {'; '.join(beyond)}",
            "Lower in the offer rules the quotas of the groups that lack candidates, open more campaigns to these "
            "segments, or raise maxFallbackShare",
        )
