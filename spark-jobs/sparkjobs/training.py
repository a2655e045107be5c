"""Trains the model on several processes at once: shards for the ranks, an epoch at a time, checkpoint after each."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from pyspark.ml.torch.distributor import TorchDistributor
from torch.nn.parallel import DistributedDataParallel

from sparkjobs.baselines import popularity
from sparkjobs.failure import InputError
from sparkjobs.sequences import Sequences
from sparkjobs.txt import Shape, TxT, loss_of
from sparkjobs.windows import batches, steps_of

CHECKPOINT = "checkpoint.pt"
MODEL_INPUTS = ("bags", "gaps", "ids", "counts", "visits")


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
    sequences: Sequences, ids: np.ndarray, shape: Shape, recipe: Recipe, ranks: int, work: Path
) -> tuple[TxT, dict[str, Any]]:
    """Trains on all visits of `sequences` in `ranks` Spark tasks (a barrier stage); the model and rank 0's report.

    `ids` int64 [visits, K] is the context of each visit. `work` must be a folder that all tasks see. What is being
    trained lies in a folder below it that is named after the data and settings, so that a rerun with the same ones goes
    on from the last finished epoch and one with others starts afresh. Needs an active Spark session.
    """
    folder = prepare(sequences, ids, shape, recipe, ranks, work)

    def start(place: str) -> dict[str, Any]:
        # Pickled by value. The torchrun process knows no --py-files, so it takes the package from the shared folder.
        import sys
        from pathlib import Path

        sys.path.insert(0, f"{place}/code")
        from sparkjobs.training import fit

        return fit(Path(place), say=lambda line: print(line, flush=True))

    report = TorchDistributor(num_processes=ranks, local_mode=False, use_gpu=False).run(start, str(folder))
    return trained(folder), report


def prepare(sequences: Sequences, ids: np.ndarray, shape: Shape, recipe: Recipe, ranks: int, work: Path) -> Path:
    """Writes plan, code and one shard per rank into a folder below `work`; what an earlier attempt left there stays."""
    shards = deal(sequences, ranks)
    plan = {
        "shape": shape.document(),
        "recipe": vars(recipe),
        "ranks": ranks,
        "steps": max(steps_of(shard, shape.window, recipe.batch) for shard, _ in shards),
        "popularity": [float(share) for share in popularity(sequences)],
        "torch": torch.__version__,
    }
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True).encode())
    for array in (sequences.starts, sequences.days, sequences.bag_starts, sequences.bag, ids):
        digest.update(np.ascontiguousarray(array).tobytes())
    folder = work / f"training-{digest.hexdigest()[:16]}"
    for old in work.glob("training-*"):
        if old != folder:
            shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    for rank, (shard, visits) in enumerate(shards):
        np.savez(
            folder / f"shard-{rank}.npz",
            starts=shard.starts, days=shard.days, bag_starts=shard.bag_starts, bag=shard.bag, ids=ids[visits],
        )  # fmt: skip
    _copy_code(folder / "code" / "sparkjobs")
    (folder / "plan.json").write_text(json.dumps(plan))
    return folder


def deal(sequences: Sequences, ranks: int) -> list[tuple[Sequences, np.ndarray]]:
    """Whole histories dealt to `ranks` shards with as equal numbers of visits as can be, and where those visits stood.

    The longest go first, each to the shard that has least. Raises InputError when a shard would stay empty.
    """
    lengths = sequences.lengths()
    load = np.zeros(ranks, dtype=np.int64)
    shard_of = np.zeros(len(lengths), dtype=np.int64)
    for entity in np.argsort(-lengths, kind="stable"):
        shard_of[entity] = load.argmin()
        load[shard_of[entity]] += lengths[entity]
    if load.min() == 0:
        raise InputError(
            f"Cannot train on {ranks} ranks: only {(lengths > 0).sum()} entities have visits to train on",
            "Lower ranks, or take split.test later",
        )
    owner = shard_of[sequences.owner()]
    return [(sequences.keep(owner == rank), np.flatnonzero(owner == rank)) for rank in range(ranks)]


def fit(folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """One rank's part, under torchrun or with its variables set: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT.

    Reads its own shard only. Every epoch starts from seeds of its own, so that a run that was cut off and resumed ends
    with the very same weights. Raises RuntimeError when the ranks' weights come apart.
    """
    torch.set_num_threads(1)  # one task, one core; and sums of a fixed order
    dist.init_process_group("gloo")
    try:
        return _fit(folder, dist.get_rank(), say)
    finally:
        dist.destroy_process_group()


def _fit(folder: Path, rank: int, say: Callable[[str], None]) -> dict[str, Any]:
    plan = json.loads((folder / "plan.json").read_text())
    recipe = Recipe(**plan["recipe"])
    sequences, ids = read_shard(folder, rank, plan["shape"]["categories"])
    torch.manual_seed(recipe.seed)
    model = new_model(plan)
    parallel = DistributedDataParallel(model)
    optimizer = _optimizer(model, recipe)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=plan["steps"] * recipe.epochs, pct_start=0.1
    )
    losses: list[float] = []
    saved = folder / CHECKPOINT
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        losses = state["losses"]
    resumed = len(losses)
    for epoch in range(resumed, recipe.epochs):
        seed = np.random.SeedSequence([recipe.seed, epoch, rank])
        draws = np.random.default_rng(seed)
        torch.manual_seed(int(seed.generate_state(1)[0]))
        total = torch.zeros(())
        for arrays in batches(sequences, ids, model.shape.half_lives, model.shape.window, plan["steps"], draws):
            total += _step(parallel, optimizer, arrays, recipe.context_dropout, draws)
            schedule.step()
        dist.all_reduce(total)
        losses.append(float(total) / plan["steps"] / plan["ranks"])
        digest = _same_on_all_ranks(model, epoch)
        if rank == 0:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            _save({**state, "schedule": schedule.state_dict(), "losses": losses}, saved)
            say(f"epoch {epoch + 1} of {recipe.epochs}: loss {losses[-1]:.4f}, weights {digest[:12]}")
        dist.barrier()  # no rank may start an epoch that a crash of rank 0 could still undo
    return {"losses": losses, "resumed": resumed, "visits": sequences.visits}


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


def _optimizer(model: TxT, recipe: Recipe) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))


def _same_on_all_ranks(model: TxT, epoch: int) -> str:
    digest = weights_digest(model)
    found: list[str] = [""] * dist.get_world_size()
    dist.all_gather_object(found, digest)
    if len(set(found)) > 1:
        raise RuntimeError(f"Cannot go on after epoch {epoch + 1}: the ranks hold different weights ({found})")
    return digest


def weights_digest(model: TxT) -> str:
    """sha256 over all weights."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def new_model(plan: dict[str, Any]) -> TxT:
    shape = {key: tuple(value) if isinstance(value, list) else value for key, value in plan["shape"].items()}
    return TxT(Shape(**shape), torch.tensor(plan["popularity"]))


