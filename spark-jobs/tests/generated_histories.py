"""Made-up visit histories, as `visits.histories` would give them."""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from sparkjobs.sequences import day_number

FIRST_DAY = date(2024, 1, 1)


def frame(entities: dict[str, list[tuple]]) -> pd.DataFrame:
    """Rows from {"ann": [(day, categories), (day, categories, hour, place), ...]}; days count from 1 January 2024."""
    rows = []
    for entity, listed in entities.items():
        full = [(day, bag, *rest, *(12, "p")[len(rest) :]) for day, bag, *rest in listed]
        days = [day_number(FIRST_DAY) + day for day, *_ in full]
        hours, places = [hour for _, _, hour, _ in full], [place for _, _, _, place in full]
        times = [24 * 3600 * on + 3600 * (hour or 0) for on, hour in zip(days, hours, strict=True)]
        rows.append((entity, days, hours, places, [list(bag) for _, bag, _, _ in full], times))
    return pd.DataFrame(rows, columns=["entity", "days", "hours", "places", "categories", "times"])


def day(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def rounds(entities: int = 80, visits: int = 40, categories: int = 12, seed: int = 1) -> dict[str, list[tuple]]:
    """Histories whose order says what comes next: mostly the category after the last one.

    All are bought equally often, so counts know little. In the evening it is two further, so context helps as well.
    """
    draws = np.random.default_rng(seed)
    made = {}
    for entity in range(entities):
        at, listed = int(draws.integers(categories)), []
        for visit in range(visits):
            hour = int(draws.choice([9, 20]))
            step = 1 if hour == 9 or draws.random() < 0.3 else 2
            at = (at + step) % categories if draws.random() < 0.9 else int(draws.integers(categories))
            listed.append((visit * 3 + int(draws.integers(3)), [f"c{at:02d}"], hour, "p"))
        made[f"e{entity:03d}"] = listed
    return made


def habits(entities: int = 80, visits: int = 40, categories: int = 12, seed: int = 1) -> dict[str, list[tuple]]:
    """Histories of which frequency is all there is to know: each entity draws from shares that never change."""
    draws = np.random.default_rng(seed)
    made = {}
    for entity in range(entities):
        share = draws.dirichlet(np.full(categories, 0.5))
        bags = [np.unique(draws.choice(categories, size=2, p=share)) for _ in range(visits)]
        days = [visit * 3 + int(draws.integers(3)) for visit in range(visits)]
        listed = [(on, [f"c{c:02d}" for c in bag], 12, "p") for on, bag in zip(days, bags, strict=True)]
        made[f"e{entity:03d}"] = listed
    return made


def settings(**changes: object) -> dict:
    """Settings of a small TrainingJob on `rounds` or `habits`; `changes` replace or, for objects, extend them."""
    small = {
        "split": {"tune": str(day(70)), "test": str(day(90)), "end": str(day(120))},
        "excludeCategories": [],
        "context": ["hour", "weekday", "place"],
        "ranks": 2,
        "seed": 7,
        "model": "txt",
        "compare": False,
        "hyperparameters": {
            "dim": 24, "layers": 1, "heads": 2, "dropout": 0.0, "contextDropout": 0.3, "epochs": 24, "batch": 8,
            "window": 10, "learningRate": 0.004, "weightDecay": 0.01, "halfLives": [7, 30, 120],
        },
        "gate": {"topK": 2, "confidence": 0.95, "replicates": 200, "margin": 0},
    }  # fmt: skip
    for key, value in changes.items():
        small[key] = {**small[key], **value} if isinstance(value, dict) else value
    return small
