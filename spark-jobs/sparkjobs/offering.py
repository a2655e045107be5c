"""From scored history to the offers of each entity: the whole way, with what is said about it."""

import time

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkjobs.considered import considered, known, refused
from sparkjobs.failure import InputError
from sparkjobs.job import Job
from sparkjobs.lines import as_id, categories
from sparkjobs.offer_report import report_groups, report_offers, report_pool, report_rules, report_terms
from sparkjobs.offer_scores import (
    Inference,
    contents,
    histories_of,
    listed_purchases,
    purchases,
    score_offers,
)
from sparkjobs.offers import (
    CAMPAIGN_PREDICATES,
    OFFER_PREDICATES,
    Terms,
    campaigns_of,
    eligible_pairs,
    entitlements,
    holds,
    memberships,
    offer_items,
    offer_table,
    require_types,
)
from sparkjobs.reasons import reason
from sparkjobs.rules import fill_quotas, group_of, once_per_coupon, orphans, refuse_fallbacks, rule_table
from sparkjobs.visits import histories, visits

HISTORY_COLUMNS = ["entity", "visit", "time", "hour", "place", "item", "category", "date"]


def make_offers(job: Job) -> None:
    """Read the inputs of an InferenceJob, write its outputs, record metrics, tables and notes."""
    require_types(job.settings)
    terms = Terms.of(job.settings)
    started = time.monotonic()
    job.stage("reading segments and history")
    day = terms.as_of.isoformat()
    # Files of later days are not even opened.
    lines = job.input("lines", keep=lambda partition: partition.get("date", "") < day)
    history = lines.filter(F.col("date") < terms.day).select(*HISTORY_COLUMNS).persist()
    segments = job.input("segments").select("entity", "segment").persist()
    names = sorted(row.segment for row in segments.select("segment").distinct().collect())
    if not names:
        raise InputError("Cannot make offers: no entity has a segment", "Check the output of the segmentation")
    report_rules(job, orphans(job.settings["rules"], names))
    rules = rule_table(job.spark, job.settings["rules"], names)

    job.stage("finding eligible offers")
    items = _items(job, history).persist()
    offers, pairs, refusals = _pairs(job, terms, segments.join(F.broadcast(rules), on="segment"), items, history)
    content = at_hand(contents(items, offers))
    whole = histories_of(segments, histories(visits(history), terms.as_of))
    whole = whole.persist() if _writes(job, "histories") else whole
    likings, scorer = _likings(job, terms, content, whole)
    # All that follows goes entity by entity: one exchange here spares the windows theirs.
    candidates = _candidates(job, terms, pairs, content, likings, items, history).repartition("entity").persist()
    job.stage("filling quotas")
    chosen = fill_quotas(once_per_coupon(candidates), rules)
    chosen = chosen.withColumn("reason", reason(terms.as_of)).persist()
    entities = segments.count()
    candidates_in_words = report_groups(job, candidates, rules)
    shares = {row.segment: row.share for row in report_offers(job, chosen, entities)}
    _gate(job, shares, candidates_in_words)
    job.stage("writing offers")
    job.write("offers", chosen)
    if _writes(job, "considered"):
        job.stage("writing what was considered")
        job.write("considered", considered(candidates, chosen, refusals))
    if _writes(job, "histories"):
        job.stage("writing what was known")
        job.write("histories", known(whole, likings, segments, rules, terms.as_of, scorer))
    job.metric("rows_per_s", entities / (time.monotonic() - started))


def _writes(job: Job, role: str) -> bool:
    return role in job.document["outputs"]


def at_hand(small: DataFrame) -> DataFrame:
    """The same rows without their history: fit for a few thousand rows that every later plan would drag along."""
    return small.sparkSession.createDataFrame(small.collect(), small.schema)


def _gate(job: Job, shares: dict[str, float], candidates: dict[str, str]) -> None:
    """Refuse too many fallbacks; on a sample only say so, as its segments are not those the rules were written for."""
    try:
        refuse_fallbacks(shares, job.settings["rules"]["maxFallbackShare"], candidates)
    except InputError as error:
        if job.sample is None:
            raise
        job.note(f"On all entities this would fail: {error.message}")


