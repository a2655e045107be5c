"""What a check of a dataset comes to, given what was found in its rows; pure."""

from dataclasses import dataclass
from typing import Any

from sparkjobs.drift import Drift

Check = dict[str, Any]
CATEGORY_LENGTH = 60


@dataclass(frozen=True)
class Outcome:
    """What one check found: the verdict is passes, warns, fails or passed over, and `why` says why it was."""

    rule: str
    found: str | None
    bound: str
    verdict: str
    why: str = ""

    @property
    def said(self) -> str:
        """The outcome in words."""
        if self.found is None:
            return f"{self.rule} is passed over: {self.why}"
        return f"{self.rule}: found {self.found}, expected {self.bound}"


@dataclass(frozen=True)
class Published:
    """What the new rows are compared with: number of rows, and drift by column or why there is none."""

    rows: int
    drifts: dict[str, Drift] | str


Before = Published | str


def judge(check: Check, rows: int, found: dict[str, Any], before: Before) -> Outcome:
    """The outcome of a check on `rows` rows, given what `measure` found; pure."""
    rule, column = check["rule"], check.get("column")
    if rule in ("rowChange", "drift"):
        return _judge_change(check, rows, before)
    if rule == "nulls":
        nulls, at_most = found.get("nulls", 0), check.get("atMost") or 0
        share = nulls / rows if rows else 0.0
        told = f"{_figure(share)} ({_figure(nulls)} of {_figure(rows)} rows)" if nulls else "none"
        return _outcome(check, f"nulls of {column}", told, f"at most {_figure(at_most)}", share <= at_most)
    if rule == "unique":
        copies = rows - found["distinct"] if rows else 0
        told = f"{_figure(copies)} row{'s' * (copies != 1)} too many" if copies else "no copies"
        return _outcome(check, f"unique {', '.join(check['columns'])}", told, "no copies", copies == 0)
    if rule == "rows":
        is_within = check.get("min", rows) <= rows <= check.get("max", rows)
        return _outcome(check, "rows", _figure(rows), _range(check.get("min"), check.get("max")), is_within)
    least, greatest, outside = found.get("min"), found.get("max"), found.get("outside", 0)
    told = "no values" if least is None else _range(least, greatest)
    said = f"{told}, {_figure(outside)} of {_figure(rows)} rows outside" if outside else told
    return _outcome(check, f"range of {column}", said, _range(check.get("min"), check.get("max")), outside == 0)


def _judge_change(check: Check, rows: int, before: Before) -> Outcome:
    column, at_most = check.get("column"), check["atMost"]
    rule = f"drift of {column}" if check["rule"] == "drift" else "rowChange"
    bound = f"at most {_figure(at_most)}"
    why = before if isinstance(before, str) else before.drifts if check["rule"] == "drift" else None
    if isinstance(before, str) or isinstance(why, str):
        return Outcome(rule, None, bound, "passed over", str(why))
    if check["rule"] == "rowChange":
        change = rows / before.rows - 1
        told = f"{change:+.4g} ({_figure(before.rows)} to {_figure(rows)})"
        return _outcome(check, rule, told, bound, abs(change) <= at_most)
    drift = before.drifts[column]
    told = _figure(drift.distance)
    if drift.distance > at_most and drift.category is not None:
        told += f", most by {drift.category[:CATEGORY_LENGTH]}: share {_figure(drift.before)} to {_figure(drift.now)}"
    return _outcome(check, rule, told, bound, drift.distance <= at_most)


def _outcome(check: Check, rule: str, found: str, bound: str, passes: bool) -> Outcome:
    refused = "warns" if check["onFailure"] == "warn" else "fails"
    return Outcome(rule, found, bound, "passes" if passes else refused)


def _range(least: float | None, greatest: float | None) -> str:
    if least is None or greatest is None:
        return f"from {_figure(least)}" if least is not None else f"to {_figure(greatest)}"
    return f"{_figure(least)} to {_figure(greatest)}"


def _figure(value: float | None) -> str:
    """Whole numbers with thousands marked, others with four significant digits."""
    if value is None or value != value:
        return "not a number"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"
