"""Whether the models are what they are said to be: see model_order.py. Five seeds: `npm run bench -- models`."""

import numpy as np
import pytest
from generated_sessions import TRUTHS, sessions
from model_order import KS, ORDER, ceiling, holds, margin, model_on, recalls, rows_of


@pytest.mark.parametrize("truth", TRUTHS)
def test_sessions_are_drawn_by_the_chances_they_tell(truth):
    made = sessions(truth, 0, entities=200, visits=20)
    bought = made.sequences.bag

    top = made.chances.argmax(axis=1) == bought
    expected = made.chances.max(axis=1)

    np.testing.assert_allclose(made.chances.sum(axis=1), 1)
    assert abs(top.mean() - expected.mean()) < 4 * np.sqrt((expected * (1 - expected)).mean() / len(top))
    again = sessions(truth, 0, entities=200, visits=20)
    np.testing.assert_array_equal(again.sequences.bag, bought)
    assert (sessions(truth, 1, entities=200, visits=20).sequences.bag != bought).any()


def test_only_with_the_multiplicative_truth_does_neither_past_nor_context_say_much_alone():
    made = sessions("multiplicative", 0)
    of_context = [made.chances[(made.ids == pair).all(axis=1)].mean(axis=0).max() for pair in ([1, 1], [2, 3])]

    assert max(of_context) < 0.25 < ceiling(made)[0]


def test_what_past_and_context_decide_together_is_learnt_in_the_order_of_the_models():
    made = sessions("multiplicative", 0)

    found = {name: recalls(model_on(name, made), made) for name in ORDER}

    for k in range(len(KS)):
        gru, crossed, txt = (found[name][k] for name in ORDER)
        assert gru + 0.05 < crossed
        assert crossed + 0.02 < txt < ceiling(made)[k]


def test_an_order_holds_only_with_margins_of_two_standard_errors():
    near, far = np.array([[0.1, 0.3], [0.12, 0.32], [0.11, 0.31]]), np.array([[0.5, 0.6], [0.52, 0.64], [0.5, 0.6]])
    found = {"gru": near, "gru-latent-cross": far, "txt": far + np.array([[0.1], [-0.1], [0.01]])}

    assert margin(near[:, 0], far[:, 0]).errors > 2
    assert not holds(rows_of("multiplicative", found), "multiplicative")
    better = {**found, "txt": far + np.array([[0.1], [0.11], [0.09]])}
    assert holds(rows_of("multiplicative", better), "multiplicative")
    assert holds(rows_of("additive", found), "additive")
    assert not holds(rows_of("none", found), "none")
