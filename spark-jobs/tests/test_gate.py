import pytest

from sparkjobs.evaluation import Interval
from sparkjobs.gate import judge

NAN = float("nan")


def gain(lower, visits=100):
    return Interval(lower + 0.01, lower, lower + 0.02, visits, 10)


@pytest.mark.parametrize(
    ("case", "gains", "margin", "promoted", "rival"),
    [
        ("above every baseline", {"a": gain(0.02), "b": gain(0.01)}, 0.0, True, "b"),
        ("one baseline is not beaten", {"a": gain(0.02), "b": gain(-0.001)}, 0.0, False, "b"),
        ("a bound of exactly the margin is not above it", {"a": gain(0.0)}, 0.0, False, "a"),
        ("the margin counts", {"a": gain(0.004)}, 0.005, False, "a"),
        ("a negative margin lets a tie pass", {"a": gain(-0.001)}, -0.005, True, "a"),
        ("nothing was tested", {"a": gain(0.02), "b": Interval(NAN, NAN, NAN, 0, 0)}, 0.0, False, "b"),
    ],
)
def test_judge(case, gains, margin, promoted, rival):
    verdict = judge("txt", gains, margin, 0.95, "recall@10")

    assert (verdict.promoted, verdict.rival) == (promoted, rival), case


def test_judge_says_why():
    assert judge("txt", {"decayed": gain(-0.002)}, 0.0, 0.95, "recall@10").reason == (
        "txt is refused: recall@10 over decayed +0.0080, lower 95% bound -0.0020 does not exceed the margin 0"
    )


def test_judge_needs_a_baseline():
    with pytest.raises(ValueError, match="no baseline"):
        judge("txt", {}, 0.0, 0.95, "recall@10")
