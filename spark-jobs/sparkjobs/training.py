"""Trains the model on several processes at once, an epoch at a time; a rerun goes on from the last finished one."""

import atexit
import hashlib
import io
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from pyspark.ml.torch.distributor import TorchDistributor
from torch.nn.parallel import DistributedDataParallel

from sparkjobs.baselines import popularity
from sparkjobs.documents import read_bytes, write_bytes
from sparkjobs.failure import InputError
from sparkjobs.lost_executors import again_when_lost
from sparkjobs.models import model_class
from sparkjobs.next_visit import NextVisitModel, Shape, loss_of
from sparkjobs.sequences import Sequences
from sparkjobs.shards import deal, lay_out, packed_code, read_plan, read_shard
from sparkjobs.windows import batches, steps_of

CHECKPOINT = "checkpoint.pt"
MODEL_INPUTS = ("bags", "gaps", "ids", "counts", "visits")


class DivergedError(InputError):
    """Training that left no usable weights, because of its hyper-parameters."""


@dataclass(frozen=True)
class Recipe:
    """How to train, beside the shape of the model."""

    epochs: int
    batch: int  # windows per step and rank
    learning_rate: float
    weight_decay: float
    context_dropout: float  # share of visits whose context is hidden
    seed: int


def train(
    sequences: Sequences, ids: np.ndarray, shape: Shape, recipe: Recipe, ranks: int, work: str, name: str = "txt"
) -> tuple[NextVisitModel, dict[str, Any]]:
    """Trains the model `name` of MODELS on all visits of `sequences` in `ranks` Spark tasks (a barrier stage).

    Returns the model and rank 0's report. `ids` int64 [visits, K] is the context of each visit. `work` must be a folder
    or URI that driver and tasks see: in a place below it that is named after model, data and settings lie plan, shards
    and checkpoint, so that a rerun with the same ones goes on from the last finished epoch and one with others starts
    afresh. When executors are lost on the way the ranks are started again on those that replace them. Needs an active
    Spark session. Raises DivergedError for a loss that is no number.
    """
    place = prepare(sequences, ids, shape, recipe, ranks, work, name)
    code = packed_code()

    def start(place: str, code: bytes) -> dict[str, Any]:
        # Pickled by value. The torchrun process knows no --py-files, so the package travels with the call.
        import sys
        import tempfile
        from pathlib import Path

        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "sparkjobs.zip"
            archive.write_bytes(code)
            sys.path.insert(0, str(archive))
            from sparkjobs.training import end_at_once, fit

            report = fit(place, say=lambda line: print(line, flush=True))
            end_at_once()
            return report

    def run() -> dict[str, Any]:
        return TorchDistributor(num_processes=ranks, local_mode=False, use_gpu=False).run(start, place, code)

    report = again_when_lost(run)
    seen = sum(rank["visits"] for rank in report["ranks"])
    if seen != sequences.visits:
        raise RuntimeError(f"Cannot use the model: its ranks read {seen} visits, the data has {sequences.visits}")
    if not np.isfinite(report["losses"][-1]):
        raise DivergedError(
            f"Cannot use the model: training diverged, its loss is {report['losses'][-1]} after {recipe.epochs} epochs",
            "Lower hyperparameters.learningRate",
        )
    return trained(place), report


def prepare(
    sequences: Sequences, ids: np.ndarray, shape: Shape, recipe: Recipe, ranks: int, work: str, name: str = "txt"
) -> str:
    """Lays plan and one shard per rank out below `work` and returns where; what an earlier attempt left there stays."""
    shards = deal(sequences, ranks)
    plan = {
        "model": name,
        "tensors": _tensors(model_class(name)(shape, torch.zeros(shape.categories)).state_dict()),
        "shape": shape.document(),
        "recipe": vars(recipe),
        "ranks": ranks,
        "steps": max(steps_of(shard, shape.window, recipe.batch) for shard, _ in shards),
        "popularity": [float(share) for share in popularity(sequences)],
        "torch": torch.__version__,
    }
    return lay_out(shards, ids, plan, work)


def fit(place: str, say: Callable[[str], None]) -> dict[str, Any]:
    """One rank's part, under torchrun or with its variables set: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT.

    Reads its own shard only. Every epoch starts from seeds of its own, so that a run that was cut off and resumed ends
    with the very same weights. The report tells losses and every rank's digest of the weights by epoch, the seconds of
    each epoch that was not there already, the epoch it was resumed after, and what each rank read. Raises RuntimeError
    when the ranks' weights come apart.
    """
    torch.set_num_threads(1)  # one task, one core; and sums of a fixed order
    dist.init_process_group("gloo")
    try:
        return _fit(place, dist.get_rank(), say)
    finally:
        dist.destroy_process_group()


def end_at_once() -> None:
    """Lets this process, whose work is done, end without taking torch apart.

    Threads of gloo that still run then may abort it (`terminate called without an active exception`), and torchelastic
    keeps the other ranks waiting for five minutes. What a rank returns is written to a file before the process ends.
    """

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    atexit.register(end)  # those registered last are called first