def _items(job: Job, history: DataFrame) -> DataFrame:
    """The items of every coupon with their categories, from the item table or else from what was bought."""
    tables = job.settings["tables"]
    if job.has("items"):
        if "items" not in tables:
            raise InputError("Cannot read the item table: tables.items is missing", "Name its key and category there")
        of_items = categories(job.input("items"), tables["items"]["key"], tables["items"]["category"])
    else:
        of_items = categories(history, "item", "category")
    return offer_items(job.input("coupons"), tables["coupons"], of_items)


def _pairs(
    job: Job, terms: Terms, entities: DataFrame, items: DataFrame, history: DataFrame
) -> tuple[DataFrame, DataFrame, DataFrame]:
    """The offers that anyone may get, who may get which, and what was refused to whom."""
    tables = job.settings["tables"]
    campaigns = campaigns_of(job.input("campaigns"), tables["campaigns"], job.settings.get("dateFormat"))
    active = at_hand(campaigns.filter(holds(CAMPAIGN_PREDICATES, terms)))
    offers = at_hand(offer_table(items, active, history))
    report_terms(job, offers, terms)
    members = memberships(entities, active, _targets(job))
    entitled = entitlements(members, terms).persist()
    report_pool(job, entitled)
    eligible = offers.filter(holds(OFFER_PREDICATES, terms))
    count = eligible.count()
    job.metric("eligible_offers", count)
    if count == 0:
        raise InputError(
            f"Cannot make offers as of {terms.as_of}: of {job.metrics['active_offers']:.0f} offers active on that day "
            "none may be given to anyone",
            "Choose an asOf with campaigns, or check neverOffer, maxItems and availability",
        )
    return (
        eligible,
        eligible_pairs(entitled, eligible, terms),
        refused(campaigns, items, offers, members, entitled, terms),
    )


def _targets(job: Job) -> DataFrame | None:
    """campaign, entity as text; None when the job has no table of targets."""
    if not job.has("targets"):
        return None
    columns = job.settings["tables"].get("targets")
    if columns is None:
        raise InputError("Cannot read the targets: tables.targets is missing", "Name its campaign and entity there")
    raw = job.input("targets")
    return raw.select(*(as_id(columns[role]).alias(role) for role in ("campaign", "entity")))


def _likings(job: Job, terms: Terms, content: DataFrame, whole: DataFrame) -> tuple[DataFrame, str]:
    """What the scorer says of the categories of the offers, for every entity with a segment; and its name."""
    wanted = sorted(row.category for row in content.select("category").distinct().collect())
    inference = Inference(job.spark, job.input_folder("scorer"), terms.as_of)
    job.note(f"Scored by {inference.scorer.name}")
    unknown = sorted(set(wanted) - set(inference.scorer.categories))
    job.metric("categories_unknown_to_scorer", len(unknown))
    if unknown:
        job.note(f"Categories that the scorer does not know stand after all others: {', '.join(unknown[:10])}")
    job.stage("scoring")
    started = time.monotonic()
    likings = inference.likings(whole, wanted, job.settings["batchRows"]).persist()
    entities = likings.count() // max(1, len(wanted))
    job.metric("inference_rows_per_s", entities / (time.monotonic() - started))
    job.metric("model_rows_per_s", inference.rows_per_s)
    return likings, inference.scorer.name


def _candidates(
    job: Job,
    terms: Terms,
    pairs: DataFrame,
    content: DataFrame,
    likings: DataFrame,
    items: DataFrame,
    history: DataFrame,
) -> DataFrame:
    bought = purchases(history, content).persist()
    listed = listed_purchases(history, items, content).persist()
    scored = score_offers(pairs, content, likings, bought, listed)
    return scored.withColumn("group", group_of(F.col("last"), terms.day, job.settings["rules"]["recentDays"]))
