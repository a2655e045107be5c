"""What is done again, and what is not, when a call fails on a cluster that may have lost an executor."""

import pytest

from sparkjobs import lost_executors


class Cluster:
    """Answers of `executors`, one after the other; the last one stays."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def __call__(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def outcomes(*results):
    left = list(results)

    def run():
        result = left.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    return run


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    for name in ("NOTICE_S", "REPLACE_S", "POLL_S"):
        monkeypatch.setattr(lost_executors, name, 0.01)


@pytest.mark.parametrize("words", ["a failed barrier stage: the ranks hold different weights", "column a is missing"])
def test_what_fails_while_all_executors_live_is_raised(monkeypatch, words):
    monkeypatch.setattr(lost_executors, "executors", Cluster({"driver:1", "a:1"}))
    with pytest.raises(RuntimeError, match=words):
        lost_executors.again_when_lost(outcomes(RuntimeError(words), "never"))


def test_what_fails_with_an_executor_is_done_again_when_it_is_replaced(monkeypatch):
    answers = [{"d:1", "a:1"}, {"d:1"}, {"d:1"}, {"d:1", "b:1"}]
    monkeypatch.setattr(lost_executors, "executors", Cluster(*answers))
    assert lost_executors.again_when_lost(outcomes(RuntimeError("a failed barrier stage"), "done")) == "done"


def test_an_executor_that_dies_each_time_ends_it(monkeypatch):
    answers = [{"d:1", "a:1"}, {"d:1"}, {"d:1", "b:1"}, {"d:1", "b:1"}, {"d:1"}, {"d:1", "c:1"}]
    monkeypatch.setattr(lost_executors, "executors", Cluster(*answers))
    with pytest.raises(RuntimeError, match="third"):
        lost_executors.again_when_lost(
            outcomes(*(RuntimeError(f"failed barrier, {word} time") for word in ("first", "second", "third")))
        )


def test_an_executor_that_is_not_replaced_ends_it(monkeypatch):
    monkeypatch.setattr(lost_executors, "executors", Cluster({"d:1", "a:1"}, {"d:1"}))
    with pytest.raises(RuntimeError, match="lost"):
        lost_executors.again_when_lost(outcomes(RuntimeError("a failed barrier stage: lost"), "never"))


def test_where_the_driver_does_the_work_nothing_is_done_again(monkeypatch):
    monkeypatch.setattr(lost_executors, "executors", Cluster(set()))
    with pytest.raises(ValueError, match="bad"):
        lost_executors.again_when_lost(outcomes(ValueError("bad"), "never"))
