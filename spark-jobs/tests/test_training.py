import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from generated_histories import frame, habits

from sparkjobs.failure import InputError
from sparkjobs.gru import GRU, GRULatentCross
from sparkjobs.next_visit import Shape
from sparkjobs.sequences import sequences_of
from sparkjobs.shards import deal, read_plan, read_shard
from sparkjobs.training import Recipe, _same_on_all_ranks, fit, prepare, trained, weights_digest

CATEGORIES = [f"c{i:02d}" for i in range(6)]
SHAPE = Shape(6, (2,), (7.0, 60.0), window=6, dim=8, layers=1, heads=2, dropout=0.2)
RECIPE = Recipe(epochs=3, batch=8, learning_rate=0.01, weight_decay=0.01, context_dropout=0.3, seed=3)


@pytest.fixture
def sequences():
    return sequences_of(frame(habits(entities=15, visits=12, categories=6)), CATEGORIES)


@pytest.fixture
def alone(monkeypatch):
    """One rank, in this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    values = {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def prepared(sequences, folder, recipe=RECIPE, ranks=1, name="txt"):
    folder.mkdir(exist_ok=True)
    return prepare(sequences, np.zeros((sequences.visits, 1), dtype=np.int64), SHAPE, recipe, ranks, str(folder), name)


def quiet(_line):
    pass


def test_deal_gives_each_visit_to_one_shard_and_all_about_as_many():
    made = {f"e{i}": [(d, ["c00"]) for d in range(size)] for i, size in enumerate([40, 7, 30, 1, 12, 25, 3, 2])}
    sequences = sequences_of(frame(made), CATEGORIES)

    shards = deal(sequences, 3)

    assert sorted(np.concatenate([visits for _, visits in shards]).tolist()) == list(range(120))
    assert [shard.visits for shard, _ in shards] == [40, 40, 40]
    for shard, visits in shards:
        np.testing.assert_array_equal(shard.days, sequences.days[visits])


def test_deal_refuses_more_ranks_than_histories(sequences):
    with pytest.raises(InputError, match="Cannot train on 16 ranks: only 15 entities"):
        deal(sequences, 16)


def test_each_rank_reads_its_own_shard(sequences, tmp_path):
    place = prepared(sequences, tmp_path, ranks=2)

    shards = [read_shard(place, rank, read_plan(place))[0] for rank in range(2)]

    assert sum(shard.visits for shard in shards) == sequences.visits
    assert sum(len(shard.entities) for shard in shards) == 15
    assert abs(shards[0].visits - shards[1].visits) <= 12


def test_a_shard_that_is_another_one_is_refused(sequences, tmp_path):
    place = prepared(sequences, tmp_path, ranks=2)
    Path(place, "shard-1.npz").write_bytes(Path(place, "shard-0.npz").read_bytes())

    with pytest.raises(RuntimeError, match=r"shard-1\.npz: it is not the shard of the plan"):
        read_shard(place, 1, read_plan(place))


@pytest.mark.usefixtures("alone")
def test_training_lowers_the_loss_and_the_same_seed_gives_the_same_weights(sequences, tmp_path):
    first, again = (prepared(sequences, tmp_path / name) for name in "ab")
    other = prepared(sequences, tmp_path / "c", Recipe(**{**vars(RECIPE), "seed": 4}))

    reports = [fit(folder, quiet) for folder in (first, again, other)]

    assert reports[0]["losses"][-1] < reports[0]["losses"][0]
    assert reports[0]["ranks"] == [{"host": socket.gethostname(), "entities": 15, "visits": 180}]
    assert [len(report.pop("seconds")) for report in reports] == [3, 3, 3]
    assert reports[0] == reports[1]
    assert weights_digest(trained(first)) == weights_digest(trained(again)) != weights_digest(trained(other))


@pytest.mark.usefixtures("alone")
def test_a_run_cut_off_after_an_epoch_goes_on_there_and_ends_with_the_same_weights(sequences, tmp_path):
    whole = prepared(sequences, tmp_path / "whole")
    fit(whole, quiet)

    def cut(line):
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(prepared(sequences, tmp_path / "cut"), cut)
    resumed = prepared(sequences, tmp_path / "cut")
    report = fit(resumed, quiet)

    assert report["resumed"] == 2
    assert len(report["weights"]) == 3
    assert report["weights"][-1] == [weights_digest(trained(whole))]
    assert weights_digest(trained(resumed)) == weights_digest(trained(whole))


@pytest.mark.usefixtures("alone")
def test_other_data_or_settings_start_afresh(sequences, tmp_path):
    first = prepared(sequences, tmp_path)
    fit(first, quiet)
    fewer = sequences.keep(np.arange(sequences.visits) != 3)
    longer = Recipe(**{**vars(RECIPE), "epochs": 4})

    for folder in (prepared(fewer, tmp_path), prepared(sequences, tmp_path, longer)):
        assert folder != first
        assert not Path(folder, "checkpoint.pt").exists()
    assert not Path(first).exists()  # nobody will ask for it again


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("name", "made"), [("gru", GRU), ("gru-latent-cross", GRULatentCross)])
def test_each_model_is_trained_by_the_same_code(name, made, sequences, tmp_path):
    place = prepared(sequences, tmp_path, name=name)

    report = fit(place, quiet)

    assert report["losses"][-1] < report["losses"][0]
    assert type(trained(place)) is made


@pytest.mark.usefixtures("alone")
def test_the_checkpoint_of_another_model_is_not_gone_on_with(sequences, tmp_path):
    first = prepared(sequences, tmp_path / "txt")
    fit(first, quiet)
    place = prepared(sequences, tmp_path / "gru", name="gru")
    assert Path(place).name != Path(first).name  # it is not even looked at

    Path(place, "checkpoint.pt").write_bytes(Path(first, "checkpoint.pt").read_bytes())

    for use in (trained, lambda place: fit(place, quiet)):
        with pytest.raises(RuntimeError, match=r"checkpoint\.pt: it is not of this GRU, whose tensors differ in con"):
            use(place)


def _rank_with_other_weights(rank, meeting, results):
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
    torch.manual_seed(rank)
    try:
        _same_on_all_ranks(torch.nn.Linear(2, 2), 0)
    except RuntimeError as error:
        (results / str(rank)).write_text(str(error))
    dist.destroy_process_group()


def test_ranks_whose_weights_come_apart_stop(tmp_path):
    mp.spawn(_rank_with_other_weights, (str(tmp_path / "meeting"), tmp_path), nprocs=2)

    for rank in "01":
        assert (tmp_path / rank).read_text().startswith("Cannot go on after epoch 1: the ranks hold different weights")


def test_a_rank_that_is_done_ends_well_whatever_its_libraries_do_at_the_end():
    program = """
import ctypes
from sparkjobs.training import end_at_once
abort = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda _: ctypes.CDLL(None).abort())
ctypes.CDLL(None).__cxa_atexit(abort, None, None)  # as does what takes a library apart whose threads still run
end_at_once()
print("done", end="")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "done"), ended.stderr
