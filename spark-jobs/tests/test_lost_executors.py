"""An executor that dies in the middle of a training, on a Spark cluster of this machine's processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch.multiprocessing as mp
from training_sample import ids_of, recipe, sequences, shape

from sparkjobs import lost_executors
from sparkjobs.training import fit, prepare, trained, weights_digest

EPOCHS = 60
PATIENCE_S = 600


def until(found, child=None):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        assert child is None or child.poll() is None, "the training ended before anything could happen to it"
        time.sleep(0.02)
    raise TimeoutError


def children():
    """Process ids by parent."""
    by_parent = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue  # it has ended
        by_parent.setdefault(int(text.rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
    return by_parent


def family(pid, by_parent):
    return [pid, *(one for child in by_parent.get(pid, []) for one in family(child, by_parent))]


def executors_below(pid):
    def is_executor(one):
        try:
            return b"CoarseGrainedExecutorBackend" in Path(f"/proc/{one}/cmdline").read_bytes()
        except OSError:
            return False

    return [one for one in family(pid, children()) if is_executor(one)]


def test_training_goes_on_from_its_checkpoint_when_an_executor_is_killed(tmp_path):
    work, whole = tmp_path / "work", tmp_path / "whole"
    work.mkdir()
    command = [sys.executable, str(Path(__file__).with_name("training_on_local_cluster.py")), str(work), str(EPOCHS)]
    child = subprocess.Popen(
        command,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until(lambda: list(work.glob("training-*/checkpoint.pt")), child)
        # Like a pod: everything in it goes at once.
        victim = executors_below(child.pid)[0]
        for one in family(victim, children()):
            os.kill(one, signal.SIGKILL)
        out, err = child.communicate(timeout=PATIENCE_S)
    finally:
        child.kill()
    assert child.returncode == 0, err[-4000:]
    assert "an executor was lost" in err
    report = json.loads(out.splitlines()[-1])
    assert 1 <= report["resumed"] < EPOCHS
    assert len(report["weights"]) == EPOCHS
    assert all(first == second for first, second in report["weights"])
    assert sum(rank["visits"] for rank in report["ranks"]) == sequences().visits
    assert report["digest"] == weights_digest(trained(undisturbed(whole)))


def undisturbed(folder):
    """Where the same training lies, done by two processes that nobody disturbs."""
    folder.mkdir()
    made = sequences()
    place = prepare(made, ids_of(made), shape(), recipe(EPOCHS), 2, str(folder))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.spawn(_rank, (place, port), nprocs=2)
    return place


def _rank(rank, place, port):
    os.environ |= {"RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    fit(place, print)


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
