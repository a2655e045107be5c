"""Figures about made offers, for people and for the gate on fallbacks."""

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from sparkjobs.job import Job
from sparkjobs.offers import OFFER_PREDICATES, Terms
from sparkjobs.rules import GROUPS, fallback_shares


def report_rules(job: Job, orphans: list[str]) -> None:
    """Say which rules are for segments that do not exist; they do nothing, so a person should know."""
    job.metric("rules_without_segment", len(orphans))
    if orphans:
        job.note(f"Rules for segments that do not exist have no effect: {', '.join(orphans)}")


def report_terms(job: Job, offers: DataFrame, terms: Terms) -> None:
    """How many offers are active and how many of them each predicate excludes (one offer may fail several)."""
    failing: list[Column] = [F.count_if(~predicate(terms)).alias(name) for name, predicate in OFFER_PREDICATES.items()]
    counted = offers.agg(F.count("*").alias("active"), *failing).first()
    job.metric("active_offers", counted["active"])
    job.table("Active offers left out", ["because not", "offers"], [[name, counted[name]] for name in OFFER_PREDICATES])


def report_pool(job: Job, entitled: DataFrame) -> None:
    """How many entities live from the open pool."""
    job.metric("open_pool", entitled.filter("basis = 'open'").select("entity").distinct().count())


def report_groups(job: Job, candidates: DataFrame, rules: DataFrame) -> dict[str, str]:
    """Candidates per segment and group, and how many entities have fewer than the quota; in words by segment."""
    per_entity = candidates.groupBy("segment", "entity").agg(
        *(F.count_if(F.col("group") == group).alias(f"of_{group}") for group in GROUPS)
    )
    columns = []
    for group in GROUPS:
        columns += [F.avg(f"of_{group}"), F.avg((F.col(f"of_{group}") < F.col(group)).cast("int"))]
    joined = per_entity.join(F.broadcast(rules), on="segment", how="inner")
    rows = joined.groupBy("segment").agg(*columns).orderBy("segment").collect()
    titles = [title for group in GROUPS for title in (group, f"too few {group}")]
    job.table(
        "Candidates per entity, and share of entities with too few for the quota",
        ["segment", *titles],
        [[row[0], *(round(value, 3) for value in row[1:])] for row in rows],
    )
    return {
        row[0]: ", ".join(
            f"{row[1 + 2 * i]:.1f} {group} ({row[2 + 2 * i]:.0%} have too few)" for i, group in enumerate(GROUPS)
        )
        for row in rows
    }


def report_offers(job: Job, chosen: DataFrame, entities: int) -> list[Row]:
    """Offers, who has none, and the share of fallbacks; returns the rows of `fallback_shares`."""
    rows = fallback_shares(chosen).collect()
    offers, fallbacks = sum(row.offers for row in rows), sum(row.fallbacks for row in rows)
    served = sum(row.entities for row in rows)
    job.metric("offers", offers)
    job.metric("entities", entities)
    job.metric("entities_without_offers", entities - served)
    job.metric("fallback_share", fallbacks / offers if offers else 0.0)
    job.table(
        "Offers by segment",
        ["segment", "entities", "offers", "fallbacks", "fallback share"],
        [[row.segment, row.entities, row.offers, row.fallbacks, round(row.share, 4)] for row in rows],
    )
    if served < entities:
        job.note(f"{entities - served} of {entities} entities got no offer: nothing they may get is active")
    return rows
