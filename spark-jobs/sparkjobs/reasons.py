"""Why an entity gets an offer, as a sentence for people, made of recorded facts only."""

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F


def reason(as_of: date) -> Column:
    """Sentence over the columns of chosen offers: category, visits, last, listed_visits, listed_items, items, basis,
    campaign, end, group, slot, rule.
    """
    return F.concat(_history(as_of), _content(), F.lit("; "), _basis(), F.lit("; "), _slot())


def _history(as_of: date) -> Column:
    times = F.when(F.col("visits") == 1, F.lit("1 visit")).otherwise(F.format_string("%d visits", "visits"))
    listed = F.coalesce(F.col("listed_visits"), F.lit(0))
    with_item = F.when(listed > 0, F.format_string(", %d with an item of the coupon", listed)).otherwise(F.lit(""))
    bought = F.concat(F.lit("Bought "), "category", F.lit(" on "), times, F.lit(", last on "), F.col("last"), with_item)
    never = F.concat(F.lit("Has not bought "), "category", F.lit(f" before {as_of.isoformat()}"))
    return F.when(F.col("last").isNotNull(), bought).otherwise(never)


def _content() -> Column:
    some = F.format_string("; %d of %d items are of this category", "listed_items", "items")
    return F.when(F.col("listed_items") < F.col("items"), some).otherwise(F.lit(""))


def _basis() -> Column:
    until = F.concat(F.lit(" until "), F.col("end"))
    targeted = F.concat(F.lit("targeted by campaign "), "campaign", until)
    open_ = F.concat(F.lit("in no campaign, campaign "), "campaign", F.lit(" is open to these"), until)
    everyone = F.concat(F.lit("campaign "), "campaign", F.lit(" is for everyone"), until)
    basis = F.col("basis")
    return F.when(basis == "targeted", targeted).when(basis == "open", open_).when(basis == "everyone", everyone)


def _slot() -> Column:
    fallback = F.concat(F.lit(" (fallback: fills the place of a missing "), "slot", F.lit(" offer)"))
    return F.concat("rule", F.when(F.col("group") != F.col("slot"), fallback).otherwise(F.lit("")))
