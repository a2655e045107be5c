"""The rows of a sweep: who goes on to the next rung, and the leaderboard with its winner."""

import json
import re
from typing import Any

from sparkjobs.failure import InputError
from sparkjobs.job import Job

ROW = (
    "rung int, parameters string, budget double, metric string, "
    "value double, lower double, upper double, visits bigint, seconds double, failed string"
)
LEADERBOARD = (
    "place int, parameters string, metric string, value double, lower double, upper double, "
    "budget double, seconds double, rung int, failed string"
)

Row = dict[str, Any]


def main(job: Job) -> None:
    """Ranks the rows of all rungs and writes leaderboard and winner; raises InputError when every candidate failed."""
    sweep, rows = job.settings["sweep"], read_rows(job)
    board = leaderboard(rows)
    if board[0]["value"] is None:
        raise InputError(
            f"Cannot name a winner: every candidate failed, {words(board[0]['parameters'])} with: {board[0]['failed']}",
            "Look at the logs of the steps of the sweep, and change its values",
        )
    cells = [[place, text_of(row["parameters"]), *(row[name] for name in _NAMES[2:])] for place, row in _places(board)]
    job.write("leaderboard", job.spark.createDataFrame(cells, LEADERBOARD))
    winner = text_of(board[0]["parameters"])
    job.write("winner", job.spark.createDataFrame([(winner,)], "parameters string"))
    _report(job, sweep, board, len(rows))


_NAMES = [column.split()[0] for column in LEADERBOARD.split(", ")]


def _places(board: list[Row]) -> list[tuple[int, Row]]:
    return list(enumerate(board, 1))


def read_rows(job: Job) -> list[Row]:
    """Every row that the steps read here wrote, with parameters as values by path."""
    rows: list[Row] = []
    for role in job.document["inputs"]:
        if role.startswith("row-"):
            rows += [row.asDict() for row in job.input(role).collect()]
    return [{**row, "parameters": json.loads(row["parameters"])} for row in rows]


def ranked(rows: list[Row]) -> list[Row]:
    """Best first; of equals the one whose parameters come first as text; failed ones last."""
    return sorted(rows, key=lambda row: (row["value"] is None, -(row["value"] or 0.0), text_of(row["parameters"])))


def leaderboard(rows: list[Row]) -> list[Row]:
    """One row for each candidate, that of its last rung with the seconds of all; who came further stands higher."""
    last: dict[str, Row] = {}
    seconds: dict[str, float] = {}
    for row in sorted(rows, key=lambda row: row["rung"]):
        candidate = text_of(row["parameters"])
        last[candidate] = row
        seconds[candidate] = seconds.get(candidate, 0.0) + row["seconds"]
    board = [{**row, "seconds": round(seconds[candidate], 1)} for candidate, row in last.items()]
    return sorted(ranked(board), key=lambda row: (row["value"] is None, -row["rung"]))


def take_winner(job: Job) -> None:
    """Puts the winner of the job's sweep into its hyper-parameters; does nothing for a job without a sweep."""
    if not job.has("winner"):
        return
    (row,) = job.input("winner").collect()
    parameters = json.loads(row["parameters"])
    set_parameters(job, parameters)
    job.note(f"hyper-parameters of the sweep's winner: {words(parameters)}")


def set_parameters(job: Job, parameters: dict[str, Any]) -> None:
    """Sets values at paths such as dim or halfLives[0] below the job's hyper-parameters, where all of them are."""
    for path, value in parameters.items():
        node: Any = job.settings["hyperparameters"]
        *parents, name = [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)]
        for parent in parents:
            node = node[parent]
        node[name] = value


def text_of(parameters: dict[str, Any]) -> str:
    """Parameters as text, the same for equal ones."""
    return json.dumps(parameters, sort_keys=True, separators=(",", ":"))


def words(parameters: dict[str, Any]) -> str:
    """Parameters for people: "dim 32, learningRate 0.003"."""
    return ", ".join(f"{path} {_shown(value)}" for path, value in sorted(parameters.items()))


def _shown(value: Any) -> Any:
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else json.dumps(value)


def _report(job: Job, sweep: dict[str, Any], board: list[Row], steps: int) -> None:
    """The leaderboard as a table, and in words who won and what it took."""
    best, metric, rungs = board[0], board[0]["metric"], len(sweep["rungs"])
    rows = []
    for place, row in _places(board):
        values = [_shown(row["parameters"][path]) for path in sweep["parameters"]]
        known = row["value"] is not None
        told = [round(row["value"], 4), f"{row['lower']:.4f} to {row['upper']:.4f}"] if known else [None, "diverged"]
        stopped = "won" if place == 1 else f"rung {row['rung']} of {rungs}"
        rows.append([place, *values, *told, row["budget"], row["seconds"], stopped])
    columns = ["place", *sweep["parameters"], metric, f"{metric}, interval", sweep["budget"], "seconds", "stopped at"]
    job.table("Leaderboard, on the tuning period", columns, rows)
    seconds = sum(row["seconds"] for row in board)
    job.metric("sweep.candidates", len(board))
    job.metric("sweep.seconds", round(seconds, 1))
    label = f"winner.{metric.replace('@', '')}"
    for name in ("value", "lower", "upper"):
        job.metric(label if name == "value" else f"{label}.{name}", best[name])
    job.note(
        f"winner of {len(board)} candidates: {words(best['parameters'])} "
        f"({metric} {best['value']:.4f} on the tuning period after {best['budget']:g} {sweep['budget']})"
    )
    job.note(f"{steps} trainings took {seconds:.0f} s of the jobs' own time")
