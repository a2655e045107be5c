"""What was weighed for each entity, as rows: every offer with what became of it and why, and what was known of it.

`explain entity/ID` reads these rows, so that it tells what happened and not what would happen now. A row without an
entity is about everyone, one without a coupon about all offers of the campaign that no other row is about: over the
rows of an entity and those of everyone, `offers` adds up to all offers there are.
"""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkjobs.offers import (
    CAMPAIGN_PREDICATES,
    ENTITLEMENT_PREDICATES,
    OFFER_PREDICATES,
    PAIR_PREDICATES,
    Predicate,
    Terms,
    holds,
)
from sparkjobs.rules import GROUPS, best_first

# What the decision is called when a predicate does not hold.
REFUSALS = {
    "active": "not-active",
    "offerable": "never-offered",
    "not-storewide": "storewide",
    "sold-lately": "not-sold-lately",
    "known-category": "no-known-category",
    "targeted-or-open": "not-targeted",
    "type-of-segment": "type-not-for-segment",
    "offerable-to-segment": "never-offered-to-segment",
}
COLUMNS = (
    "entity string, campaign string, coupon string, offers int, decision string, place int, rank int, score double, "
    "group string, slot string, category string, liked int, visits int, last date, start date, end date, "
    "instead string, reason string"
)
MOST_CATEGORIES = 10


def refused(
    campaigns: DataFrame, items: DataFrame, offers: DataFrame, memberships: DataFrame, entitled: DataFrame, terms: Terms
) -> DataFrame:
    """Rows of all that was refused before any score: for everyone, for an entity by campaign, for an entity by offer.

    `campaigns`: all there are; `items` as `offer_items` makes them; `offers`: those of active campaigns, before the
    predicates; `memberships` and `entitled` as `offers` makes them.
    """
    per_campaign = items.groupBy("campaign").agg(F.countDistinct("coupon").cast("int").alias("offers"))
    over = campaigns.withColumn("decision", _failing(CAMPAIGN_PREDICATES, terms)).filter("decision <> ''")
    closed = over.join(per_campaign, on="campaign", how="inner").select(
        "campaign", "offers", "decision", "start", "end"
    )
    judged = offers.withColumn("decision", _failing(OFFER_PREDICATES, terms)).withColumn("offers", F.lit(1))
    for_all = judged.filter("decision <> ''").select("campaign", "coupon", "offers", "decision", "start", "end")
    left = judged.filter("decision = ''").drop("offers", "decision")
    open_offers = left.groupBy("campaign", "start", "end").agg(F.count("*").cast("int").alias("offers"))
    outside = memberships.withColumn("decision", _failing(ENTITLEMENT_PREDICATES, terms)).filter("decision <> ''")
    by_campaign = outside.select("entity", "campaign", "decision").join(F.broadcast(open_offers), on="campaign")
    pairs = entitled.join(F.broadcast(left.withColumn("offers", F.lit(1))), on="campaign", how="inner")
    unwanted = pairs.withColumn("decision", _failing(PAIR_PREDICATES, terms)).filter("decision <> ''")
    by_offer = unwanted.select("entity", "campaign", "coupon", "offers", "decision", "start", "end")
    return _together(closed, for_all, by_campaign, by_offer)


def considered(candidates: DataFrame, chosen: DataFrame, before: DataFrame) -> DataFrame:
    """COLUMNS: the rows of `before` and, of each candidate, its place by score and what the rules made of it.

    `candidates` as they were scored, with group; `chosen` of `fill_quotas`, with reason. `place` is among all that the
    entity may get, 1 the best; `instead` the campaign in which the same coupon was preferred.
    """
    keys = ["entity", "campaign", "coupon"]
    of_coupon = Window.partitionBy("entity", "coupon").orderBy(*best_first())
    placed = candidates.withColumns(
        {
            "place": F.row_number().over(Window.partitionBy("entity").orderBy(*best_first())),
            "preferred": F.first("campaign").over(of_coupon),
            "liked": _place(F.col("liking")),
            "offers": F.lit(1),
        }
    )
    joined = placed.join(chosen.select(*keys, "rank", "slot", "reason"), on=keys, how="left")
    is_kept, elsewhere = F.col("rank").isNotNull(), F.col("preferred") != F.col("campaign")
    decision = (
        F.when(is_kept & (F.col("slot") == F.col("group")), F.lit("kept"))
        .when(is_kept, F.lit("kept-as-fallback"))
        .when(elsewhere, F.lit("other-campaign"))
        .otherwise(F.lit("quota-full"))
    )
    decided = joined.withColumns({"decision": decision, "instead": F.when(elsewhere, F.col("preferred"))})
    return _together(decided, before)