def trained(folder: Path) -> TxT:
    """The model of the last checkpoint in `folder`, ready to score."""
    model = new_model(json.loads((folder / "plan.json").read_text()))
    model.load_state_dict(torch.load(folder / CHECKPOINT, weights_only=True)["model"])
    return model.eval()


def read_shard(folder: Path, rank: int, width: int) -> tuple[Sequences, np.ndarray]:
    """Visits and context ids of one rank."""
    with np.load(folder / f"shard-{rank}.npz") as a:
        starts, days, bag_starts, bag, ids = (a[name] for name in ("starts", "days", "bag_starts", "bag", "ids"))
    nothing = np.empty(len(days), dtype=object)
    entities = np.arange(len(starts) - 1)
    return Sequences(entities, starts, days, np.zeros_like(days), nothing, bag_starts, bag, width), ids


def _save(state: dict[str, Any], path: Path) -> None:
    fresh = path.with_suffix(".tmp")
    torch.save(state, fresh)
    os.replace(fresh, path)


def _copy_code(target: Path) -> None:
    """This package's sources; they may lie in a zip."""
    target.mkdir(parents=True, exist_ok=True)
    for source in files("sparkjobs").iterdir():
        if source.name.endswith(".py"):
            (target / source.name).write_bytes(source.read_bytes())
