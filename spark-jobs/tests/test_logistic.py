import numpy as np
from generated_histories import day, frame, habits
from hypothesis import given, settings
from test_baselines import ABC, entities

from sparkjobs.baselines import Search
from sparkjobs.logistic import learn
from sparkjobs.purchase_days import purchase_days
from sparkjobs.sequences import sequences_of
from sparkjobs.tuning import BASELINES, COMPARED, tune


def slow_days(histories):
    """The definition, visit by visit."""
    rows = []
    for days, bags in zip(histories["days"], histories["categories"], strict=True):
        for at, on in enumerate(days):
            past = [[days[v] for v in range(at) if category in bags[v]] for category in ABC]
            rows.append([(on - p[0], on - p[-1]) if p else (np.nan, np.nan) for p in past])
    return np.array(rows, dtype=np.float32).reshape(-1, 3, 2)


@settings(max_examples=60, deadline=None)
@given(entities)
def test_purchase_days_are_of_earlier_visits_only(made):
    histories = frame(made)
    sequences = sequences_of(histories, ABC)
    wanted = np.arange(sequences.visits)[::2]

    first, last = purchase_days(sequences, wanted)

    np.testing.assert_array_equal(first, slow_days(histories)[wanted, :, 0])
    np.testing.assert_array_equal(last, slow_days(histories)[wanted, :, 1])


def due_after_two(entities=30, visits=40):
    """Each category is bought every third visit, in an order of the entity's own: who counts only knows nothing."""
    made = {}
    for entity in range(entities):
        order = np.random.default_rng(entity).permutation(3)
        made[f"e{entity:02d}"] = [(3 * visit, [ABC[order[visit % 3]]]) for visit in range(visits)]
    return sequences_of(frame(made), ABC)


def searched(sequences, cut, context=()):
    later = sequences.between(day(cut), day(1000))
    return Search(sequences.before(day(cut)), sequences, later, list(context), 1, np.zeros(sequences.width, bool))


def test_logistic_learns_that_a_category_is_due_where_counts_know_nothing():
    tuned = tune(searched(due_after_two(), 90), (*BASELINES, *COMPARED))

    assert tuned.recall["logistic"] > 0.95
    assert max(tuned.recall[b.name] for b in tuned.baselines if b.name != "logistic") < 0.5


def test_logistic_may_not_score_whatever_it_reaches():
    tuned = tune(searched(due_after_two(), 90), (*BASELINES, *COMPARED))

    assert max(tuned.recall, key=tuned.recall.get) == "logistic"
    assert tuned.best().name != "logistic"


def test_with_context_it_uses_what_hour_and_place_say():
    made = {e: [(on, bag, 9 if on % 2 else 20, "p") for on, bag, *_ in listed] for e, listed in habits(30, 30).items()}
    by_hour = {e: [(on, ["a"] if hour == 9 else ["b"], hour, "p") for on, _, hour, _ in v] for e, v in made.items()}

    tuned = tune(searched(sequences_of(frame(by_hour), ABC[:2]), 60, ["hour"]), (*BASELINES, *COMPARED))

    found = {baseline.name: baseline.uses_context for baseline in tuned.baselines}
    assert (found["logistic"], found["logistic*context"]) == (False, True)
    assert tuned.recall["logistic*context"] > 0.95 > tuned.recall["logistic"]


def test_the_same_visits_give_the_same_coefficients_and_later_ones_do_not_show():
    sequences = sequences_of(frame(habits(20, 30, categories=3)), ["c00", "c01", "c02"])
    early = sequences.before(day(60))

    (first,), (again,) = (learn("logistic", early, [], (1.0,)) for _ in range(2))

    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    np.testing.assert_array_equal(first.fitted(early, []).coefficients, first.coefficients)
    assert first.seen_to == early.last_day
    assert (first.fitted(sequences, []).coefficients != first.coefficients).any()