def known(
    histories: DataFrame, likings: DataFrame, segments: DataFrame, rules: DataFrame, as_of: date, scorer: str
) -> DataFrame:
    """One row per entity: what was known of it and by what it was judged.

    entity, segment, rule (such as "s1: 5 frequent, 1 lapsed, 2 fresh"), as_of, scorer, context (always "unknown": when
    and where the next visit will be, nobody knows), visits, last_visit; and of the most frequent categories, aligned:
    categories, category_visits, category_last (days as text), category_liked (place that the scorer gives it among all
    categories; null where no offer has it, as only those were scored).
    """
    entities = _entities(histories, segments, rules, as_of, scorer)
    return entities.join(_frequent(histories, likings), on="entity", how="left")


def _entities(histories: DataFrame, segments: DataFrame, rules: DataFrame, as_of: date, scorer: str) -> DataFrame:
    quotas = F.concat_ws(", ", *(F.when(F.col(group) > 0, F.format_string(f"%d {group}", group)) for group in GROUPS))
    named = rules.select("segment", F.concat("rule_name", F.lit(": "), quotas).alias("rule"))
    return (
        segments.join(F.broadcast(named), on="segment", how="left")
        .join(histories.select("entity", "days"), on="entity", how="left")
        .select(
            "entity",
            "segment",
            "rule",
            F.lit(as_of).alias("as_of"),
            F.lit(scorer).alias("scorer"),
            F.lit("unknown").alias("context"),
            F.coalesce(F.size("days"), F.lit(0)).alias("visits"),
            F.date_from_unix_date(F.array_max("days")).alias("last_visit"),
        )
    )


def _frequent(histories: DataFrame, likings: DataFrame) -> DataFrame:
    visits = histories.select("entity", F.inline(F.arrays_zip("days", "categories")))
    counted = (
        visits.select("entity", "days", F.explode("categories").alias("category"))
        .groupBy("entity", "category")
        .agg(F.count("*").cast("int").alias("visits"), F.max("days").alias("last"))
    )
    order = Window.partitionBy("entity").orderBy(F.desc("visits"), F.desc("last"), "category")
    most = counted.withColumn("at", F.row_number().over(order)).filter(F.col("at") <= MOST_CATEGORIES)
    placed = most.join(likings, on=["entity", "category"], how="left").withColumns(
        {"liked": _place(F.col("liking")), "day": F.date_from_unix_date("last").cast("string")}
    )
    rows = placed.groupBy("entity").agg(
        F.array_sort(F.collect_list(F.struct("at", "category", "visits", "day", "liked"))).alias("row")
    )
    return rows.select(
        "entity",
        F.col("row.category").alias("categories"),
        F.col("row.visits").alias("category_visits"),
        F.col("row.day").alias("category_last"),
        F.col("row.liked").alias("category_liked"),
    )


def _place(liking: Column) -> Column:
    """The place that `offer_scores.liking` was made of; null for a category that the scorer does not know."""
    return F.when(liking > 0, F.round(1 / (liking * liking))).cast("int")


def _failing(predicates: Mapping[str, Predicate], terms: Terms) -> Column:
    """Words for the predicates that do not hold, in their order; empty when `holds` would keep the row."""
    return F.concat_ws(
        ", ",
        *(
            F.when(~F.coalesce(holds({name: one}, terms), F.lit(False)), F.lit(REFUSALS[name]))
            for name, one in predicates.items()
        ),
    )


def _together(*parts: DataFrame) -> DataFrame:
    wanted = [column.split() for column in COLUMNS.split(", ")]
    shaped = [
        part.select(
            [(F.col(name) if name in part.columns else F.lit(None)).cast(type_).alias(name) for name, type_ in wanted]
        )
        for part in parts
    ]
    whole = shaped[0]
    for part in shaped[1:]:
        whole = whole.unionByName(part)
    return whole
