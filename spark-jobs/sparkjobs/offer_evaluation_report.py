"""Figures about the ranking of offers, for people."""

import pandas as pd

from sparkjobs.job import Job
from sparkjobs.offer_evaluation import ALL, EXPOSED, LOGGED, PRODUCT, RIVAL, SELECTION, SLICES, OfferTrial
from sparkjobs.offer_rankers import CHOSEN, TUNABLE
from sparkjobs.offer_records import Round


def report_tuning(job: Job, picked: list[tuple[str, str, float]]) -> None:
    """What earlier campaigns would pick, beside what the code holds."""
    rows = [[name, label, round(value, 4), "chosen" if label == CHOSEN[name] else ""] for name, label, value in picked]
    job.table("Parameters on earlier campaigns", ["ranker", "parameters", "mean recall", "here"], rows)
    for name in TUNABLE:
        best = max((row for row in picked if row[0] == name), key=lambda row: row[2])[1]
        if best != CHOSEN[name]:
            job.note(f"On these campaigns {name} would do best with {best}; the code holds {CHOSEN[name]}")


def report_round(job: Job, round_: Round) -> None:
    """What is ranked, and what of it can only be ranked in part."""
    offers, content = round_.offers, round_.content
    with_category = content.dropna(subset="category")
    known = set(round_.known.histories["categories"].explode().explode())
    seen = with_category[with_category["category"].isin(known)]
    new = offers[offers["new"]]
    for name, value in {
        "offers": len(offers),
        "coupons": offers["coupon"].nunique(),
        "coupons_new": new["coupon"].nunique(),
        "redemptions": int(round_.redeemed.sum()),
        "redemptions_new": int(round_.redeemed[:, offers["new"].to_numpy()].sum()),
        "offers_without_category": len(offers) - with_category["offer"].nunique(),
        "offers_of_unseen_categories_only": with_category["offer"].nunique() - seen["offer"].nunique(),
        "targets": int(round_.entitled.any(axis=1).sum()),
    }.items():
        job.metric(name, value)


def report(job: Job, trial: OfferTrial, rows: pd.DataFrame) -> None:
    """Tables for people, metrics of the product's score, and what no figure here can say."""
    value = rows.set_index(["ranker", "metric", "campaigns", "offers"])
    for group in (ALL, EXPOSED):
        for k in trial.tops:
            told = []
            for name in trial.rankers:
                found = value.loc[(name, f"recall@{k}", group)]
                if not found.loc["all", "rankings"]:
                    continue
                cells = [round(found.loc[slice_, "value"], 4) for slice_ in SLICES]
                told.append([name, *cells, f"{found.loc['all', 'lower']:.4f} to {found.loc['all', 'upper']:.4f}"])
            if told:
                where = "" if group == ALL else f", campaigns of type {', '.join(trial.exposed_types)}"
                title = f"Recall@{k} of redeemed offers{where}"
                job.table(title, ["ranker", "all offers", "new offers", "known offers", "all, interval"], told)
    told = []
    for campaign in dict.fromkeys(trial.campaigns):
        found = value.loc[(slice(None), f"recall@{trial.tops[0]}", campaign, "all"), :]
        told.append([campaign, int(found["rankings"].iloc[0]), *(round(cell, 4) for cell in found["value"])])
    job.table(f"Recall@{trial.tops[0]} by campaign", ["campaign", "redeeming", *trial.rankers], told)
    gains = rows[rows["metric"].str.contains("gain") & rows["rankings"].gt(0) & rows["campaigns"].isin([ALL, EXPOSED])]
    told = [
        [
            row.metric.split()[0],
            row.campaigns,
            row.offers,
            row.rankings,
            f"{row.value:+.4f}",
            f"{row.lower:+.4f} to {row.upper:+.4f}",
        ]
        for row in gains.itertuples()
    ]
    job.table(
        f"Gain of the {PRODUCT} over {RIVAL}", ["metric", "campaigns", "offers", "rankings", "gain", "interval"], told
    )
    for k in trial.tops:
        for name in (PRODUCT, RIVAL):
            job.metric(f"{name.split()[0]}.recall{k}", value.loc[(name, f"recall@{k}", ALL, "all"), "value"])
    if not trial.of(EXPOSED).all():
        job.note(SELECTION)
    job.note(LOGGED)