def _fit(place: str, rank: int, say: Callable[[str], None]) -> dict[str, Any]:
    plan = read_plan(place)
    recipe = Recipe(**plan["recipe"])
    sequences, ids = read_shard(place, rank, plan)
    torch.manual_seed(recipe.seed)
    model = new_model(plan)
    parallel = DistributedDataParallel(model, gradient_as_bucket_view=True)  # else it copies each gradient twice a step
    optimizer = _optimizer(model, recipe)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=plan["steps"] * recipe.epochs, pct_start=0.1
    )
    losses: list[float] = []
    weights: list[list[str]] = []
    seconds: list[float] = []  # of the epochs of this attempt
    state = _checkpoint(place)
    if state is not None:
        _load(model, state["model"], place)
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        losses, weights = state["losses"], state["weights"]
    resumed = len(losses)
    for epoch in range(resumed, recipe.epochs):
        seed = np.random.SeedSequence([recipe.seed, epoch, rank])
        draws = np.random.default_rng(seed)
        torch.manual_seed(int(seed.generate_state(1)[0]))
        total = torch.zeros(())
        start = perf_counter()
        for arrays in batches(sequences, ids, model.shape.half_lives, model.shape.window, plan["steps"], draws):
            total += _step(parallel, optimizer, arrays, recipe.context_dropout, draws)
            schedule.step()
        dist.all_reduce(total)
        seconds.append(perf_counter() - start)
        losses.append(float(total) / plan["steps"] / plan["ranks"])
        weights.append(_same_on_all_ranks(model, epoch))
        if rank == 0:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            _save({**state, "schedule": schedule.state_dict(), "losses": losses, "weights": weights}, place)
            say(f"epoch {epoch + 1} of {recipe.epochs}: loss {losses[-1]:.4f}, weights {weights[-1][0][:12]}")
        dist.barrier()  # no rank may start an epoch that a crash of rank 0 could still undo
    reading = _from_all_ranks(_reading(sequences))
    return {"losses": losses, "weights": weights, "seconds": seconds, "resumed": resumed, "ranks": reading}


def _reading(sequences: Sequences) -> dict[str, Any]:
    """Where this rank is and what it read."""
    return {"host": socket.gethostname(), "entities": len(sequences.entities), "visits": sequences.visits}


def _step(parallel: Any, optimizer: Any, arrays: dict, hidden: float, draws: np.random.Generator) -> torch.Tensor:
    ids = arrays["ids"]
    ids = ids * (draws.random(ids.shape[:-1]) >= hidden)[..., None]  # trains id 0, which stands for unknown
    tensors = {name: torch.from_numpy(array) for name, array in {**arrays, "ids": ids}.items()}
    logits = parallel(*(tensors[name] for name in MODEL_INPUTS))
    loss = loss_of(logits.flatten(0, 1), tensors["targets"].flatten(0, 1))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parallel.parameters(), 1.0)
    optimizer.step()
    return loss.detach()


def _optimizer(model: NextVisitModel, recipe: Recipe) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))


def _same_on_all_ranks(model: NextVisitModel, epoch: int) -> list[str]:
    digest = weights_digest(model)
    found: list[str] = [""] * dist.get_world_size()
    dist.all_gather_object(found, digest)
    if len(set(found)) > 1:
        raise RuntimeError(f"Cannot go on after epoch {epoch + 1}: the ranks hold different weights ({found})")
    return found


def _from_all_ranks(mine: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{}] * dist.get_world_size()
    dist.all_gather_object(found, mine)
    return found


def weights_digest(model: NextVisitModel) -> str:
    """sha256 over all weights."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def new_model(plan: dict[str, Any]) -> NextVisitModel:
    shape = {key: tuple(value) if isinstance(value, list) else value for key, value in plan["shape"].items()}
    return model_class(plan["model"])(Shape(**shape), torch.tensor(plan["popularity"]))


def trained(place: str) -> NextVisitModel:
    """The model of the last checkpoint in `place`, ready to score."""
    state = _checkpoint(place)
    if state is None:
        raise RuntimeError(f"Cannot use the model trained in {place}: there is no {CHECKPOINT}")
    model = new_model(read_plan(place))
    _load(model, state["model"], place)
    return model.eval()


def _load(model: NextVisitModel, weights: dict[str, torch.Tensor], place: str) -> None:
    """Raises RuntimeError for the weights of another model, or of this one as another release had it."""
    own, found = _tensors(model.state_dict()), _tensors(weights)
    differing = sorted(name for name in own.keys() | found.keys() if own.get(name) != found.get(name))
    if differing:
        what = f"{', '.join(differing[:3])}{' and others' if len(differing) > 3 else ''}"
        raise RuntimeError(
            f"Cannot use {place}/{CHECKPOINT}: it is not of this {type(model).__name__}, "
            f"whose tensors differ in {what}. Remove it and train again"
        )
    model.load_state_dict(weights)


def _tensors(weights: dict[str, torch.Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in weights.items()}


def _checkpoint(place: str) -> dict[str, Any] | None:
    """What the last finished epoch left, if any was finished."""
    try:
        content = read_bytes(f"{place}/{CHECKPOINT}")
    except FileNotFoundError:
        return None
    return torch.load(io.BytesIO(content), weights_only=True)


def _save(state: dict[str, Any], place: str) -> None:
    content = io.BytesIO()
    torch.save(state, content)
    write_bytes(f"{place}/{CHECKPOINT}", content.getvalue())
